import Documents
import Knowledge

/// How near the sentences of a few chunks come to a question: a chunk is about several things, and one sentence answers.
struct NearestSentence: Sendable {
    private static let sentencesOfAChunk = 12
    /// Shorter ones are headings and crumbs.
    private static let shortest = 15

    /// Of unit length.
    let question: [Float]
    let embedder: any Embedder
    let chunks: any ChunkStore
    let scope: Scope

    /// The cosine of the nearest; nil where the chunks are gone.
    func similarity(in candidates: [Candidate]) async throws -> Double? {
        let passages = try await chunks.passages(candidates.map(\.place), in: scope)
        let sentences = passages.flatMap { Self.sentences(of: $0.text) }
        guard !sentences.isEmpty else { return nil }
        let vectors = try await embedder.embed(
            sentences.map(EmbeddingInput.text), as: .passage, priority: .urgent
        ).vectors
        return vectors.map { vector in Double(zip(question, vector).reduce(0) { $0 + $1.0 * $1.1 }) }.max()
    }

    /// The first sentences of a chunk, or its beginning where it has none.
    private static func sentences(of text: String) -> [String] {
        let sentences = Sentences.ranges(in: text[...]).lazy.map { String(text[$0]) }.filter { $0.count >= shortest }
        let first = Array(sentences.prefix(sentencesOfAChunk))
        return first.isEmpty ? [String(text.prefix(300))] : first
    }
}
