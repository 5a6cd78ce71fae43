import FoundationEssentials
import GRDB
package import Knowledge

extension Database: ChunkStore {
    package func passages(_ places: [ChunkPlace], in scope: Scope) async throws -> [Passage] {
        try await read { db in
            let rows = try Row.fetchAll(
                db.cachedStatement(sql: Self.passagesByChunk),
                arguments: [
                    "tenant": scope.tenant.rawValue, "chunks": try jsonText(places.map(\.chunk.rawValue)),
                ]
            )
            let passages = Dictionary(
                try rows.map(Passage.init(row:)).map { ($0.chunk, $0) }, uniquingKeysWith: { first, _ in first })
            return places.compactMap { place in
                passages[place.chunk].flatMap { passage in
                    passage.document == place.document ? passage : nil
                }
            }
        }
    }

    package func sample(
        of generation: KnowledgeBaseID, count: Int, in scope: Scope
    ) async throws -> (texts: [String], chunks: Int) {
        try await read { db in
            let chunks = try Int.fetchOne(
                db,
                sql: """
                    SELECT COALESCE(SUM(last_chunk - first_chunk + 1), 0) FROM edition
                    JOIN document ON document.id = document_id AND tenant_id = ? WHERE edition.knowledge_base_id = ?
                    """,
                arguments: [scope.tenant.rawValue, generation.rawValue])
            // Multiplying by an odd number and looking at the low bits scatters ids well enough to be fair to all documents.
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT CAST(text AS BLOB) AS text FROM chunk WHERE id IN (
                        SELECT chunk.id FROM edition
                        CROSS JOIN document ON document.id = edition.document_id
                        CROSS JOIN chunk ON chunk.document_id = edition.document_id
                            AND chunk.id BETWEEN first_chunk AND last_chunk
                        WHERE document.tenant_id = ? AND edition.knowledge_base_id = ?
                        ORDER BY (chunk.id * 40503) & 65535, chunk.id LIMIT ?
                    ) ORDER BY id
                    """,
                arguments: [scope.tenant.rawValue, generation.rawValue, count])
            return (try rows.map { try $0.text("text") }, chunks ?? 0)
        }
    }

    package func spans(around places: [ChunkPlace], reach: Int, in scope: Scope) async throws -> [ChunkSpan] {
        try await read { db in
            let rows = try Row.fetchAll(
                db.cachedStatement(sql: Self.spansByChunk),
                arguments: [
                    "tenant": scope.tenant.rawValue, "chunks": try jsonText(places.map(\.chunk.rawValue)),
                    "reach": reach,
                ])
            return try rows.map(ChunkSpan.init(row:))
        }
    }

    package func texts(
        _ stretches: [(document: DocumentID, bytes: Range<Int>)], in scope: Scope
    ) async throws -> [String?] {
        try await read { db in
            try stretches.map { stretch in
                // SUBSTR of a blob counts bytes, from 1.
                let row = try Row.fetchOne(
                    db,
                    sql: """
                        SELECT SUBSTR(CAST(document_text.text AS BLOB), :start, :length) AS text
                        FROM document JOIN document_text ON document_text.document_id = document.id
                        WHERE document.id = :document AND document.tenant_id = :tenant
                        """,
                    arguments: [
                        "start": stretch.bytes.lowerBound + 1, "length": stretch.bytes.count,
                        "document": stretch.document.rawValue, "tenant": scope.tenant.rawValue,
                    ])
                return try row.map { try $0.text("text") }
            }
        }
    }

    private static let spansByChunk = """
        SELECT DISTINCT near.id AS chunk_id, near.document_id AS document_id,
            near.position & \(Edition.mostChunks - 1) AS position,
            near.byte_start, near.byte_end, near.character_start, near.character_end, near.heading_path, near.page,
            near.token_count
        FROM json_each(:chunks) AS wanted
        CROSS JOIN chunk ON chunk.id = wanted.value
        CROSS JOIN document ON document.id = chunk.document_id
        CROSS JOIN chunk AS near ON near.document_id = chunk.document_id
            AND near.position BETWEEN chunk.position - :reach AND chunk.position + :reach
        WHERE document.tenant_id = :tenant
        ORDER BY near.document_id, near.id
        """

    /// CROSS JOIN keeps SQLite from beginning with all documents of the tenant.
    private static let passagesByChunk = """
        SELECT chunk.id AS chunk_id, document.id AS document_id, knowledge_base_id, file_id, filename, title,
            heading_path, page, locator, character_start, character_end, CAST(text AS BLOB) AS text, token_count,
            attributes
        FROM json_each(:chunks) AS wanted
        CROSS JOIN chunk ON chunk.id = wanted.value
        CROSS JOIN document ON document.id = chunk.document_id
        WHERE document.tenant_id = :tenant
        """
}

extension Passage {
    /// With a score of 0.
    fileprivate init(row: Row) throws {
        self.init(
            chunk: ChunkID(try row.get("chunk_id")), knowledgeBase: try row.id("knowledge_base_id"),
            document: try row.id("document_id"), file: try row.id("file_id"), filename: try row.get("filename"),
            title: try row.find("title"), headingPath: try row.json("heading_path"), page: try row.find("page"),
            locator: try row.find("locator"), characters: try row.range("character_start", "character_end"),
            text: try row.text("text"), tokenCount: try row.get("token_count"),
            attributes: try row.json("attributes"), score: 0
        )
    }
}

extension ChunkSpan {
    fileprivate init(row: Row) throws {
        self.init(
            chunk: ChunkID(try row.get("chunk_id")), document: try row.id("document_id"),
            position: try row.get("position"), bytes: try row.range("byte_start", "byte_end"),
            characters: try row.range("character_start", "character_end"), headingPath: try row.json("heading_path"),
            page: try row.find("page"), tokenCount: try row.get("token_count"))
    }
}
