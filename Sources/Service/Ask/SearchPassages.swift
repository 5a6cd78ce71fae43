package import Knowledge

/// Searches one knowledge base for its own sake, without an answer.
package struct SearchPassages: Sendable {
    let bases: any KnowledgeBaseStore
    let retriever: Retriever

    package init(bases: any KnowledgeBaseStore, retriever: Retriever) {
        self.bases = bases
        self.retriever = retriever
    }

    package func callAsFunction(
        _ queries: [String], in base: KnowledgeBaseID, matching filter: AttributeFilter?, limit: Int,
        minimumScore: Double, scope: Scope
    ) async throws -> [Passage] {
        let base = try await bases.knowledgeBase(base, in: scope)
        return try await retriever.passages(for: queries, in: [base], matching: filter, limit: limit, scope: scope)
            .filter { $0.score >= minimumScore }
    }
}
