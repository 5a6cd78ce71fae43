package import FoundationEssentials

/// Files that were put into a knowledge base in one call, to be watched, cancelled and tried again together.
package struct FileBatch: Hashable, Sendable {
    package var id: FileBatchID
    package var knowledgeBase: KnowledgeBaseID
    /// Of its files; those whose document was removed since count as cancelled.
    package var counts: DocumentCounts
    package var isCancelled: Bool
    package var createdAt: Date

    package init(
        id: FileBatchID = .random(), knowledgeBase: KnowledgeBaseID, counts: DocumentCounts, isCancelled: Bool = false,
        createdAt: Date
    ) {
        self.id = id
        self.knowledgeBase = knowledgeBase
        self.counts = counts
        self.isCancelled = isCancelled
        self.createdAt = createdAt
    }
}

/// Batches of files. A batch is as durable as the jobs of its files, which do its work.
package protocol FileBatchStore: Sendable {
    /// Attaches all of the files, or none of them.
    func addBatch(_ attachments: [Attachment], to base: KnowledgeBaseID, in scope: Scope) async throws -> FileBatch
    func batch(_ id: FileBatchID, of base: KnowledgeBaseID, in scope: Scope) async throws -> FileBatch
    /// Cancels what is not done yet, and tells whose jobs that were.
    func cancelBatch(_ id: FileBatchID, of base: KnowledgeBaseID, in scope: Scope) async throws -> [JobID]
    /// Queues again what failed or was cancelled, and nothing else.
    func requeueBatch(_ id: FileBatchID, of base: KnowledgeBaseID, in scope: Scope) async throws
    /// The documents of its files, each known by the file of the batch; `status` as in `DocumentStore`.
    func documents(
        ofBatch id: FileBatchID, of base: KnowledgeBaseID, status: String?, page: Page, in scope: Scope
    ) async throws -> Listing<Document>
}
