import FoundationEssentials
import GRDB
import Knowledge

// The rows of the keyword index, written in the transactions that write the chunks.

extension Connection {
    /// Indexes an edition, which has no words in the index.
    /// - Parameter chunks: All of the edition.
    func addKeywords(of document: DocumentID, _ chunks: ClosedRange<Int64>, in generation: KnowledgeBaseID) throws {
        let base = try keywordBase(of: generation) ?? makeKeywordBase(of: generation)
        let (count, words) = try writeKeywords(of: document, chunks, in: base, .add)
        try execute(
            sql: """
                UPDATE keyword_base SET documents = documents + 1, chunks = chunks + ?, words = words + ?
                WHERE number = ?
                """,
            arguments: [count, words, base.number]
        )
        try execute(
            sql: "UPDATE edition SET words = ? WHERE document_id = ? AND knowledge_base_id = ?",
            arguments: [words, document.rawValue, generation.rawValue]
        )
    }

    /// Takes chunks of a document out of the index; to be called while they are still there.
    func removeKeywords(of document: DocumentID, _ chunks: ClosedRange<Int64>, in base: KeywordBase) throws {
        _ = try writeKeywords(of: document, chunks, in: base, .remove)
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

    /// - Returns: How many chunks there are, and how many words they have.
    private func writeKeywords(
        of document: DocumentID, _ chunks: ClosedRange<Int64>, in base: KeywordBase, _ change: Change
    ) throws -> (chunks: Int, words: Int) {
        let stemmer = Stemmer()
        var (count, words) = (0, 0)
        let rows = try Row.fetchCursor(
            self,
            sql: """
                SELECT id, CAST(context AS BLOB) AS context, CAST(text AS BLOB) AS text FROM chunk
                WHERE document_id = ? AND id BETWEEN ? AND ? ORDER BY id
                """,
            arguments: [document.rawValue, chunks.lowerBound, chunks.upperBound]
        )
        while let row = try rows.next() {
            let text = KeywordText(
                context: try row.text("context"), body: try row.text("text"), base: base, stemmer: stemmer)
            try write(text, of: ChunkID(try row.get("id")), change)
            count += 1
            words += text.words
        }
        return (count, words)
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

/// Some rows of the index.
struct KeywordRows: Sendable {
    /// In order, without touching one another where they need not.
    private(set) var ranges: [Range<Int64>] = []

    init(_ ranges: [Range<Int64>]) {
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = self.ranges.last, range.lowerBound <= last.upperBound {
                self.ranges[self.ranges.count - 1] = last.lowerBound..<max(last.upperBound, range.upperBound)
            } else {
                self.ranges.append(range)
            }
        }
    }

    /// Throws `StorageError.damaged` for ids that no chunk can have.
    init(chunks: [ChunkID]) throws {
        self.init(try chunks.map { try KeywordRow.range(ofChunksFrom: $0.rawValue, to: $0.rawValue) })
    }
}

/// The id of a row of the index, which says the chunk and how many words it has.
struct KeywordRow: Hashable {
    /// More words than this count as this many.
    static let mostWords: Int64 = 4095
    /// So that a row has 52 bits.
    static let mostChunks: Int64 = 1 << 40

    var id: Int64

    init(id: Int64) { self.id = id }

    init(chunk: ChunkID, words: Int) {
        id = chunk.rawValue << 12 | min(Int64(words), Self.mostWords)
    }

    /// Where the rows of these chunks are. Throws `StorageError.damaged` where there can be none.
    static func range(ofChunksFrom first: Int64, to last: Int64) throws -> Range<Int64> {
        guard first >= 0, first <= last, last < mostChunks else {
            throw StorageError.damaged("the keyword index misplaces a document")
        }
        return first << 12..<(last + 1) << 12
    }

    var chunk: Int64 { id >> 12 }
    var words: Int { Int(id & Self.mostWords) }
}
