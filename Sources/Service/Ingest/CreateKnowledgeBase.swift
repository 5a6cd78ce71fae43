import FoundationEssentials
package import Knowledge

/// Makes an empty knowledge base, its embedding model fixed from now on.
package struct CreateKnowledgeBase: Sendable {
    let bases: any KnowledgeBaseStore
    let embedders: Embedders

    package init(bases: any KnowledgeBaseStore, embedders: Embedders) {
        self.bases = bases
        self.embedders = embedders
    }

    package func callAsFunction(
        name: String, summary: String, metadata: [String: String] = [:], chunking: Chunking = .structured,
        embeddingModel: String? = nil, expiryDays: Int? = nil, in scope: Scope
    ) async throws -> KnowledgeBase {
        var base = KnowledgeBase(
            name: name, summary: summary, metadata: metadata,
            embedding: try embedders.embedder(named: embeddingModel).model, chunking: chunking, createdAt: Date())
        base.expiryDays = expiryDays
        try await bases.add(base, in: scope)
        return base
    }
}
