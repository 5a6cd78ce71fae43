import Knowledge

/// The sheets of a spreadsheet as text, of any format: cells come in by rows, tables go out.
///
/// Blank rows part tables. A line with one cell above a table of several columns is its caption; a stretch of one column
/// is prose.
struct SheetText {
    private struct Cell {
        var column: Int
        var bytes: Range<Int>
    }

    private var flow = BlockFlow()
    private var sheets = 0
    private var hidden: [String] = []
    private var isMissingValues = false
    private var name = ""
    private var hasHeading = false
    private var notes: [[UInt8]] = []
    /// The cells of the open stretch of rows; their text lies in `bytes`.
    private var bytes: [UInt8] = []
    private var rows: [[Cell]] = []
    private var lastRow = 0

    /// Wider rows lose their empty cells, or a few cells far apart would become thousands of separators.
    private static let maxAlignedColumns = 64

    mutating func beginSheet(_ name: String, isHidden: Bool) throws(DocumentFailure) {
        sheets += 1
        self.name = name.onOneLine
        hasHeading = false
        lastRow = 0
        flow.locator = "sheet \"\(self.name)\""
        if isHidden { hidden.append("“\(name.shortTitle)”") }
    }

    /// Begins a row.
    ///
    /// - Parameter number: From 1, higher than the row's before.
    mutating func beginRow(_ number: Int) throws(DocumentFailure) {
        if number > lastRow + 1 { try endTable() }
        lastRow = number
        rows.append([])
    }

    /// Adds a cell to the open row.
    ///
    /// - Parameter text: On one line.
    /// - Throws: `.tooLarge` once there is more text than a document may have: cells can share one long string.
    mutating func add(_ text: ArraySlice<UInt8>, column: Int) throws(DocumentFailure) {
        guard !rows.isEmpty, text.contains(where: { !$0.isSpace }) else { return }
        let start = bytes.count
        bytes.append(contentsOf: text)
        guard bytes.count <= TextBuilder.maxBytes else { throw .tooMuchText }
        rows[rows.count - 1].append(Cell(column: column, bytes: start..<bytes.count))
    }

    mutating func endRow() throws(DocumentFailure) {
        guard rows.last?.isEmpty ?? false else { return }
        rows.removeLast()
        try endTable()
    }

    /// Adds what stands beside the cells, to follow them.
    mutating func addNote(_ note: [UInt8]) { notes.append(note) }

    mutating func noteMissingValue() { isMissingValues = true }

    mutating func endSheet() throws(DocumentFailure) {
        try endTable()
        for note in notes where !note[...].trimmingSpace.isEmpty {
            try openSheet()
            try flow.addNote(note)
        }
        notes = []
        if !hasHeading { flow.builder.quality.pagesWithoutText.append(sheets) }
    }

    /// - Throws: `.empty` if no sheet has a value.
    consuming func finish(title: String?) throws(DocumentFailure) -> ExtractedText {
        flow.builder.quality.pages = sheets
        if !hidden.isEmpty {
            let names = hidden.prefix(10).joined(separator: ", ")
            flow.builder.warnings.append("Hidden sheets were read as well: \(names)\(hidden.count > 10 ? "…" : "").")
        }
        if isMissingValues {
            flow.builder.warnings.append("Some formulas have no stored result; the formulas themselves were read.")
        }
        return try flow.builder.finish(title: title)
    }

    // MARK: - Tables

    private mutating func openSheet() throws(DocumentFailure) {
        guard !hasHeading else { return }
        hasHeading = true
        try flow.add(.init(kind: .heading(level: 2), content: Array(name.utf8)))
    }

    private mutating func endTable() throws(DocumentFailure) {
        guard !rows.isEmpty else { return }
        try openSheet()
        let rows = rows
        let columns = Set(rows.joined().lazy.map(\.column)).sorted()
        let isTable = columns.count > 1
        let captions = rows.prefix { $0.count == 1 || !isTable }
        for row in captions {
            for cell in row { try flow.add(.init(kind: .paragraph, content: Array(bytes[cell.bytes]))) }
        }
        let body = rows.dropFirst(captions.count)
        if !body.isEmpty { try flow.add(.init(kind: .table, content: lines(of: body, columns: columns))) }
        self.rows.removeAll(keepingCapacity: true)
        bytes.removeAll(keepingCapacity: true)
    }

    private func lines(of rows: ArraySlice<[Cell]>, columns: [Int]) -> [UInt8] {
        let separator = Array(" | ".utf8)
        let places = Dictionary(uniqueKeysWithValues: columns.enumerated().map { ($1, $0) })
        let isAligned = columns.count <= Self.maxAlignedColumns
        var lines: [UInt8] = []
        for row in rows {
            if !lines.isEmpty { lines.append(.newline) }
            var place = 0
            for (index, cell) in row.enumerated() {
                let target = isAligned ? max(place, places[cell.column] ?? 0) : index
                while place < target {
                    lines += separator
                    place += 1
                }
                lines += bytes[cell.bytes]
            }
        }
        return lines
    }
}

extension Sequence<UInt8> {
    /// The same bytes with spaces in the place of newlines.
    var withoutNewlines: some Sequence<UInt8> { lazy.map { $0 == .newline || $0 == 0x0D ? .space : $0 } }
}
