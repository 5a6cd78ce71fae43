/// Writes long tables as several blocks, each of which begins with the header.
struct TableWriter {
    /// The names of the columns as `name | name`, if the table has them.
    private let header: [UInt8]?
    private var lines: [UInt8] = []
    private var first = 0
    private var last = 0
    private let locate: @Sendable (ClosedRange<Int>) -> String

    /// A block ends behind the row that reaches this size: small enough that its place helps to find a row.
    private static let blockBytes = 8 << 10
    /// Longer headers are not repeated.
    private static let maxHeaderBytes = 1 << 10

    /// - Parameter locate: What to call the rows of a block, by their numbers.
    init(header: [UInt8]?, locate: @escaping @Sendable (ClosedRange<Int>) -> String) {
        self.header = header
        self.locate = locate
        lines = header ?? []
    }

    /// The cells as one line: no newlines in them, no empty ones at the end.
    static func line(_ cells: [[UInt8]]) -> [UInt8] {
        let end = (cells.lastIndex { !$0.isEmpty } ?? -1) + 1
        return Array(cells[..<end].joined(separator: " | ".utf8))
    }

    /// - Parameter number: Of the row in the original, from 1, for people.
    mutating func append(_ row: [UInt8], number: Int, to builder: inout TextBuilder) {
        if first == 0 { first = number }
        last = number
        if !lines.isEmpty { lines.append(.newline) }
        lines += row
        if lines.count >= Self.blockBytes { flush(to: &builder) }
    }

    /// Writes what is left.
    mutating func flush(to builder: inout TextBuilder) {
        guard first > 0 || builder.blocks.isEmpty else { return }
        builder.append(.table, lines, locator: first > 0 ? locate(first...last) : nil)
        let isRepeated = (header?.count ?? 0) <= Self.maxHeaderBytes
        lines = isRepeated ? header ?? [] : []
        first = 0
    }
}
