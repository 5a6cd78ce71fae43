import ArgumentParser
import Knowledge
import Service

/// How an evaluation searches.
enum EvaluationMode: String, Sendable, CaseIterable, ExpressibleByArgument { case hybrid, dense, keyword }

/// Puts an evaluation's questions to the product's own search. The only place that knows how that is called.
struct EvaluationSearch: Sendable {
    let index: EvaluationIndex
    let mode: EvaluationMode
    /// Whether a question is searched with what was said before it.
    var usesHistory = false

    /// The best passages of the knowledge base, whatever they score.
    func passages(for query: EvaluationQuery, limit: Int) async throws -> [Passage] {
        guard mode == .dense else {
            throw CommandFailure(.failed, "There is no search by keywords yet: --mode must be dense.")
        }
        return try await index.services.retriever.passages(
            for: [text(of: query)], in: [index.base], limit: limit, scope: EvaluationIndex.scope)
    }

    /// Whether an answer with `on_empty: refuse` would decline.
    func isRefused(_ passages: [Passage], limits: RetrievalLimits) -> Bool {
        passages.first.map { $0.score < limits.minimumScore } ?? true
    }

    private func text(of query: EvaluationQuery) -> String {
        guard usesHistory, let before = query.history.last(where: \.isUser) else { return query.text }
        return before.text + "\n" + query.text
    }
}
