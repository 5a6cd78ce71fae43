/// Cuts text into rows of fields (RFC 4180, and what programs make of it). One pass, never fails.
struct DelimitedRows: IteratorProtocol {
    struct Row {
        /// White space trimmed, newlines within quotes as spaces.
        var fields: [[UInt8]]
        /// The line that it begins on, from 1.
        var line: Int
    }

    private let text: [UInt8]
    private let delimiter: UInt8
    private var index: Int
    private var line = 1
    /// False once a quoted field turned out to have no end.
    private var mayQuote = true
    private static let quote = UInt8(ascii: "\"")

    init(_ text: [UInt8], delimiter: UInt8, from start: Int = 0) {
        self.text = text
        self.delimiter = delimiter
        index = start
        line += text[..<start].count { $0 == .newline }
    }

    mutating func next() -> Row? {
        guard index < text.count else { return nil }
        var row = Row(fields: [], line: line)
        while true {
            row.fields.append(field())
            guard index < text.count else { return row }
            index += 1
            if text[index - 1] == .newline {
                line += 1
                return row
            }
        }
    }

    /// Reads a field and stops at the delimiter or newline behind it.
    private mutating func field() -> [UInt8] {
        var start = index
        while start < text.count, text[start] == .space { start += 1 }
        if mayQuote, start < text.count, text[start] == Self.quote, let field = quoted(from: start + 1) { return field }
        let end = text[index...].firstIndex { $0 == delimiter || $0 == .newline } ?? text.count
        defer { index = end }
        return Array(text[index..<end].trimmingSpace)
    }

    /// Two quotes stand for one; one that is not followed by a border stands for itself.
    private mutating func quoted(from start: Int) -> [UInt8]? {
        var field: [UInt8] = []
        var newlines = 0
        var at = start
        while at < text.count {
            let byte = text[at]
            guard byte == Self.quote else {
                if byte == .newline { newlines += 1 }
                field.append(byte == .newline || byte == .tab ? .space : byte)
                at += 1
                continue
            }
            if at + 1 < text.count, text[at + 1] == Self.quote {
                field.append(Self.quote)
                at += 2
                continue
            }
            var end = at + 1
            while end < text.count, text[end] == .space, text[end] != delimiter { end += 1 }
            if end == text.count || text[end] == delimiter || text[end] == .newline {
                index = end
                line += newlines
                return Array(field[...].trimmingSpace)
            }
            field.append(byte)
            at += 1
        }
        mayQuote = false
        return nil
    }
}

extension DelimitedRows {
    /// The delimiter that makes the most of the first rows equally wide.
    static func delimiter(of text: [UInt8]) -> UInt8 {
        let sample = Array(text.prefix(32 << 10))
        let candidates = ",;\t|".utf8.map { delimiter in (delimiter, evenness(of: sample, delimiter)) }
        // Of equals the first: the comma.
        return candidates.reduce((UInt8(ascii: ","), 0.0)) { $1.1 > $0.1 ? $1 : $0 }.0
    }

    /// The share of rows that have the most frequent width, a little more for wide rows; 0 for one column.
    private static func evenness(of sample: [UInt8], _ delimiter: UInt8) -> Double {
        var rows = DelimitedRows(sample, delimiter: delimiter)
        var widths: [Int: Int] = [:]
        var count = 0
        while count < 100, let row = rows.next() {
            if row.fields.count == 1 && row.fields[0].isEmpty { continue }
            widths[row.fields.count, default: 0] += 1
            count += 1
        }
        let best = widths.filter { $0.key > 1 }.max { ($0.value, $0.key) < ($1.value, $1.key) }
        guard let best, count > 0 else { return 0 }
        return Double(best.value) / Double(count) + Double(min(best.key, 20)) / 1000
    }
}
