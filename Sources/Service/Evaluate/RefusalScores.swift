/// How well a system declines what its documents do not answer.
package struct RefusalScores: Hashable, Sendable {
    /// The share of the unanswerable questions that were refused: recall of refusing.
    package let refused: Double
    /// The share of the answerable questions that were refused.
    package let falselyRefused: Double
    /// The share of the refusals that were right; 0 where nothing was refused.
    package let precision: Double

    /// - Parameters: Whether each question was refused.
    package init(answerable: [Bool], unanswerable: [Bool]) {
        let right = unanswerable.count { $0 }
        let wrong = answerable.count { $0 }
        refused = unanswerable.isEmpty ? 0 : Double(right) / Double(unanswerable.count)
        falselyRefused = answerable.isEmpty ? 0 : Double(wrong) / Double(answerable.count)
        precision = right + wrong > 0 ? Double(right) / Double(right + wrong) : 0
    }
}

/// What refusing below a threshold would give, for every threshold.
package struct RefusalCurve: Sendable {
    package struct Point: Hashable, Sendable {
        /// Questions whose best passage scores below this are refused.
        package let threshold: Double
        package let refused: Double
        package let falselyRefused: Double
    }

    /// From the threshold that refuses nothing to the one that refuses all, as far as scores differ.
    package let points: [Point]
    /// The chance that an answerable question scores higher than an unanswerable one, ties counted half: the area under
    /// the curve. 0.5 where one of the kinds is missing.
    package let area: Double

    /// - Parameters: The score of each question's best passage, 0 where nothing was found.
    package init(answerable: [Double], unanswerable: [Double]) {
        let (high, low) = (answerable.sorted(), unanswerable.sorted())
        let thresholds = Set(high + low).sorted()
        var points: [Point] = []
        var (falsely, rightly, wins) = (0, 0, 0.0)
        for threshold in thresholds + [.infinity] {
            points.append(
                Point(
                    threshold: threshold, refused: low.isEmpty ? 0 : Double(rightly) / Double(low.count),
                    falselyRefused: high.isEmpty ? 0 : Double(falsely) / Double(high.count)))
            let tiedLow = low[rightly...].prefix { $0 <= threshold }.count
            let tiedHigh = high[falsely...].prefix { $0 <= threshold }.count
            wins += Double(tiedHigh) * (Double(rightly) + Double(tiedLow) / 2)
            rightly += tiedLow
            falsely += tiedHigh
        }
        self.points = points
        let pairs = Double(high.count * low.count)
        area = pairs > 0 ? wins / pairs : 0.5
    }

    /// The threshold that refuses most unanswerable questions while falsely refusing at most this share of the others.
    package func best(falselyRefusing limit: Double) -> Point? {
        points.last { $0.falselyRefused <= limit }
    }

    /// At most this many of the points, evenly picked, the first and last among them.
    package func thinned(to count: Int) -> [Point] {
        guard points.count > count, count > 1 else { return points }
        return (0..<count).map { points[$0 * (points.count - 1) / (count - 1)] }
    }
}
