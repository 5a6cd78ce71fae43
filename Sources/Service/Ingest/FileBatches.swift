package import Knowledge

/// Many files in one call, and what may be done to them together.
package struct FileBatches: Sendable {
    let store: any FileBatchStore
    let desk: JobDesk

    package init(store: any FileBatchStore, desk: JobDesk) {
        self.store = store
        self.desk = desk
    }

    /// Batch, documents and jobs are on disk when this returns.
    package func create(
        _ attachments: [Attachment], in base: KnowledgeBaseID, scope: Scope
    ) async throws -> FileBatch {
        let batch = try await store.addBatch(attachments, to: base, in: scope)
        desk.wakeUp()
        return batch
    }

    package func batch(_ id: FileBatchID, of base: KnowledgeBaseID, in scope: Scope) async throws -> FileBatch {
        try await store.batch(id, of: base, in: scope)
    }

    /// Cancels what is not done yet. What is done stays.
    package func cancel(_ id: FileBatchID, of base: KnowledgeBaseID, in scope: Scope) async throws -> FileBatch {
        for job in try await store.cancelBatch(id, of: base, in: scope) { desk.stop(job) }
        return try await store.batch(id, of: base, in: scope)
    }

    /// Tries again what failed or was cancelled.
    package func retry(_ id: FileBatchID, of base: KnowledgeBaseID, in scope: Scope) async throws -> FileBatch {
        try await store.requeueBatch(id, of: base, in: scope)
        desk.wakeUp()
        return try await store.batch(id, of: base, in: scope)
    }

    package func documents(
        of id: FileBatchID, in base: KnowledgeBaseID, status: String?, page: Page, scope: Scope
    ) async throws -> Listing<Document> {
        try await store.documents(ofBatch: id, of: base, status: status, page: page, in: scope)
    }
}
