import Foundation
import Knowledge

/// How likely it is that the best of a search's candidates hold what is asked for.
///
/// Fitted on questions of seven sets in English and German against their own and each other's corpora. The fused score
/// cannot tell: a single rare word that matches by chance lifts it, where meaning and the share of the question's words
/// that are there at all do not move.
struct Confidence: Sendable {
    /// What a question whose words all stand in the best chunk is worth beside a cosine of 1.
    private static let coverageWeight = 0.4
    /// How much of the nearness that unrelated questions have does not count.
    private static let unrelatedWeight = 0.1
    /// Where the model does not know the documents' language, similarities are lower for all questions.
    private static let foreignBonus = 0.03
    /// The evidence at which an answer is as likely as none, and how fast likelihood changes with it.
    private static let even = 0.59
    private static let slope = 18.0
    /// The power of a candidate's share of the best fused score with which its own likelihood falls.
    private static let fall = 4.0

    /// Of a knowledge base that nothing is known of.
    private static let usualUnrelated = 0.3

    /// How well the model knows the question's language and the documents'.
    let trust: Double
    let knowsDocuments: Bool
    let unrelatedSimilarity: Double?

    /// Gives each candidate a score from 0 to 1 in the order of their fused scores.
    ///
    /// - Parameter fused: One for each candidate.
    func scored(_ candidates: [Candidate], fused: [Double]) -> [Candidate] {
        guard let top = fused.indices.max(by: { fused[$0] < fused[$1] }) else { return [] }
        let nearest = candidates.lazy.compactMap(\.evidence.similarity).max() ?? 0
        let evidence =
            nearest + Self.coverageWeight * (candidates[top].evidence.coverage ?? 0)
            - Self.unrelatedWeight * (unrelatedSimilarity ?? Self.usualUnrelated)
            + (knowsDocuments ? 0 : Self.foreignBonus * EncoderTrust.strangeness(ofTrust: trust))
        let likelihood = 1 / (1 + exp(-Self.slope * (evidence - Self.even)))
        return candidates.indices.map { index in
            var candidate = candidates[index]
            candidate.score = fused[top] > 0 ? likelihood * pow(fused[index] / fused[top], Self.fall) : 0
            return candidate
        }
    }
}
