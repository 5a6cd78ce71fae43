package import FoundationEssentials

/// Durable background work: on one document, or on all of a knowledge base's.
package struct Job: Hashable, Sendable {
    package var id: JobID
    package var tenant: TenantID
    package var kind: Kind
    package var knowledgeBase: KnowledgeBaseID
    /// Of a re-index, the id of what it makes: no document.
    package var document: DocumentID
    package var status: Status
    package var progress: JobProgress
    /// Runs begun, the present one included.
    package var attempts: Int
    /// Why a failed job failed.
    package var reason: DocumentFailure.Reason?
    /// A sentence about the last run that did not end well.
    package var message: String?
    package var createdAt: Date
    package var updatedAt: Date

    package init(
        id: JobID = .random(), tenant: TenantID, kind: Kind = .ingest, knowledgeBase: KnowledgeBaseID,
        document: DocumentID, status: Status = .queued, progress: JobProgress = JobProgress(), attempts: Int = 0,
        reason: DocumentFailure.Reason? = nil, message: String? = nil, createdAt: Date, updatedAt: Date? = nil
    ) {
        self.id = id
        self.tenant = tenant
        self.kind = kind
        self.knowledgeBase = knowledgeBase
        self.document = document
        self.status = status
        self.progress = progress
        self.attempts = attempts
        self.reason = reason
        self.message = message
        self.createdAt = createdAt
        self.updatedAt = updatedAt ?? createdAt
    }

    package enum Kind: String, Sendable, Codable { case ingest, reindex }

    package enum Status: String, Sendable, Codable, CaseIterable {
        case queued, running, completed, failed, cancelled

        /// Whether nothing more will happen by itself.
        package var isFinal: Bool { self != .queued && self != .running }
    }
}

/// How far a job is. Counters only rise, from one run of the job to the next as well, and `reused <= done <= total`.
package struct JobProgress: Hashable, Sendable {
    /// Of a re-index, `storing` means that it is about to change over; documents that come now wait for it.
    package enum Stage: String, Sendable, Codable, CaseIterable { case queued, reading, chunking, embedding, storing }

    /// Of a re-index.
    package struct Documents: Hashable, Sendable {
        package var total: Int
        package var done: Int

        package init(total: Int, done: Int) {
            self.total = total
            self.done = done
        }
    }

    package var stage: Stage
    /// Of the document, once it is read and where it has pages.
    package var pages: Int?
    /// Of a re-index, once it has looked.
    package var documents: Documents?
    /// 0 until the document is cut; of a re-index, those of the documents that were cut so far.
    package var chunks: Int
    /// Chunks whose vectors are on disk: no later run computes them again.
    package var done: Int
    /// Those of them that had a vector before: the same text stood in the knowledge base already.
    package var reused: Int
    /// Chunks embedded per second by the present run, once that can be told.
    package var chunksPerSecond: Double?

    /// How long the rest of the embedding will take at this rate. Of a re-index: where documents to come have as many
    /// chunks as those that are done.
    package var secondsLeft: Double? {
        guard let rate = chunksPerSecond, rate > 0 else { return nil }
        guard let documents else { return Double(chunks - done) / rate }
        guard documents.done > 0 else { return nil }
        return Double(done) / Double(documents.done) * Double(documents.total - documents.done) / rate
    }

    package init(
        stage: Stage = .queued, pages: Int? = nil, documents: Documents? = nil, chunks: Int = 0, done: Int = 0, reused: Int = 0,
        chunksPerSecond: Double? = nil
    ) {
        self.stage = stage
        self.pages = pages
        self.documents = documents
        self.chunks = chunks
        self.done = done
        self.reused = reused
        self.chunksPerSecond = chunksPerSecond
    }
}

/// The right to finish a job. Every write that a job makes checks it, so that a worker which lost its lease changes nothing.
package struct JobLease: Hashable, Sendable {
    /// How long a worker may be silent before its job is given to another one.
    package static let seconds = 60.0

    package var job: Job
    package var token: String
    /// The document's file; nil for a re-index.
    package var file: StoredFile?
    /// The document's settings as of the claim, or those that the knowledge base is to have.
    package var chunking: Chunking
    package var embedding: EmbeddingModel

    package init(job: Job, token: String, file: StoredFile?, chunking: Chunking, embedding: EmbeddingModel) {
        self.job = job
        self.token = token
        self.file = file
        self.chunking = chunking
        self.embedding = embedding
    }
}
