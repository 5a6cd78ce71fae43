package import Knowledge

/// Removes a knowledge base with all it holds, from disk and from memory.
package struct RemoveKnowledgeBase: Sendable {
    let bases: any KnowledgeBaseStore
    let index: any PassageIndex

    package init(bases: any KnowledgeBaseStore, index: any PassageIndex) {
        self.bases = bases
        self.index = index
    }

    package func callAsFunction(_ id: KnowledgeBaseID, in scope: Scope) async throws {
        try await bases.remove(id, in: scope)
        index.forget(id)
    }
}
