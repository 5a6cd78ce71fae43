import Foundation
import Knowledge
import Service
import Vectors

/// How long a question takes to be embedded, for itself and while documents are.
struct QueryLatency: Sendable {
    /// Enough for a 99th percentile that is not one question's bad luck.
    private static let rounds = 300

    let embedder: LocalEmbedder
    let questions: [EmbeddingInput]

    /// - Parameter texts: What is embedded in the background.
    func measure(beside texts: [EmbeddingInput]) async throws -> [(name: String, value: JSONValue)] {
        _ = try await milliseconds()
        let alone = try await milliseconds()
        let busy = try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { [embedder] in
                // Until the questions are answered, and the task is cancelled.
                while true { _ = try await embedder.embed(texts, as: .passage, priority: .background) }
            }
            defer { group.cancelAll() }
            return try await milliseconds()
        }
        return [("query", alone), ("query_busy", busy)].flatMap { name, times in
            [
                ("\(name)_p50_ms", .number(times.percentile(0.5).rounded(to: 3))),
                ("\(name)_p99_ms", .number(times.percentile(0.99).rounded(to: 3))),
            ]
        }
    }

    private func milliseconds() async throws -> [Double] {
        var times: [Double] = []
        for round in 0..<Self.rounds {
            let began = ContinuousClock.now
            _ = try await embedder.embed([questions[round % questions.count]], as: .query, priority: .urgent)
            times.append((ContinuousClock.now - began) / .milliseconds(1))
        }
        return times
    }
}
