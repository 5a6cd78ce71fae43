/// One thing of a JSON text: the leaves of an element of a list, of a line, of a field.
struct Record: Hashable {
    struct Leaf: Hashable {
        /// `address.city`, `tags[2]`; empty for a bare value.
        var path: [UInt8]
        var value: [UInt8]
    }

    /// Its place: `users[3]`, `line 12`.
    var locator: String?
    var leaves: [Leaf] = []
    /// Whether no leaf lies deeper than the record's own fields.
    var isFlat = true
}

/// Writes records as `path: value` lines, long texts as paragraphs, and runs of like flat records as tables.
struct RecordWriter {
    private(set) var builder = TextBuilder()
    /// Flat records that may become a table.
    private var run: [Record] = []
    private let joinsTables: Bool

    private static let longTextBytes = 200
    private static let maxColumns = 30
    private static let minRows = 3
    private static let maxRun = 1000

    /// - Parameter joinsTables: Whether like records become rows, rather than a block each.
    init(joinsTables: Bool) { self.joinsTables = joinsTables }

    mutating func append(_ record: Record) {
        guard !record.leaves.isEmpty else { return }
        guard joinsTables, isRow(record) else {
            flush()
            return write(record)
        }
        run.append(record)
        if run.count >= Self.maxRun { flush() }
    }

    /// A line that is no record, as it stands.
    mutating func append(raw line: ArraySlice<UInt8>, locator: String) {
        flush()
        builder.append(.code, line, locator: locator)
    }

    /// Writes what waits.
    mutating func flush() {
        defer { run.removeAll(keepingCapacity: true) }
        var columns: [[UInt8]: Int] = [:]
        for leaf in run.flatMap(\.leaves) where columns[leaf.path] == nil { columns[leaf.path] = columns.count }
        guard run.count >= Self.minRows, columns.count <= Self.maxColumns else { return run.forEach { write($0) } }
        let names = columns.sorted { $0.value < $1.value }.map(\.key)
        let places = run.map { $0.locator ?? "" }
        var table = TableWriter(header: names.count > 1 ? TableWriter.line(names) : names.first) { rows in
            let (first, last) = (places[rows.lowerBound - 1], places[rows.upperBound - 1])
            return first == last ? first : "\(first) – \(last)"
        }
        for (row, record) in run.enumerated() {
            var cells = [[UInt8]](repeating: [], count: names.count)
            for leaf in record.leaves { columns[leaf.path].map { cells[$0] = leaf.value.map { $0 == .newline ? .space : $0 } } }
            table.append(TableWriter.line(cells), number: row + 1, to: &builder)
        }
        table.flush(to: &builder)
        builder.quality.tables += 1
    }

    consuming func finished() -> TextBuilder {
        flush()
        return builder
    }

    private func isRow(_ record: Record) -> Bool {
        record.isFlat && record.leaves.count <= Self.maxColumns && record.leaves.count > 1
            && record.leaves.allSatisfy { $0.value.count <= Self.longTextBytes && !$0.path.isEmpty }
    }

    private mutating func write(_ record: Record) {
        var lines: [UInt8] = []
        for leaf in record.leaves where !leaf.value.isEmpty {
            let mark = leaf.path.isEmpty ? [] : leaf.path + ": ".utf8
            if leaf.value.count > Self.longTextBytes || leaf.value.contains(.newline) {
                builder.append(.code, lines, locator: record.locator)
                lines = []
                builder.append(.paragraph, mark + leaf.value, locator: record.locator)
            } else {
                if !lines.isEmpty { lines.append(.newline) }
                lines += mark + leaf.value
            }
        }
        builder.append(.code, lines, locator: record.locator)
    }
}
