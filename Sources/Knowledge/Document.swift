package import FoundationEssentials

/// A file inside a knowledge base, with its attributes and how far its indexing has come.
package struct Document: Hashable, Sendable {
    package var id: DocumentID
    package var knowledgeBase: KnowledgeBaseID
    package var file: FileID
    package var filename: String
    package var status: DocumentStatus
    /// Free pairs that searches can filter by: strings, numbers, booleans.
    package var attributes: [String: JSONValue]
    package var chunking: Chunking
    /// From the document itself, once it was read.
    package var title: String?
    package var chunkCount: Int
    /// Bytes of text and vectors; 0 until completed.
    package var usageBytes: Int
    package var createdAt: Date

    package init(
        id: DocumentID = .random(), knowledgeBase: KnowledgeBaseID, file: FileID, filename: String,
        status: DocumentStatus = .inProgress, attributes: [String: JSONValue] = [:], chunking: Chunking = .structured,
        title: String? = nil, chunkCount: Int = 0, usageBytes: Int = 0, createdAt: Date
    ) {
        self.id = id
        self.knowledgeBase = knowledgeBase
        self.file = file
        self.filename = filename
        self.status = status
        self.attributes = attributes
        self.chunking = chunking
        self.title = title
        self.chunkCount = chunkCount
        self.usageBytes = usageBytes
        self.createdAt = createdAt
    }
}

/// A document is never `completed` with nothing indexed.
package enum DocumentStatus: Hashable, Sendable {
    case inProgress
    case completed
    case failed(DocumentFailure)
    case cancelled
}

/// Why one document could not be indexed. Ends that document only.
package struct DocumentFailure: Error, Hashable, Sendable, Codable {
    package var reason: Reason
    /// A sentence for the person who uploaded it: what is wrong and how to mend it.
    package var message: String

    package init(_ reason: Reason, _ message: String) {
        self.reason = reason
        self.message = message
    }

    /// The closed list of reasons.
    package enum Reason: String, Sendable, Codable, CaseIterable {
        /// No reader for this kind of file.
        case unsupportedType = "unsupported_type"
        /// No text in it.
        case empty
        /// Pages, but only pictures on them, and nothing here that reads pictures.
        case noTextLayer = "no_text_layer"
        /// A password stands before its content.
        case encrypted
        /// The bytes are not what the name says, or are damaged.
        case unreadable
        /// More bytes, text, pages or parts than one document may have.
        case tooLarge = "too_large"
        /// Reading it took longer than a document may take.
        case timedOut = "timed_out"
        /// The program that reads it ended before it was done.
        case readerCrashed = "reader_crashed"
        /// The embedding model or its provider failed for good.
        case embeddingFailed = "embedding_failed"
        /// A defect of ours; the log has the details under the document's id.
        case internalError = "internal_error"
    }
}
