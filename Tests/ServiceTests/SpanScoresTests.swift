import Testing

@testable import Service

@Suite("Returned characters")
struct SpanScoresTests {
    @Test("are compared with those wanted, each counted once")
    func byHand() {
        // Wanted 10..<30 and 50..<60; returned 0..<20, 15..<25 and 40..<100: 25 of 85 returned are wanted, of 30.
        let scores = SpanScores(
            returned: ["d": CharacterRanges([0..<20, 15..<25, 40..<100])],
            wanted: ["d": CharacterRanges([10..<30, 50..<60])])
        #expect(scores.returned == 85)
        #expect(scores.recall == 25.0 / 30)
        #expect(scores.precision == 25.0 / 85)
        #expect(scores.intersectionOverUnion == 25.0 / 90)
        #expect(!scores.isWhole)
    }

    @Test("of another document count as returned, never as wanted")
    func otherDocument() {
        let scores = SpanScores(
            returned: ["other": CharacterRanges([0..<50])], wanted: ["d": CharacterRanges([0..<50])])
        #expect(scores.recall == 0 && scores.precision == 0 && scores.intersectionOverUnion == 0)
        let none = SpanScores(returned: [:], wanted: ["d": CharacterRanges([0..<50])])
        #expect(none.recall == 0 && none.precision == 0 && none.returned == 0)
    }

    @Test("agree with sets of positions, whatever the ranges")
    func agreeWithSets() {
        for _ in 0..<300 {
            let (one, two) = (Self.ranges(), Self.ranges())
            let (a, b) = (Set(one.joined()), Set(two.joined()))
            let (first, second) = (CharacterRanges(one), CharacterRanges(two))
            #expect(first.count == a.count)
            #expect(first.countInCommon(with: second) == a.intersection(b).count)
            #expect(zip(first.ranges, first.ranges.dropFirst()).allSatisfy { $0.upperBound < $1.lowerBound })
            guard !b.isEmpty else { continue }
            let scores = SpanScores(returned: ["d": first], wanted: ["d": second])
            #expect(scores.isWhole == b.isSubset(of: a))
            #expect(scores.recall == Double(a.intersection(b).count) / Double(b.count))
        }
    }

    private static func ranges() -> [Range<Int>] {
        (0..<Int.random(in: 0...6)).map { _ in
            let start = Int.random(in: 0..<60)
            return start..<start + Int.random(in: 0...12)
        }
    }

    @Test("that follow each other but for white space are one stretch")
    func joined() {
        let blank: Set<Int> = [10, 11]
        let joined = CharacterRanges([0..<10, 12..<20, 21..<30]).joined { gap in gap.allSatisfy(blank.contains) }
        #expect(joined.ranges == [0..<20, 21..<30])
    }

    @Test("are found again where the text has changed before them")
    func located() {
        let text = Array("A title. One café here, another café there.".unicodeScalars)
        let second = GoldSpan(query: "q", document: "d", characters: 30..<34, text: "cafe\u{301}")
        #expect(second.located(in: text) == 32..<36)
        let first = GoldSpan(query: "q", document: "d", characters: 4..<8, text: "café")
        #expect(first.located(in: text) == 13..<17)
        let missing = GoldSpan(query: "q", document: "d", characters: 4..<8, text: "tea")
        #expect(missing.located(in: text) == nil)
        #expect(missing.located(in: []) == nil)
    }
}

@Suite("Refusing")
struct RefusalScoresTests {
    @Test("is scored by what was refused rightly and wrongly")
    func byHand() {
        let scores = RefusalScores(
            answerable: [false, false, false, true], unanswerable: [true, true, false, true, true])
        #expect(scores.refused == 0.8 && scores.falselyRefused == 0.25 && scores.precision == 0.8)
        let none = RefusalScores(answerable: [false], unanswerable: [])
        #expect(none.refused == 0 && none.precision == 0)
    }

    @Test("has a curve whose area is the chance that an answerable question scores higher")
    func area() {
        let curve = RefusalCurve(answerable: [0.9, 0.8, 0.4], unanswerable: [0.1, 0.4, 0.5])
        // Of nine pairs, 0.9 and 0.8 win three each, 0.4 wins one and ties one.
        #expect(abs(curve.area - 7.5 / 9) < 1e-12)
        #expect(curve.points.first == .init(threshold: 0.1, refused: 0, falselyRefused: 0))
        #expect(curve.points.last == .init(threshold: .infinity, refused: 1, falselyRefused: 1))
        #expect(curve.best(falselyRefusing: 0) == .init(threshold: 0.4, refused: 1.0 / 3, falselyRefused: 0))
        #expect(curve.best(falselyRefusing: 0.4)?.refused == 1)
        #expect(RefusalCurve(answerable: [1], unanswerable: []).area == 0.5)
    }

    @Test("has a curve that agrees with counting, for any scores")
    func agreesWithCounting() {
        for _ in 0..<100 {
            let high = (0..<Int.random(in: 1...20)).map { _ in Double(Int.random(in: 2...12)) / 12 }
            let low = (0..<Int.random(in: 1...20)).map { _ in Double(Int.random(in: 0...10)) / 12 }
            let curve = RefusalCurve(answerable: high, unanswerable: low)
            var wins = 0.0
            for one in high { for other in low { wins += one > other ? 1 : one == other ? 0.5 : 0 } }
            #expect(abs(curve.area - wins / Double(high.count * low.count)) < 1e-9)
            for point in curve.points {
                #expect(point.refused == Double(low.count { $0 < point.threshold }) / Double(low.count))
                #expect(point.falselyRefused == Double(high.count { $0 < point.threshold }) / Double(high.count))
            }
            let thinned = curve.thinned(to: 5)
            #expect(thinned.count <= 5 && thinned.first == curve.points.first && thinned.last == curve.points.last)
        }
    }

    @Test("is no matter of quotes: those are on a page whatever a reader does to lines, hyphens and ligatures, and in no other words")
    func quotes() {
        let page = "The net\u{AD} sales of 2022 were e\u{FB03}cient,\nwhich sur-\nprised. Net sales1\nQ1\nQ2\n81,797\n85,777"
        #expect(QuoteCheck.isQuote("The net sales of 2022 were efficient, which surprised.", in: page))
        #expect(QuoteCheck.isQuote("Net sales 1 | Q1 | 81,797\nQ2 | 85,777", in: page))
        #expect(!QuoteCheck.isQuote("Net sales of 2022 were not", in: page))
        #expect(!QuoteCheck.isQuote("The net sales of 2023", in: page))
        #expect(!QuoteCheck.isQuote("Q1 | Q2 | Q2", in: page))
        #expect(!QuoteCheck.isQuote(" ", in: page))
        #expect(QuoteCheck.isQuoteLineByLine("prised. | Net\n\nwhich sur-", in: page))
        #expect(!QuoteCheck.isQuoteLineByLine("Q1 | 81,797", in: page))
        #expect(!QuoteCheck.isQuoteLineByLine("The net sales of 2022\nwere not", in: page))
    }
}
