import ArgumentParser
import Knowledge
import Service

extension Ranking.Mode: ExpressibleByArgument {}

/// Puts an evaluation's questions to the product's own search. The only place that knows how that is called.
struct EvaluationSearch: Sendable {
    let index: EvaluationIndex
    let mode: Ranking.Mode
    /// Whether a question is searched with what was said before it.
    var usesHistory = false

    /// The best passages of the knowledge base, whatever they score, copies included: they may be of documents that were
    /// judged each by itself.
    func passages(for query: EvaluationQuery, limit: Int) async throws -> [Passage] {
        var limits = RetrievalLimits()
        limits.candidates = limit
        var ranking = Ranking()
        ranking.mode = mode
        return try await find(query, ranking, limits).passages
    }

    /// What an answer would rest on, and whether one would be given.
    func find(_ query: EvaluationQuery, limits: RetrievalLimits) async throws -> FindKnowledge.Finding {
        try await find(query, .ofAnswers(mode), limits)
    }

    private func find(
        _ query: EvaluationQuery, _ ranking: Ranking, _ limits: RetrievalLimits
    ) async throws -> FindKnowledge.Finding {
        try await FindKnowledge(retriever: index.services.retriever, limits: limits)(
            turns(of: query), in: [index.base], by: ranking, scope: EvaluationIndex.scope)
    }

    private func turns(of query: EvaluationQuery) -> [Question.Turn] {
        let before = usesHistory ? query.history.map { ($0.isUser, $0.text) } : []
        return (before + [(true, query.text)]).map { isUser, text in
            Question.Turn(
                role: isUser ? .user : .assistant, text: text,
                message: ["role": isUser ? "user" : "assistant", "content": .string(text)])
        }
    }
}
