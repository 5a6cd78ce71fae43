package import FoundationEssentials

/// Durable background work on one document.
package struct Job: Hashable, Sendable {
    package var id: JobID
    package var tenant: TenantID
    package var kind: Kind
    package var knowledgeBase: KnowledgeBaseID
    package var document: DocumentID
    package var status: Status
    /// Runs begun, the present one included.
    package var attempts: Int
    package var message: String?
    package var createdAt: Date
    package var updatedAt: Date

    package init(
        id: JobID = .random(), tenant: TenantID, kind: Kind = .ingest, knowledgeBase: KnowledgeBaseID,
        document: DocumentID, status: Status = .queued, attempts: Int = 0, message: String? = nil, createdAt: Date,
        updatedAt: Date? = nil
    ) {
        self.id = id
        self.tenant = tenant
        self.kind = kind
        self.knowledgeBase = knowledgeBase
        self.document = document
        self.status = status
        self.attempts = attempts
        self.message = message
        self.createdAt = createdAt
        self.updatedAt = updatedAt ?? createdAt
    }

    package enum Kind: String, Sendable, Codable { case ingest }
    package enum Status: String, Sendable, Codable, CaseIterable { case queued, running, completed, failed, cancelled }
}

/// The right to finish a job. Every write that a job makes checks it, so that a worker which lost its lease changes nothing.
package struct JobLease: Hashable, Sendable {
    package var job: Job
    package var token: String
    /// The document's file and its settings, as of the claim.
    package var file: StoredFile
    package var chunking: Chunking
    package var embedding: EmbeddingModel

    package init(job: Job, token: String, file: StoredFile, chunking: Chunking, embedding: EmbeddingModel) {
        self.job = job
        self.token = token
        self.file = file
        self.chunking = chunking
        self.embedding = embedding
    }
}
