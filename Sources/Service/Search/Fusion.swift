import Knowledge

/// Makes one score of what meaning and words say of a chunk.
///
/// The two are added as they are, not ranked first: how far the best chunk is ahead counts, and a leg that found nothing
/// good adds little (a convex combination, as in Bruch et al., An Analysis of Fusion Functions for Hybrid Retrieval, 2023).
/// Neither depends on what else was found.
struct Fusion: Sendable {
    /// What one perfectly matched word, of the rarest kind that the knowledge base can have, is worth beside a cosine of 1.
    private static let wordWeight = 0.15

    let ranking: Ranking
    /// How well the embedding model knows the language; see `EncoderTrust`.
    let trust: Double

    /// Above 0; in a hybrid search mostly below 2.
    func score(_ evidence: Evidence) -> Double {
        let meaning = min(1, max(0, evidence.similarity ?? 0))
        let words = Self.wordWeight * (evidence.keywordScore ?? 0)
        switch ranking.mode {
        case .dense: return meaning
        case .keyword: return words / (words + 1)
        case .hybrid where ranking.fusion == .reciprocalRank: return reciprocalRanks(evidence)
        case .hybrid:
            guard let weights = ranking.weights else { return trust * meaning + words }
            // Equal weights leave both as they are.
            let share = 2 * weights.embedding / (weights.embedding + weights.text)
            return share * meaning + (2 - share) * words
        }
    }

    /// 1 for a chunk that both halves put first.
    private func reciprocalRanks(_ evidence: Evidence) -> Double {
        let weights = ranking.weights ?? Ranking.Weights(embedding: 1, text: 1)
        let sum = [(evidence.denseRank, weights.embedding), (evidence.keywordRank, weights.text)]
            .reduce(0) { sum, leg in sum + (leg.0.map { leg.1 / Double(60 + $0) } ?? 0) }
        return 61 * sum / (weights.embedding + weights.text)
    }
}
