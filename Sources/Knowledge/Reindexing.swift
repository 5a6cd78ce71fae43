package import FoundationEssentials

/// How documents become vectors: what takes a re-index to change.
package struct IndexSettings: Hashable, Sendable {
    package var embedding: EmbeddingModel
    package var chunking: Chunking

    package init(embedding: EmbeddingModel, chunking: Chunking) {
        self.embedding = embedding
        self.chunking = chunking
    }
}

/// A change of a knowledge base's settings that is under way, or has failed and can be tried again.
package struct Reindexing: Hashable, Sendable {
    package var job: Job
    /// What the knowledge base will have.
    package var settings: IndexSettings

    package init(job: Job, settings: IndexSettings) {
        self.job = job
        self.settings = settings
    }
}

/// What was searched before the last re-index, to which people may go back.
package struct FormerIndex: Hashable, Sendable {
    /// How long it is kept; so is what a failed re-index has made. Long enough to find out what the change was worth.
    package static let lifetime: TimeInterval = 7 * 24 * 3_600

    package var settings: IndexSettings
    package var keptUntil: Date

    package init(settings: IndexSettings, keptUntil: Date) {
        self.settings = settings
        self.keptUntil = keptUntil
    }
}

extension KnowledgeBase {
    package var settings: IndexSettings { IndexSettings(embedding: embedding, chunking: chunking) }
}

/// A part of a re-index's work.
package struct ReindexStep: Sendable {
    /// In the order in which they were indexed; empty where there are no more.
    package var documents: [StoredText]
    /// How many documents there are and how many of them are done, and the chunks of these.
    package var progress: JobProgress.Documents
    package var chunks: Int

    package init(documents: [StoredText], progress: JobProgress.Documents, chunks: Int) {
        self.documents = documents
        self.progress = progress
        self.chunks = chunks
    }
}

/// An indexed document as it was read, to be cut anew.
package struct StoredText: Sendable {
    package var document: DocumentID
    /// Where it stands in the order of the generation that is searched.
    package var revision: Int64
    package var file: StoredFile
    /// The new setting, unless the document has its own.
    package var chunking: Chunking
    package var title: String?
    package var text: String
    /// As in `IndexedContent`.
    package var layout: [UInt8]?

    package init(
        document: DocumentID, revision: Int64, file: StoredFile, chunking: Chunking, title: String?, text: String,
        layout: [UInt8]?
    ) {
        self.document = document
        self.revision = revision
        self.file = file
        self.chunking = chunking
        self.title = title
        self.text = text
        self.layout = layout
    }
}

/// How an attempt to change over has ended.
package enum ChangeOver: Sendable {
    case done
    /// There are documents that the new generation does not have.
    case incomplete
    /// The lease is void; nothing was changed.
    case lost
}

/// Knowledge bases that change their settings. What is made anew is filed apart and takes the old one's place in one
/// transaction; until then nothing of it is found.
package protocol ReindexStore: Sendable {
    /// Begins to index a knowledge base by other settings: its job is on disk when this returns.
    ///
    /// Nothing happens where it has these settings already, and a job that is under way to them goes on, or is queued again
    /// where it failed. Settings of the former index take that one up again. Any other former index is let go.
    /// - Throws: `RequestError.conflict` while a job to still other settings waits or runs.
    func reindex(_ id: KnowledgeBaseID, with settings: IndexSettings, in scope: Scope) async throws -> KnowledgeBase
    /// The next documents that the new generation lacks: at least one, and about `limit` chunks.
    /// - Parameter revision: Only documents that stand behind it.
    /// - Returns: nil if the lease is void.
    func documents(lackingIn lease: JobLease, after revision: Int64, limit: Int) async throws -> ReindexStep?
    /// Stores documents in the new generation. Those that have gone meanwhile are left out. Returns false, with nothing
    /// written, if the lease is void.
    func keep(
        _ contents: [(document: DocumentID, content: IndexedContent)], for lease: JobLease, at time: Date,
        progress: JobProgress
    ) async throws -> Bool
    /// Ends the job, and searches find what it has made from then on, all in one transaction.
    func changeOver(_ lease: JobLease) async throws -> ChangeOver
    /// Lets go of former indexes, and of what failed re-indexes have made, that were kept long enough.
    func discardGenerations(expiredAt time: Date) async throws
}
