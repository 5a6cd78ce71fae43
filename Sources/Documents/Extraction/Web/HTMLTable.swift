/// A table while its rows come in.
///
/// Cells keep their columns: one over several columns is followed by empty ones. The first cells of a row say what it is about,
/// so one of them that reaches over several rows stands in each; further right such a cell leaves its place empty.
struct HTMLTable {
    /// A cell that reaches into the rows below.
    private struct Hanging {
        var column: Int
        /// How many more.
        var rows: Int
        var text: [UInt8]
    }

    private var finished: [[UInt8]] = []
    private var cells: [[UInt8]] = []
    private var cell: [UInt8]?
    /// What the open cell takes.
    private var span = (columns: 1, rows: 1)
    private var hanging: [Hanging] = []
    /// How many cells of the open row, from its first on, come from above.
    private var repeated = 0
    private var isLayout = false
    private(set) var isSingleColumn = true

    /// Tables are not wider or higher; where one says so, it is made to cost more than it weighs.
    private static let maxSpan = 100
    /// Longer texts are not repeated.
    private static let maxRepeatedBytes = 100

    /// Finished rows as `cell | cell`; nil if the table only arranged the page.
    var rows: [[UInt8]]? { isLayout ? nil : finished }
    /// What the open row has so far.
    var openCells: [[UInt8]] { cells + (cell.map { [$0] } ?? []) }
    var isInCell: Bool { cell != nil && !isLayout }

    /// What an attribute says that a cell takes; 1 where that makes no sense.
    static func span(_ value: ArraySlice<UInt8>) -> Int {
        min(max(Int(value.trimmingSpace.string) ?? 1, 1), maxSpan)
    }

    func cellWouldExceed(_ bytes: Int) -> Bool {
        guard let cell else { return false }
        return !cell.isEmpty && cell.count > bytes
    }

    mutating func append(_ text: [UInt8]) {
        if !(cell?.isEmpty ?? true) { cell?.append(.space) }
        cell? += text[...].trimmingSpace.map { $0 == .newline ? .space : $0 }
    }

    mutating func beginRow() { endRow() }

    mutating func beginCell(columns: Int = 1, rows: Int = 1) {
        endCell()
        while let above = hanging.first(where: { $0.column == cells.count }) {
            let isFirst = repeated == cells.count
            cells.append(isFirst ? above.text : [])
            if isFirst { repeated += 1 }
        }
        cell = []
        span = (columns, rows)
    }

    mutating func endCell() {
        guard let cell else { return }
        if span.rows > 1, hanging.count < Self.maxSpan {
            let text = cell.count > Self.maxRepeatedBytes ? [] : cell
            // One more, since the end of this row takes one.
            hanging.append(Hanging(column: cells.count, rows: span.rows, text: text))
        }
        cells.append(cell)
        if cells.count < Self.maxSpan { cells += Array(repeating: [], count: span.columns - 1) }
        self.cell = nil
    }

    mutating func endRow() {
        endCell()
        // Between a row's end and the next one's beginning.
        guard !cells.isEmpty else { return }
        for index in hanging.indices { hanging[index].rows -= 1 }
        hanging.removeAll { $0.rows == 0 }
        defer {
            cells = []
            repeated = 0
        }
        while cells.last?.isEmpty ?? false { cells.removeLast() }
        let filled = cells.filter { !$0.isEmpty }
        guard !filled.isEmpty, !isLayout else { return }
        if filled.count > 1 { isSingleColumn = false }
        // Tables of accounts pad their columns with empty cells; a row of mostly empty cells loses them.
        let shown = filled.count * 2 < cells.count ? filled : cells
        finished.append(Array(shown.joined(separator: " | ".utf8)))
    }

    mutating func becomeLayout() {
        isLayout = true
        finished = []
        cells = []
        cell = nil
        hanging = []
    }
}
