import FoundationEssentials
import GRDB
import Knowledge

// The rows of the keyword index, written in the transactions that write the chunks.

extension Connection {
    /// Indexes all chunks of a document, which has none in the index.
    func addKeywords(of document: DocumentID, in base: KnowledgeBaseID) throws {
        let number = try keywordBase(of: base) ?? makeKeywordBase(of: base)
        try changeKeywords(of: document, in: number, sign: 1)
    }

    /// Takes a document's chunks out of the index; to be called while the chunks are still there.
    func removeKeywords(of document: DocumentID, in base: KnowledgeBaseID) throws {
        guard let number = try keywordBase(of: base) else { return }
        try changeKeywords(of: document, in: number, sign: -1)
    }

    /// Takes all chunks of a knowledge base out of the index; to be called while the chunks are still there.
    func removeKeywords(of base: KnowledgeBaseID) throws {
        guard let number = try keywordBase(of: base) else { return }
        let documents = try String.fetchAll(
            self, sql: "SELECT id FROM document WHERE knowledge_base_id = ? AND status = 'completed'",
            arguments: [base.rawValue])
        for document in documents { try changeKeywords(of: DocumentID(rawValue: document), in: number, sign: -1) }
    }

    func keywordBase(of base: KnowledgeBaseID) throws -> KeywordBase? {
        try Int64.fetchOne(
            self, sql: "SELECT number FROM keyword_base WHERE knowledge_base_id = ?", arguments: [base.rawValue]
        ).map(KeywordBase.init(number:))
    }

    private func makeKeywordBase(of base: KnowledgeBaseID) throws -> KeywordBase {
        try execute(sql: "INSERT INTO keyword_base (knowledge_base_id) VALUES (?)", arguments: [base.rawValue])
        return KeywordBase(number: lastInsertedRowID)
    }

    private func changeKeywords(of document: DocumentID, in base: KeywordBase, sign: Int) throws {
        let stemmer = Stemmer()
        var (ids, words) = ([Int64](), 0)
        let rows = try Row.fetchCursor(
            self,
            sql: """
                SELECT id, CAST(context AS BLOB) AS context, CAST(text AS BLOB) AS text FROM chunk
                WHERE document_id = ? ORDER BY position
                """,
            arguments: [document.rawValue]
        )
        while let row = try rows.next() {
            let text = KeywordText(
                context: try row.text("context"), body: try row.text("text"), base: base, stemmer: stemmer)
            ids.append(try row.get("id"))
            try write(text, of: ChunkID(ids[ids.count - 1]), sign > 0 ? .add : .remove)
            words += text.words
        }
        guard let first = ids.first, let last = ids.last else { return }
        try execute(
            sql: """
                UPDATE keyword_base SET documents = documents + ?, chunks = chunks + ?, words = words + ?
                WHERE number = ?
                """,
            arguments: [sign, sign * ids.count, sign * words, base.number]
        )
        if sign < 0 {
            try execute(sql: "DELETE FROM keyword_document WHERE document_id = ?", arguments: [document.rawValue])
        } else {
            try execute(
                sql: "INSERT INTO keyword_document (document_id, first_chunk, last_chunk, words) VALUES (?, ?, ?, ?)",
                arguments: [document.rawValue, first, last, words]
            )
        }
    }

    private enum Change {
        case add, remove
    }

    /// FTS5 removes from a table that does not hold the text by being told the text.
    private func write(_ text: KeywordText, of chunk: ChunkID, _ change: Change) throws {
        let row = KeywordRow(chunk: chunk, words: text.words).id
        let command = change == .add ? nil : "delete"
        try cachedStatement(sql: "INSERT INTO keyword (keyword, rowid, context, body) VALUES (?, ?, ?, ?)")
            .execute(arguments: [command, row, text.context, text.body])
        guard !text.endings.isEmpty else { return }
        try cachedStatement(sql: "INSERT INTO keyword_ending (keyword_ending, rowid, words) VALUES (?, ?, ?)")
            .execute(arguments: [command, row, text.endings])
    }
}

/// The id of a row of the index, which says the chunk and how many words it has.
struct KeywordRow: Hashable {
    /// More words than this count as this many.
    static let mostWords: Int64 = 4095

    var id: Int64

    init(id: Int64) { self.id = id }

    init(chunk: ChunkID, words: Int) {
        id = chunk.rawValue << 12 | min(Int64(words), Self.mostWords)
    }

    /// Where the rows of these chunks are.
    static func range(_ chunks: ClosedRange<Int64>) -> Range<Int64> {
        chunks.lowerBound << 12..<(chunks.upperBound + 1) << 12
    }

    var chunk: Int64 { id >> 12 }
    var words: Int { Int(id & Self.mostWords) }
}
