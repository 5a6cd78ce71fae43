import GRDB
package import Knowledge

extension Database: KeywordIndex {
    /// Searches the index of the database itself: it is as current as the chunks.
    package func search(
        _ query: SearchQuery, in bases: [KnowledgeBaseID], documents: DocumentFilter?, limit: Int
    ) async throws -> KeywordFinding {
        guard limit > 0, documents?.documents.isEmpty != true else { return KeywordFinding(hits: []) { _ in [] } }
        let (search, hits) = try await reading { [filters, postings] reader in
            let search = try KeywordSearch(query, in: bases, cache: postings, reader)
            let rows = try documents.map { try filters.rows(of: $0) { try reader.keywordRows(of: $0) } }
            return (search, try search.hits(limit, of: rows, reader))
        }
        return KeywordFinding(hits: hits) { [self] chunks in
            try await reading { reader in
                try search.hits(chunks.count, of: try KeywordRows(chunks: chunks), reader)
            }
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
        postings.removeAll()
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
        try execute(sql: "UPDATE erasure SET keyword_base = NULL")
        let editions = try Row.fetchAll(
            self, sql: "SELECT document_id, knowledge_base_id, first_chunk, last_chunk FROM edition ORDER BY document_id")
        for row in editions {
            // What is damaged has no words to be found by.
            guard let chunks = try? row.chunks() else { continue }
            try addKeywords(of: row.id("document_id"), chunks, in: row.id("knowledge_base_id"))
        }
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
                SELECT COUNT(*) FROM edition JOIN chunk ON chunk.document_id = edition.document_id
                    AND chunk.id BETWEEN first_chunk AND last_chunk
                WHERE edition.knowledge_base_id = keyword_base.knowledge_base_id
            )
            """)
        var problems: [String] = []
        if missing > 0 { problems.append("\(missing) chunks are not in the keyword index") }
        if left > 0 { problems.append("the keyword index has \(left) chunks that are gone") }
        if miscounted > 0 { problems.append("the keyword index miscounts \(miscounted) knowledge bases") }
        return problems
    }
}

extension Reader {
    /// Where the chunks of these documents stand in the index, those of all their editions.
    fileprivate func keywordRows(of documents: Set<DocumentID>) throws -> KeywordRows {
        let editions = try query("SELECT first_chunk, last_chunk FROM edition WHERE document_id = ?")
        var ranges: [Range<Int64>] = []
        for document in documents {
            try editions.bind(document.rawValue)
            while try editions.next() {
                ranges.append(try KeywordRow.range(ofChunksFrom: editions.int(0), to: editions.int(1)))
            }
        }
        return KeywordRows(ranges)
    }
}
