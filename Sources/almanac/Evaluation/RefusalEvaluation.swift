import Foundation
import Knowledge
import Service

/// Questions that the corpus does not answer, by kind.
struct RefusalQuestions: Sendable {
    var kinds: [(name: String, queries: [EvaluationQuery])] = []

    init(unanswerable: [String], foreign: [String]) throws {
        for (name, paths) in [("unanswerable", unanswerable), ("foreign", foreign)] where !paths.isEmpty {
            let queries = try paths.flatMap { path in
                try EvaluationInput.read(path) { file throws(EvaluationFileError) in
                    try file.queries(answerability: "UNANSWERABLE")
                }
            }
            kinds.append((name, queries))
        }
    }
}

/// Measures whether answers are declined that should be, and only those.
struct RefusalEvaluation: Sendable {
    struct Outcome: Sendable {
        var name: String
        var questions: Int
        var scores: RefusalScores
        var curve: RefusalCurve
    }

    let search: EvaluationSearch
    let limits: RetrievalLimits

    func run(_ answerable: [EvaluationQuery], _ questions: RefusalQuestions) async throws -> [Outcome] {
        guard !questions.kinds.isEmpty else { return [] }
        let known = try await ask(answerable)
        var outcomes: [Outcome] = []
        for (name, queries) in questions.kinds {
            let unknown = try await ask(queries)
            outcomes.append(
                Outcome(
                    name: name, questions: queries.count,
                    scores: RefusalScores(answerable: known.map(\.isRefused), unanswerable: unknown.map(\.isRefused)),
                    curve: RefusalCurve(answerable: known.map(\.topScore), unanswerable: unknown.map(\.topScore))))
        }
        return outcomes
    }

    private func ask(_ queries: [EvaluationQuery]) async throws -> [(topScore: Double, isRefused: Bool)] {
        var answers: [(Double, Bool)] = []
        for query in queries {
            let found = try await search.find(query, limits: limits)
            answers.append((found.passages.first?.score ?? 0, !found.isSufficient))
        }
        return answers
    }
}
