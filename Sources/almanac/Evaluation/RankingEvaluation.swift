import Foundation
import Knowledge
import Service

/// Asks judged questions one at a time, as latency is measured for one, and scores the rankings.
struct RankingEvaluation: Sendable {
    struct Outcome: Sendable {
        var results: [QueryResult]
        var seconds: Double
    }

    let search: EvaluationSearch
    /// Documents ranked for a question.
    let limit: Int

    func run(_ questions: [(query: EvaluationQuery, grades: [String: Int])]) async throws -> Outcome {
        let unknown = Set(questions.flatMap(\.grades.keys)).subtracting(search.index.ids.values.joined())
        if !unknown.isEmpty {
            Terminal.note("\(unknown.count) judged documents are not in the corpus and count as not found.")
        }
        // The first search loads the vectors, which is no question's own time.
        if let first = questions.first { _ = try await search.passages(for: first.query, limit: passageLimit) }
        var results: [QueryResult] = []
        let start = ContinuousClock.now
        for (number, question) in questions.enumerated() {
            if number % 20 == 0 { Terminal.progress("\(number)/\(questions.count) questions asked") }
            results.append(try await ask(question.query, question.grades))
        }
        Terminal.endProgress()
        return Outcome(results: results, seconds: (ContinuousClock.now - start).seconds)
    }

    private func ask(_ query: EvaluationQuery, _ grades: [String: Int]) async throws -> QueryResult {
        let start = ContinuousClock.now
        let passages = try await search.passages(for: query, limit: passageLimit)
        let milliseconds = (ContinuousClock.now - start).seconds * 1_000
        let ranking = search.index.ranking(of: passages, limit: limit)
        let metrics = RankingMetric.allCases.map { ($0.rawValue, $0.score(of: ranking, grades: grades)) }
        return QueryResult(
            id: query.id, metrics: Dictionary(metrics, uniquingKeysWith: { one, _ in one }),
            topScore: passages.first?.score ?? 0, milliseconds: milliseconds, ranking: ranking)
    }

    /// Passages that are enough for `limit` documents where the documents have about equally many.
    private var passageLimit: Int {
        let perDocument = Double(search.index.chunkCount) / Double(max(1, search.index.documents.count))
        return min(2_000, limit * Int(perDocument.rounded(.up)))
    }
}
