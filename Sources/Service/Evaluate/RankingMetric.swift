import Foundation

/// How good a ranking of documents is for one query, 0…1. The names are those of the command's JSON.
///
/// As trec_eval counts: a document that was not judged is not relevant, and what was judged relevant counts whether or
/// not it was found.
package enum RankingMetric: String, Sendable, CaseIterable {
    case ndcg10 = "ndcg@10"
    case recall10 = "recall@10"
    case recall100 = "recall@100"
    case mrr10 = "mrr@10"

    /// - Parameters:
    ///   - ranking: Document ids, best first, each once.
    ///   - grades: How relevant the judged documents are; 0 and less is not.
    package func score(of ranking: [String], grades: [String: Int]) -> Double {
        switch self {
        case .ndcg10: Self.ndcg(of: ranking, grades: grades, depth: 10)
        case .recall10: Self.recall(of: ranking, grades: grades, depth: 10)
        case .recall100: Self.recall(of: ranking, grades: grades, depth: 100)
        case .mrr10: Self.reciprocalRank(in: ranking, grades: grades, depth: 10)
        }
    }

    /// Normalised discounted cumulative gain (Järvelin and Kekäläinen 2002) with the grade itself as the gain and
    /// log2(rank + 1) as the discount; 0 where nothing is relevant.
    package static func ndcg(of ranking: [String], grades: [String: Int], depth: Int) -> Double {
        let ideal = gain(of: grades.values.sorted(by: >), depth: depth)
        return ideal > 0 ? gain(of: ranking.prefix(depth).map { grades[$0] ?? 0 }, depth: depth) / ideal : 0
    }

    /// The share of the relevant documents among the first `depth`; 0 where nothing is relevant.
    package static func recall(of ranking: [String], grades: [String: Int], depth: Int) -> Double {
        let relevant = grades.values.count { $0 > 0 }
        guard relevant > 0 else { return 0 }
        return Double(ranking.prefix(depth).count { grades[$0] ?? 0 > 0 }) / Double(relevant)
    }

    /// One over the rank of the first relevant document, 0 where it comes behind `depth`.
    package static func reciprocalRank(in ranking: [String], grades: [String: Int], depth: Int) -> Double {
        ranking.prefix(depth).firstIndex { grades[$0] ?? 0 > 0 }.map { 1 / Double($0 + 1) } ?? 0
    }

    private static func gain(of grades: [Int], depth: Int) -> Double {
        grades.prefix(depth).enumerated().reduce(0) { sum, place in
            place.element > 0 ? sum + Double(place.element) / log2(Double(place.offset + 2)) : sum
        }
    }
}
