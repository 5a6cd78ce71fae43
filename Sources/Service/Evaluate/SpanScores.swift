/// Stretches of one text: sorted, apart, not empty.
package struct CharacterRanges: Hashable, Sendable {
    package private(set) var ranges: [Range<Int>] = []

    /// The union of any ranges.
    package init(_ ranges: some Sequence<Range<Int>>) {
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) where !range.isEmpty {
            if let last = self.ranges.last, range.lowerBound <= last.upperBound {
                self.ranges[self.ranges.count - 1] = last.lowerBound..<max(last.upperBound, range.upperBound)
            } else {
                self.ranges.append(range)
            }
        }
    }

    package var count: Int { ranges.reduce(0) { $0 + $1.count } }

    /// How many characters both have.
    package func countInCommon(with other: CharacterRanges) -> Int {
        var (mine, theirs, common) = (0, 0, 0)
        while mine < ranges.count, theirs < other.ranges.count {
            common += ranges[mine].clamped(to: other.ranges[theirs]).count
            if ranges[mine].upperBound < other.ranges[theirs].upperBound { mine += 1 } else { theirs += 1 }
        }
        return common
    }

    /// With the gaps closed that hold nothing to read, as between two chunks that follow each other.
    package func joined(over isBlank: (Range<Int>) -> Bool) -> CharacterRanges {
        let gaps = zip(ranges, ranges.dropFirst()).map { $0.upperBound..<$1.lowerBound }
        return CharacterRanges(ranges + gaps.filter(isBlank))
    }
}

/// How much of what answers a query was returned, in characters (Chroma, "Evaluating Chunking Strategies", 2024).
package struct SpanScores: Hashable, Sendable {
    /// The share of the wanted characters that were returned.
    package let recall: Double
    /// The share of the returned characters that were wanted.
    package let precision: Double
    /// What was both over what was either.
    package let intersectionOverUnion: Double
    /// Whether everything wanted was returned.
    package let isWhole: Bool
    /// Characters returned, each once.
    package let returned: Int

    /// - Parameters:
    ///   - returned: By document.
    ///   - wanted: By document; not all empty.
    package init(returned: [String: CharacterRanges], wanted: [String: CharacterRanges]) {
        let common = wanted.reduce(0) { sum, span in
            sum + (returned[span.key]?.countInCommon(with: span.value) ?? 0)
        }
        let wantedCount = wanted.values.reduce(0) { $0 + $1.count }
        self.returned = returned.values.reduce(0) { $0 + $1.count }
        recall = wantedCount > 0 ? Double(common) / Double(wantedCount) : 0
        precision = self.returned > 0 ? Double(common) / Double(self.returned) : 0
        let union = self.returned + wantedCount - common
        intersectionOverUnion = union > 0 ? Double(common) / Double(union) : 0
        isWhole = common == wantedCount
    }
}
