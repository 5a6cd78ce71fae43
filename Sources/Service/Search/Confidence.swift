import Foundation
import Knowledge

/// How likely it is that the best of a search's candidates hold what is asked for.
///
/// Fitted on questions of seven sets in English and German against their own and each other's corpora. The fused score
/// cannot tell: a single rare word that matches by chance lifts it, where meaning and the share of the question's words
/// that are there at all do not move.
struct Confidence: Sendable {
    /// What a question whose words all stand in the best chunk is worth beside a cosine of 1.
    private static let coverageWeight = 0.5
    /// How much of the nearness that unrelated questions have does not count.
    private static let unrelatedWeight = 0.3
    /// The more chunks there are, the nearer the nearest of them comes by chance: as the greatest of so many random numbers
    /// grows, with the square root of twice the logarithm. As many as `usualChunks` change nothing.
    private static let sizeWeight = 0.06
    private static let usualChunks = 1_000
    /// Where the model does not know the documents' language, similarities say less than they do for unrelated questions.
    private static let foreignBonus = 0.08
    /// The evidence at which an answer is as likely as none, and how fast likelihood changes with it.
    private static let even = 0.54
    private static let slope = 18.0
    /// The same with sentences read: chunks and the best sentence count half each, and the words a little less.
    private static let readCoverageWeight = 0.3
    private static let readEven = 0.492
    private static let readSlope = 20.0
    /// Where sentences would change what is decided at the usual threshold of 0.5: above they hardly ever do, below seldom.
    private static let doubt = 0.05...0.8
    /// The power of a candidate's share of the best fused score with which its own likelihood falls.
    private static let fall = 4.0
    /// Candidates whose sentences are read.
    private static let readCandidates = 2

    /// Of a knowledge base that nothing is known of.
    private static let usualUnrelated = 0.3

    /// How well the model knows the question's language and the documents'.
    let trust: Double
    let knowsDocuments: Bool
    let unrelatedSimilarity: Double?
    /// How many the knowledge base has.
    let chunks: Int

    /// How likely the candidates hold an answer, 0…1.
    ///
    /// - Parameters:
    ///   - candidates: At least one, best first.
    ///   - readSentences: The cosine of the question and the nearest sentence of the best candidates. Reading takes time, and is
    ///     asked for only where chunks alone leave doubt.
    func likelihood(
        of candidates: [Candidate], readSentences: ([Candidate]) async throws -> Double?
    ) async rethrows -> Double {
        guard let best = candidates.first else { return 0 }
        let nearest = candidates.lazy.compactMap(\.evidence.similarity).max() ?? 0
        let usual =
            (knowsDocuments ? 0 : Self.foreignBonus * EncoderTrust.strangeness(ofTrust: trust))
            - Self.unrelatedWeight * (unrelatedSimilarity ?? Self.usualUnrelated)
            - Self.sizeWeight * (Self.chance(chunks) - Self.chance(Self.usualChunks))
        let quick = nearest + Self.coverageWeight * (best.evidence.coverage ?? 0) + usual
        let likelihood = Self.sigmoid(Self.slope * (quick - Self.even))
        let read = candidates.prefix(Self.readCandidates)
        guard Self.doubt.contains(likelihood), let sentence = try await readSentences(Array(read)) else {
            return likelihood
        }
        let coverage = read.compactMap(\.evidence.coverage).max() ?? 0
        let thorough = (nearest + sentence) / 2 + Self.readCoverageWeight * coverage + usual
        return Self.sigmoid(Self.readSlope * (thorough - Self.readEven))
    }

    /// Gives each candidate a score from 0 to 1 in the order of their fused scores.
    ///
    /// - Parameters:
    ///   - candidates: Best first.
    ///   - fused: One for each candidate.
    ///   - likelihood: That of the best.
    static func scored(_ candidates: [Candidate], fused: [Double], likelihood: Double) -> [Candidate] {
        guard let best = fused.first, best > 0 else { return candidates }
        var candidates = candidates
        for (position, score) in fused.enumerated() { candidates[position].score = likelihood * pow(score / best, fall) }
        return candidates
    }

    /// How far the greatest of so many random numbers comes, in standard deviations.
    private static func chance(_ count: Int) -> Double { (2 * log(Double(max(1, count)))).squareRoot() }

    private static func sigmoid(_ value: Double) -> Double { 1 / (1 + exp(-value)) }
}
