/// Headings of plain text that are underlined from their first to their last letter, as reStructuredText has them and people write
/// them in letters:
///
///     Installation
///     ============
///
/// Marks are levels in the order of their first use. A line of marks may stand above the heading as well.
struct UnderlinedHeadings {
    /// By the number of the line, from 0.
    private var levels: [Int: Int] = [:]
    /// The numbers of lines of marks.
    private var rules: Set<Int> = []

    private static let marks = Array("=-~^*#+".utf8)
    private static let maxBytes = 120
    /// How much shorter or longer than the heading its line may be.
    private static let (maxShorter, maxLonger) = (2, 3)

    init(in text: [UInt8]) {
        var order: [UInt8] = []
        // The two lines above, without white space at their ends.
        var (before, above) = (text[..<0], text[..<0])
        for (number, line) in Lines(text).enumerated() {
            let body = text[line].trimmingSpace
            defer { (before, above) = (above, body) }
            guard let mark = Self.mark(of: body), !above.isEmpty, above.count <= Self.maxBytes, Self.mark(of: above) == nil
            else { continue }
            let isFramed = Self.mark(of: before) == mark
            // Under the last line of a paragraph it is a rule.
            guard before.isEmpty || isFramed else { continue }
            let excess = body.count - above.string.count
            guard isFramed ? excess >= 0 : (-Self.maxShorter...Self.maxLonger).contains(excess) else { continue }
            if !order.contains(mark) { order.append(mark) }
            levels[number - 1] = min(6, (order.firstIndex(of: mark) ?? 0) + 1)
            rules.formUnion(isFramed ? [number - 2, number] : [number])
        }
    }

    /// The text with empty lines instead of those of marks, and the level of every heading by the place where it begins in it.
    func withoutLines(of text: [UInt8]) -> (text: [UInt8], levels: [Int: Int]) {
        guard !levels.isEmpty else { return (text, [:]) }
        var result: [UInt8] = []
        var places: [Int: Int] = [:]
        result.reserveCapacity(text.count)
        for (number, line) in Lines(text).enumerated() {
            if number > 0 { result.append(.newline) }
            if rules.contains(number) { continue }
            if let level = levels[number] {
                places[result.count + text[line].prefix(while: \.isSpace).count] = level
            }
            result += text[line]
        }
        return (result, places)
    }

    /// What a line of at least three like marks is made of.
    private static func mark(of line: ArraySlice<UInt8>) -> UInt8? {
        guard line.count >= 3, let first = line.first, marks.contains(first), line.allSatisfy({ $0 == first }) else { return nil }
        return first
    }
}
