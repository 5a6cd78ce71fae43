import Testing

@testable import almanac

@Suite("The progress line")
struct ProgressLineTests {
    @Test("tells how much is done and how long the rest takes")
    func text() {
        let half = ProgressLine.text(6, of: 12, unit: "files", secondsLeft: 61.2, "a.md")
        #expect(half == "[████████████░░░░░░░░░░░░] 6/12 files · 1:02 left · a.md")
        #expect(ProgressLine.text(0, of: 0, unit: "chunks", secondsLeft: nil, "").hasSuffix("░] 0/0 chunks"))
        #expect(ProgressLine.text(9, of: 3, unit: "x", secondsLeft: 11_105, "").hasSuffix("█] 9/3 x · 3:05:05 left"))
        #expect(ProgressLine.secondsLeft(3, of: 9, after: 6) == 12)
        #expect(ProgressLine.secondsLeft(0, of: 9, after: 6) == nil)
    }
}
