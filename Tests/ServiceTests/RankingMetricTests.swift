import Foundation
import Testing

@testable import Service

@Suite("A ranking's score")
struct RankingMetricTests {
    /// By hand: gains 3/log2(2) + 1/log2(4) of an ideal 3/log2(2) + 2/log2(3) + 1/log2(4).
    @Test("has the grade as gain and the logarithm of the rank as discount")
    func ndcgByHand() {
        let grades = ["a": 3, "b": 2, "c": 1, "d": 0]
        let score = RankingMetric.ndcg10.score(of: ["a", "x", "c", "d"], grades: grades)
        let ideal = 3 + 2 / log2(3) + 0.5
        #expect(abs(score - 3.5 / ideal) < 1e-12)
        #expect(abs(score - 0.735_007) < 1e-6)
    }

    @Test("counts what was judged relevant and not found")
    func recallByHand() {
        let grades = ["a": 1, "b": 2, "c": 1, "gone": 1, "zero": 0]
        let ranking = (1...9).map { "x\($0)" } + ["a", "b"] + (1...88).map { "y\($0)" } + ["beyond", "c"]
        #expect(RankingMetric.recall10.score(of: ranking, grades: grades) == 0.25)
        #expect(RankingMetric.recall100.score(of: ranking, grades: grades) == 0.5)
    }

    @Test("ends at its depth", arguments: [(1, 1.0), (2, 0.5), (10, 0.1), (11, 0)])
    func reciprocalRankByHand(rank: Int, expected: Double) {
        let ranking = (1..<rank).map { "x\($0)" } + ["a"]
        #expect(abs(RankingMetric.mrr10.score(of: ranking, grades: ["a": 1]) - expected) < 1e-12)
    }

    @Test("is 0 where nothing is relevant", arguments: RankingMetric.allCases)
    func nothingRelevant(metric: RankingMetric) {
        #expect(metric.score(of: ["a", "b"], grades: ["a": 0, "c": -1]) == 0)
        #expect(metric.score(of: [], grades: ["a": 1]) == 0)
    }

    @Test("is 1 for the ideal order, in 0…1 for any other, and no worse when a better document moves up")
    func properties() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<200 {
            let ids = (0..<12).map { "d\($0)" }
            let grades = Dictionary(uniqueKeysWithValues: ids.map { ($0, Int.random(in: 0...3, using: &random)) })
            guard grades.values.contains(where: { $0 > 0 }) else { continue }
            let ideal = ids.sorted { grades[$0] ?? 0 > grades[$1] ?? 0 }
            #expect(abs(RankingMetric.ndcg10.score(of: ideal, grades: grades) - 1) < 1e-12)
            var ranking = ids.shuffled(using: &random)
            let before = RankingMetric.allCases.map { $0.score(of: ranking, grades: grades) }
            #expect(before.allSatisfy { (0...1 + 1e-12).contains($0) })
            let place = Int.random(in: 1..<12, using: &random)
            guard grades[ranking[place]] ?? 0 > grades[ranking[place - 1]] ?? 0 else { continue }
            ranking.swapAt(place, place - 1)
            let after = RankingMetric.allCases.map { $0.score(of: ranking, grades: grades) }
            #expect(zip(before, after).allSatisfy { $0 <= $1 + 1e-12 })
        }
    }
}

@Suite("What may be chance")
struct BootstrapTests {
    @Test("is an interval around the mean that is the same every time and narrows with more values")
    func interval() throws {
        let values = (0..<400).map { Double($0 % 10) / 9 }
        let interval = try #require(Bootstrap.interval(of: values))
        #expect(interval == Bootstrap.interval(of: values))
        #expect(interval.contains(values.mean))
        // The normal approximation: ± 1.96 standard errors; values of 0, 1/9 … 1 deviate by 0.3191.
        let half = 1.96 * 0.3191 / 20
        #expect(abs(interval.lowerBound - (0.5 - half)) < 0.004 && abs(interval.upperBound - (0.5 + half)) < 0.004)
        let few = try #require(Bootstrap.interval(of: Array(values.prefix(40))))
        #expect(few.upperBound - few.lowerBound > 2 * (interval.upperBound - interval.lowerBound))
        #expect(Bootstrap.interval(of: [0.25]) == 0.25...0.25)
        #expect(Bootstrap.interval(of: []) == nil)
    }

    @Test("is said in words: a small steady gain is better, the same amount of luck is not distinguishable")
    func verdicts() throws {
        let hard = (0..<100).map { Double($0 % 7) / 7 }
        let steady = try #require(PairedComparison(hard.map { ($0, $0 + 0.01) }))
        #expect(steady.verdict == .better && abs(steady.difference - 0.01) < 1e-12)
        let worse = try #require(PairedComparison(hard.map { ($0 + 0.01, $0) }))
        #expect(worse.verdict == .worse)
        let luck = try #require(PairedComparison(hard.enumerated().map { ($1, $1 + ($0 % 2 == 0 ? 0.3 : -0.28)) }))
        #expect(luck.verdict == .notDistinguishable && luck.verdict.rawValue == "not distinguishable")
        #expect(try #require(PairedComparison(hard.map { ($0, $0) })).verdict == .notDistinguishable)
        #expect(PairedComparison([]) == nil)
    }

    @Test("is no percentile: those are values that occurred")
    func percentiles() {
        let values = (1...100).map(Double.init).shuffled()
        #expect(values.percentile(0.5) == 50 && values.percentile(0.99) == 99 && values.percentile(1) == 100)
        #expect([7.0].percentile(0.99) == 7 && [Double]().percentile(0.5) == 0)
    }
}
