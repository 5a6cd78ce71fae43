package import Knowledge

/// Has a knowledge base indexed by another model or another chunking: the job is on disk when this returns.
package struct ChangeSettings: Sendable {
    let bases: any KnowledgeBaseStore
    let store: any ReindexStore
    let embedders: Embedders
    let wakeUp: WakeUp

    package init(bases: any KnowledgeBaseStore, store: any ReindexStore, embedders: Embedders, wakeUp: WakeUp) {
        self.bases = bases
        self.store = store
        self.embedders = embedders
        self.wakeUp = wakeUp
    }

    /// - Parameters:
    ///   - embeddingModel: By name, as it is installed now; nil leaves it.
    ///   - chunking: nil leaves it.
    package func callAsFunction(
        _ id: KnowledgeBaseID, embeddingModel: String?, chunking: Chunking?, in scope: Scope
    ) async throws -> KnowledgeBase {
        let base = try await bases.knowledgeBase(id, in: scope)
        var settings = base.settings
        if let embeddingModel { settings.embedding = try embedders.embedder(named: embeddingModel).model }
        settings.chunking = chunking ?? settings.chunking
        guard settings != base.settings else { return base }
        return try await begin(base, settings, in: scope)
    }

    /// Has what was searched before the last re-index searched again, once it has what came since then.
    package func rollBack(_ id: KnowledgeBaseID, in scope: Scope) async throws -> KnowledgeBase {
        let base = try await bases.knowledgeBase(id, in: scope)
        guard let former = base.former else {
            throw RequestError.conflict("There is no former index of the knowledge base '\(id)' to go back to.")
        }
        // What came since then has to be embedded by its model.
        _ = try embedders.embedder(for: former.settings.embedding)
        return try await begin(base, former.settings, in: scope)
    }

    private func begin(_ base: KnowledgeBase, _ settings: IndexSettings, in scope: Scope) async throws -> KnowledgeBase {
        let changed = try await store.reindex(base.id, with: settings, in: scope)
        wakeUp()
        return changed
    }
}
