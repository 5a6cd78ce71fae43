package import Knowledge

/// Puts files under names of the client's own, in place of what was there.
package struct PutDocument: Sendable {
    let store: any NamedDocumentStore
    let wakeUp: WakeUp

    package init(store: any NamedDocumentStore, wakeUp: WakeUp) {
        self.store = store
        self.wakeUp = wakeUp
    }

    /// The file, the document and its job are on disk when this returns.
    package func callAsFunction(
        _ attachment: Attachment, as name: String, in base: KnowledgeBaseID, scope: Scope
    ) async throws -> (NamedDocument, NameChange) {
        let outcome = try await store.put(attachment, as: name, in: base, scope: scope)
        wakeUp()
        return outcome
    }

    package func documents(
        of base: KnowledgeBaseID, after: String?, limit: Int, in scope: Scope
    ) async throws -> Listing<NamedDocument> {
        try await store.namedDocuments(of: base, after: after, limit: limit, in: scope)
    }

    package func remove(named name: String, from base: KnowledgeBaseID, in scope: Scope) async throws {
        try await store.remove(named: name, from: base, in: scope)
    }
}
