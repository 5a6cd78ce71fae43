import GRDB
package import Knowledge

extension Database: KeywordIndex {
    /// Searches the index of the database itself: it is as current as the chunks.
    package func search(
        _ query: SearchQuery, in bases: [KnowledgeBaseID], documents: Set<DocumentID>?, limit: Int
    ) async throws -> [KeywordHit] {
        guard limit > 0, documents?.isEmpty != true else { return [] }
        return try await read { db in
            let search = try KeywordSearch(query, in: bases, db: db)
            return try search.hits(limit, of: documents.map { try db.chunks(of: $0) }, db: db)
        }
    }

    package func scores(
        of chunks: [ChunkID], for query: SearchQuery, in bases: [KnowledgeBaseID]
    ) async throws -> [KeywordHit] {
        guard !chunks.isEmpty else { return [] }
        return try await read { db in
            let search = try KeywordSearch(query, in: bases, db: db)
            return try search.hits(chunks.count, of: Set(chunks.map(\.rawValue)), db: db)
        }
    }

    /// What is wrong with the keyword index, in words; empty if it is as it should be.
    ///
    /// Reads the whole index: for `doctor`, not for every day.
    package func keywordProblems() async throws -> [String] {
        do {
            // FTS5's own check is a write to SQLite, though it writes nothing.
            return try await write { db in try db.keywordProblems() }
        } catch StorageError.damaged(let what) {
            return [what]
        }
    }

    /// Makes the keyword index anew from the chunks, in one transaction.
    package func rebuildKeywords() async throws {
        try await write { db in try db.rebuildKeywords() }
    }
}

extension Connection {
    /// Makes the keyword index if it was never made, or by other rules than this program's.
    func updateKeywords() throws {
        guard try Int.fetchOne(self, sql: "SELECT version FROM keyword_analysis") != KeywordText.version else { return }
        try rebuildKeywords()
    }

    fileprivate func rebuildKeywords() throws {
        try execute(sql: "INSERT INTO keyword (keyword) VALUES ('delete-all')")
        try execute(sql: "INSERT INTO keyword_ending (keyword_ending) VALUES ('delete-all')")
        try execute(sql: "UPDATE keyword_base SET documents = 0, chunks = 0, words = 0")
        try execute(sql: "DELETE FROM keyword_document")
        let documents = try Row.fetchAll(
            self, sql: "SELECT id, knowledge_base_id FROM document WHERE status = 'completed' ORDER BY id")
        for row in documents { try addKeywords(of: row.id("id"), in: row.id("knowledge_base_id")) }
        try execute(sql: "UPDATE keyword_analysis SET version = ?", arguments: [KeywordText.version])
    }

    fileprivate func keywordProblems() throws -> [String] {
        try execute(sql: "INSERT INTO keyword (keyword) VALUES ('integrity-check')")
        try execute(sql: "INSERT INTO keyword_ending (keyword_ending) VALUES ('integrity-check')")
        func count(_ sql: String) throws -> Int { try Int.fetchOne(self, sql: sql) ?? 0 }
        let missing = try count(
            "SELECT COUNT(*) FROM chunk WHERE id NOT IN (SELECT id >> 12 FROM keyword_docsize)")
        let left = try count(
            "SELECT COUNT(*) FROM keyword_docsize WHERE id >> 12 NOT IN (SELECT id FROM chunk)")
        let miscounted = try count(
            """
            SELECT COUNT(*) FROM keyword_base WHERE chunks <> (
                SELECT COUNT(*) FROM document JOIN chunk ON chunk.document_id = document.id
                WHERE document.knowledge_base_id = keyword_base.knowledge_base_id
            )
            """)
        var problems: [String] = []
        if missing > 0 { problems.append("\(missing) chunks are not in the keyword index") }
        if left > 0 { problems.append("the keyword index has \(left) chunks that are gone") }
        if miscounted > 0 { problems.append("the keyword index miscounts \(miscounted) knowledge bases") }
        return problems
    }

    /// The ids of all chunks of these documents.
    fileprivate func chunks(of documents: Set<DocumentID>) throws -> Set<Int64> {
        try Int64.fetchSet(
            self,
            sql: "SELECT chunk.id FROM json_each(:documents) AS wanted CROSS JOIN chunk ON document_id = wanted.value",
            arguments: ["documents": try jsonText(documents.map(\.rawValue))]
        )
    }
}
