/// A stretch of a document small enough to embed and to quote.
package struct Chunk: Hashable, Sendable {
    /// Where the text sits in the document's canonical text, in UTF-8 bytes.
    package var bytes: Range<Int>
    /// The same stretch in Unicode code points: what the API calls `start` and `end`.
    package var characters: Range<Int>
    /// Exactly the canonical text at `bytes`; what a citation quotes.
    package var text: String
    /// Title and headings above the text, one line ending in a newline, or empty. Embedded in front of `text`, never shown.
    package var context: String
    package var headingPath: [String]
    package var page: Int?
    /// A place that people can find, such as `lines 40–88`.
    package var locator: String?
    /// Tokens of `context + text` by the embedding model's tokenizer, special tokens not counted.
    package var tokenCount: Int

    package init(
        bytes: Range<Int>, characters: Range<Int>, text: String, context: String, headingPath: [String],
        page: Int? = nil, locator: String? = nil, tokenCount: Int
    ) {
        self.bytes = bytes
        self.characters = characters
        self.text = text
        self.context = context
        self.headingPath = headingPath
        self.page = page
        self.locator = locator
        self.tokenCount = tokenCount
    }
}

/// Everything that indexing a document yields; stored in one transaction or not at all.
package struct IndexedContent: Sendable {
    package var title: String?
    /// The canonical text that chunks and citations point into.
    package var text: String
    /// What else the reader found, in bytes of its own, so that the text can be cut again without being read again.
    package var layout: [UInt8]?
    package var chunks: [Chunk]
    /// One per chunk, in the same order, of unit length.
    package var vectors: [[Float]]

    package init(title: String?, text: String, layout: [UInt8]? = nil, chunks: [Chunk], vectors: [[Float]]) {
        self.title = title
        self.text = text
        self.layout = layout
        self.chunks = chunks
        self.vectors = vectors
    }
}

/// A chunk that a search found, with all that a citation needs.
package struct Passage: Hashable, Sendable {
    package var chunk: ChunkID
    package var knowledgeBase: KnowledgeBaseID
    package var document: DocumentID
    package var file: FileID
    package var filename: String
    package var title: String?
    package var headingPath: [String]
    package var page: Int?
    package var locator: String?
    /// Unicode code points in the document's canonical text.
    package var characters: Range<Int>
    package var text: String
    package var tokenCount: Int
    package var attributes: [String: JSONValue]
    /// 0…1, comparable between queries.
    package var score: Double
    package var evidence = Evidence()

    package init(
        chunk: ChunkID, knowledgeBase: KnowledgeBaseID, document: DocumentID, file: FileID, filename: String,
        title: String?, headingPath: [String], page: Int?, locator: String?, characters: Range<Int>, text: String,
        tokenCount: Int, attributes: [String: JSONValue], score: Double
    ) {
        self.chunk = chunk
        self.knowledgeBase = knowledgeBase
        self.document = document
        self.file = file
        self.filename = filename
        self.title = title
        self.headingPath = headingPath
        self.page = page
        self.locator = locator
        self.characters = characters
        self.text = text
        self.tokenCount = tokenCount
        self.attributes = attributes
        self.score = score
    }
}

/// What speaks for a passage, stage by stage; ranks count from 1.
package struct Evidence: Hashable, Sendable {
    /// Cosine of query and chunk, -1…1; nil where meaning was not searched.
    package var similarity: Double?
    /// Place among the nearest chunks; nil beyond those looked at.
    package var denseRank: Int?
    /// How the nearest chunks were found; nil beyond those looked at.
    package var denseSearch: SearchReport?
    /// BM25 in units of what one word of the rarest kind scores at best.
    package var keywordScore: Double?
    /// Share of the query's words that the chunk holds, rare ones counting more, 0…1.
    package var coverage: Double?
    package var keywordRank: Int?
    /// What a cross-encoder says of query and passage; nil where none was asked.
    package var relevance: Double?
    /// Which of the queries found it best, from 0.
    package var query = 0

    package init() {}
}
