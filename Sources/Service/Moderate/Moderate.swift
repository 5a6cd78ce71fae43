import Documents
import Foundation
package import Knowledge

/// Judges texts by how near they are in meaning to example sentences of each of OpenAI's categories.
///
/// A hint, and no safety system: it sees what a text is about and hardly what it wants, so that a news report of a crime
/// scores as the crime does, and hints, quotes and other languages than English escape it. Of 32 English sentences that
/// nothing was chosen by, it flagged 11 of 12 bad ones and 4 of 20 harmless ones (all-MiniLM-L6-v2). The same text always
/// gets the same scores.
package actor Moderate {
    /// How sharply a score rises with nearness, and how much nearer than to everyday sentences a text must be for 0.5.
    private static let steepness = 14.0
    private static let margin = 0.13
    /// Nearness below which even the nearest everyday sentence says nothing.
    private static let floor: Float = 0.25
    /// Pieces of one text that are judged; the text scores as its worst one.
    private static let maxPieces = 64

    private let embedder: any Embedder
    /// Threads for the scores.
    private let workers: Workers
    private var examples: Examples?

    private struct Examples: Sendable {
        var categories: [(name: String, vectors: [[Float]])]
        var everyday: [[Float]]
    }

    package init(embedder: any Embedder, workers: Workers) {
        self.embedder = embedder
        self.workers = workers
    }

    /// The name of the model behind the scores.
    package nonisolated var modelName: String { embedder.model.name }

    package struct Verdict: Sendable {
        /// Every category, in OpenAI's order: 0…1.
        package var scores: [(category: String, score: Double)]
        package var isFlagged: Bool { scores.contains { Moderate.isFlagged($0.score) } }
    }

    package static func isFlagged(_ score: Double) -> Bool { score > 0.5 }

    /// One verdict a text, in their order, and the tokens that were embedded for them.
    package func callAsFunction(
        _ texts: [String], priority: Workers.Priority
    ) async throws -> (verdicts: [Verdict], tokens: Int) {
        let examples = try await loaded(priority)
        var verdicts: [Verdict] = []
        var tokens = 0
        for text in texts {
            let pieces = try await workers.run(priority) { Self.pieces(of: text) }
            let embeddings = try await embedder.embed(pieces.map { .text($0) }, as: .passage, priority: priority)
            tokens += embeddings.tokenCounts.reduce(0, +)
            verdicts.append(try await workers.run(priority) { Self.verdict(embeddings.vectors, examples) })
        }
        return (verdicts, tokens)
    }

    private static func verdict(_ vectors: [[Float]], _ examples: Examples) -> Verdict {
        Verdict(
            scores: examples.categories.map { category in
                (category.name, vectors.map { score($0, category.vectors, examples.everyday) }.max() ?? 0)
            })
    }

    /// The whole text, which is cut at the model's length, and where there are several its sentences.
    private static func pieces(of text: String) -> [String] {
        let sentences = Sentences.ranges(in: text[...]).prefix(maxPieces - 1).map { String(text[$0]) }
        return sentences.count > 1 ? [text] + sentences : [text]
    }

    private static func score(_ vector: [Float], _ category: [[Float]], _ everyday: [[Float]]) -> Double {
        let near = nearness(vector, category)
        let ordinary = max(nearness(vector, everyday), floor)
        return 1 / (1 + exp(-steepness * (Double(near - ordinary) - margin)))
    }

    private static func nearness(_ vector: [Float], _ examples: [[Float]]) -> Float {
        examples.map { zip(vector, $0).reduce(0) { $0 + $1.0 * $1.1 } }.max() ?? 0
    }

    private func loaded(_ priority: Workers.Priority) async throws -> Examples {
        if let examples { return examples }
        var categories: [(name: String, vectors: [[Float]])] = []
        for (name, sentences) in ModerationExamples.categories {
            categories.append((name, try await vectors(sentences, priority)))
        }
        let loaded = Examples(
            categories: categories, everyday: try await vectors(ModerationExamples.everyday, priority))
        examples = loaded
        return loaded
    }

    private func vectors(_ sentences: [String], _ priority: Workers.Priority) async throws -> [[Float]] {
        try await embedder.embed(sentences.map { .text($0) }, as: .passage, priority: priority).vectors
    }
}
