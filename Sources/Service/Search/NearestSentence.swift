import Documents
import Knowledge

/// How near the sentences of a few chunks come to a question: a chunk is about several things, and one sentence answers.
///
/// Reads of each chunk the sentences that share most words with the question: nearly always the nearest is among them, and
/// each one read costs as much as the question itself.
struct NearestSentence: Sendable {
    private static let sentencesOfAChunk = 12
    private static let readOfAChunk = 2
    /// Shorter ones are headings and crumbs.
    private static let shortest = 15

    let question: String
    /// Of unit length.
    let vector: [Float]
    let embedder: any Embedder
    let chunks: any ChunkStore
    let scope: Scope

    /// The cosine of the nearest; nil where the chunks are gone.
    func similarity(in candidates: [Candidate]) async throws -> Double? {
        let passages = try await chunks.passages(candidates.map(\.place), in: scope)
        let words = ContentWords(question)
        let sentences = passages.flatMap { passage in
            Self.sentences(of: passage.text).map { ($0, words.share(in: ContentWords($0))) }
                .enumerated().sorted { ($1.element.1, $0.offset) < ($0.element.1, $1.offset) }
                .prefix(Self.readOfAChunk).map(\.element.0)
        }
        guard !sentences.isEmpty else { return nil }
        let vectors = try await embedder.embed(
            sentences.map(EmbeddingInput.text), as: .passage, priority: .urgent
        ).vectors
        return vectors.map { sentence in Double(zip(vector, sentence).reduce(0) { $0 + $1.0 * $1.1 }) }.max()
    }

    /// The first sentences of a chunk, or its beginning where it has none.
    private static func sentences(of text: String) -> [String] {
        let sentences = Sentences.ranges(in: text[...]).lazy.map { String(text[$0]) }.filter { $0.count >= shortest }
        let first = Array(sentences.prefix(sentencesOfAChunk))
        return first.isEmpty ? [String(text.prefix(300))] : first
    }
}
