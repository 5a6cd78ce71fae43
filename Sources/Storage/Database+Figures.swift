import GRDB
package import Knowledge

extension Database {
    /// Counts jobs and documents, and adds up what documents say of their indexes. Reads no chunk.
    package func figures() async throws -> StoreFigures {
        try await read { db in
            func counts(_ table: String) throws -> [String: Int] {
                let rows = try Row.fetchAll(db, sql: "SELECT status, COUNT(*) AS number FROM \(table) GROUP BY status")
                return Dictionary(uniqueKeysWithValues: rows.map { ($0["status"], $0["number"]) })
            }
            func number(_ sql: String) throws -> Int { try Int.fetchOne(db, sql: sql) ?? 0 }
            let indexes = try Row.fetchAll(
                db,
                sql: """
                    SELECT b.embedding_name AS model, SUM(d.chunk_count) AS vectors, SUM(d.usage_bytes) AS bytes
                    FROM known_base b JOIN document d ON d.knowledge_base_id = b.id
                    WHERE d.status = 'completed' GROUP BY model
                    """)
            return StoreFigures(
                jobs: try counts("job"), documents: try counts("document"),
                indexes: Dictionary(
                    uniqueKeysWithValues: indexes.map {
                        ($0["model"], StoreFigures.IndexSize(vectors: $0["vectors"], bytes: $0["bytes"]))
                    }),
                databaseBytes: try number("PRAGMA page_count") * number("PRAGMA page_size"))
        }
    }
}
