package import FoundationEssentials

/// A named set of documents with one embedding model and one chunking setting; on OpenAI's face, a vector store.
package struct KnowledgeBase: Hashable, Sendable {
    package var id: KnowledgeBaseID
    package var name: String
    package var summary: String
    package var metadata: [String: String]
    /// Of all vectors that are searched: those of two models are never mixed. Another one takes a re-index.
    package var embedding: EmbeddingModel
    /// Of documents that do not have their own.
    package var chunking: Chunking
    /// Under which id an index has its chunks and vectors: its own until its first re-index. Each re-index ends with
    /// another one, so that whoever searches with `embedding` what is filed here never meets vectors of another model.
    package var index: KnowledgeBaseID
    /// A re-index that has not come to its end. Derived like `counts`.
    package var reindexing: Reindexing?
    /// What was searched before the last re-index, as long as it is kept. Derived like `counts`.
    package var former: FormerIndex?
    package var search = SearchSettings()
    package var createdAt: Date
    package var lastActiveAt: Date
    /// Days after its last use when it goes by itself; nil: it stays.
    package var expiryDays: Int?
    /// Derived by the store when it is read; ignored when it is written.
    package var counts: DocumentCounts
    /// Bytes of text and vectors of all completed documents; derived like `counts`.
    package var usageBytes: Int

    package init(
        id: KnowledgeBaseID = .random(), name: String, summary: String = "", metadata: [String: String] = [:],
        embedding: EmbeddingModel, chunking: Chunking = .structured, createdAt: Date, lastActiveAt: Date? = nil,
        counts: DocumentCounts = DocumentCounts(), usageBytes: Int = 0
    ) {
        self.id = id
        index = id
        self.name = name
        self.summary = summary
        self.metadata = metadata
        self.embedding = embedding
        self.chunking = chunking
        self.createdAt = createdAt
        self.lastActiveAt = lastActiveAt ?? createdAt
        self.counts = counts
        self.usageBytes = usageBytes
    }
}

extension KnowledgeBase {
    /// When it goes by itself unless it is used before.
    package var expiresAt: Date? { expiryDays.map { lastActiveAt.addingTimeInterval(Double($0) * 86_400) } }
}

/// What searches of a knowledge base do unless a request says otherwise.
package struct SearchSettings: Hashable, Sendable {
    /// The share of meaning beside words, 0…1; nil lets each search decide.
    package var embeddingWeight: Double?
    /// The score from which on passages count as an answer, 0…1; nil means the server's default.
    package var minimumScore: Double?

    package init() {}
}

/// How many documents of a knowledge base are in which state.
package struct DocumentCounts: Hashable, Sendable {
    package var inProgress = 0
    package var completed = 0
    package var failed = 0
    package var cancelled = 0
    package var total: Int { inProgress + completed + failed + cancelled }

    package init(inProgress: Int = 0, completed: Int = 0, failed: Int = 0, cancelled: Int = 0) {
        self.inProgress = inProgress
        self.completed = completed
        self.failed = failed
        self.cancelled = cancelled
    }
}

/// How documents are cut.
package enum Chunking: Hashable, Sendable, Codable {
    /// By the document's own structure, as large as the embedding model's window allows. OpenAI's `auto`.
    case structured
    /// Windows of at most `maxTokens`, each repeating at most `overlapTokens` of the one before. OpenAI's `static`.
    case fixed(maxTokens: Int, overlapTokens: Int)
}
