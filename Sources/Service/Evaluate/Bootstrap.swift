/// What a mean may be by chance of which queries were asked: the percentile bootstrap (Efron 1979) at 95 %.
///
/// Deterministic: the same values give the same interval.
package enum Bootstrap {
    /// Enough for the third digit of an interval's ends.
    static let resamples = 2_000
    private static let share = 0.95

    /// The interval that holds the mean of 95 % of the resamples; nil without values.
    package static func interval(of values: [Double], seed: UInt64 = 1) -> ClosedRange<Double>? {
        guard !values.isEmpty else { return nil }
        var random = SplitMix(state: seed)
        let means = (0..<resamples).map { _ in
            var sum = 0.0
            for _ in values.indices { sum += values[Int(random.next(upperBound: UInt64(values.count)))] }
            return sum / Double(values.count)
        }.sorted()
        let tail = Int(Double(resamples) * (1 - share) / 2)
        return means[tail]...means[resamples - 1 - tail]
    }

    /// SplitMix64 (Steele, Lea and Flood 2014).
    private struct SplitMix: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var word = state
            word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
            word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
            return word ^ (word >> 31)
        }
    }
}

/// Two ways of answering the same queries, query by query, so that what makes a query hard for both cancels out.
package struct PairedComparison: Sendable {
    package enum Verdict: String, Sendable {
        case better, worse
        case notDistinguishable = "not distinguishable"
    }

    /// Mean of the second less the first.
    package let difference: Double
    /// Of the difference, at 95 %.
    package let interval: ClosedRange<Double>
    /// Of the second, seen from the first.
    package let verdict: Verdict

    /// - Parameter pairs: Of each query, the first's value and the second's.
    /// - Returns: nil without queries.
    package init?(_ pairs: [(Double, Double)]) {
        let differences = pairs.map { $1 - $0 }
        guard let interval = Bootstrap.interval(of: differences) else { return nil }
        self.interval = interval
        difference = differences.mean
        verdict = interval.contains(0) ? .notDistinguishable : difference > 0 ? .better : .worse
    }
}

extension Collection<Double> {
    /// 0 where there is nothing.
    package var mean: Double { isEmpty ? 0 : reduce(0, +) / Double(count) }

    /// The smallest value that is not exceeded by this share of all (nearest rank); 0 where there is nothing.
    package func percentile(_ share: Double) -> Double {
        let ordered = sorted()
        guard !ordered.isEmpty else { return 0 }
        let rank = (share * Double(ordered.count)).rounded(.up)
        return ordered[Swift.min(Swift.max(Int(rank), 1), ordered.count) - 1]
    }
}
