package import Knowledge

/// Finds what the knowledge bases say to the last turn of a conversation.
package struct FindKnowledge: Sendable {
    let retriever: Retriever
    let limits: RetrievalLimits
    private let rewrite: RewriteQuestion?

    /// - Parameter rewrite: Asked about turns that follow others, where there is one.
    package init(retriever: Retriever, limits: RetrievalLimits, rewrite: RewriteQuestion? = nil) {
        self.retriever = retriever
        self.limits = limits
        self.rewrite = rewrite
    }

    /// The best passages, best first.
    ///
    /// - Parameters:
    ///   - turns: The whole conversation; what was said before helps to understand the last user turn.
    ///   - choice: Which documents count.
    ///   - ranking: That of answers, which want no copies, unless something is to be measured.
    package func callAsFunction(
        _ turns: [Question.Turn], in bases: [KnowledgeBase], choice: KnowledgeChoice = KnowledgeChoice(),
        by ranking: Ranking = .ofAnswers(), scope: Scope
    ) async throws -> Finding {
        guard let asked = StandaloneQuestion(turns) else { return Finding(passages: [], isSufficient: false) }
        let search = PassageSearch(
            queries: [asked.query] + (try await rewritten(asked.query, turns, bases, scope)), filter: choice.filter,
            files: choice.files, ranking: choice.ranking ?? ranking,
            limit: max(limits.candidates, choice.maxPassages ?? 0))
        let passages: [Passage]
        do {
            passages = try await retriever.passages(for: search, in: bases, scope: scope)
        } catch RequestError.notFound("file", let id, let parameter?) {
            throw RequestError.notFound("file", id: id, parameter: "alan.\(parameter)")
        }
        return Finding(
            query: asked.query, passages: passages,
            isSufficient: passages.contains { $0.score >= minimumScore(of: $0, bases) })
    }

    /// What the model takes the last turn to mean, where there were others before it.
    private func rewritten(
        _ query: SearchQuery, _ turns: [Question.Turn], _ bases: [KnowledgeBase], _ scope: Scope
    ) async throws -> [SearchQuery] {
        guard let rewrite, !bases.isEmpty, !query.background.isEmpty else { return [] }
        return try await rewrite(turns, in: scope).map { [SearchQuery($0)] } ?? []
    }

    /// What a passage's own knowledge base asks for, else the server's setting.
    private func minimumScore(of passage: Passage, _ bases: [KnowledgeBase]) -> Double {
        bases.first { $0.id == passage.knowledgeBase }?.search.minimumScore ?? limits.minimumScore
    }

    package struct Finding: Sendable {
        /// What was searched for.
        package var query: SearchQuery?
        /// Best first.
        package var passages: [Passage]
        /// Whether they are likely to hold an answer.
        package var isSufficient: Bool
    }
}

extension Ranking {
    /// How passages for an answer are ranked: each thing is said once.
    package static func ofAnswers(_ mode: Mode = .hybrid) -> Ranking {
        var ranking = Ranking()
        ranking.mode = mode
        ranking.collapsesDuplicates = true
        ranking.readsSentences = true
        return ranking
    }
}
