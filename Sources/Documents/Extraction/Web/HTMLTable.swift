/// A table while its rows come in.
struct HTMLTable {
    private var finished: [[UInt8]] = []
    private var cells: [[UInt8]] = []
    private var cell: [UInt8]?
    private var isLayout = false
    private(set) var isSingleColumn = true

    /// Finished rows as `cell | cell`; nil if the table only arranged the page.
    var rows: [[UInt8]]? { isLayout ? nil : finished }
    /// What the open row has so far.
    var openCells: [[UInt8]] { cells + (cell.map { [$0] } ?? []) }
    var isInCell: Bool { cell != nil && !isLayout }

    func cellWouldExceed(_ bytes: Int) -> Bool {
        guard let cell else { return false }
        return !cell.isEmpty && cell.count > bytes
    }

    mutating func append(_ text: [UInt8]) {
        if !(cell?.isEmpty ?? true) { cell?.append(.space) }
        cell? += text[...].trimmingSpace.map { $0 == .newline ? .space : $0 }
    }

    mutating func beginRow() { endRow() }

    mutating func beginCell() {
        endCell()
        cell = []
    }

    mutating func endCell() {
        if let cell { cells.append(cell) }
        cell = nil
    }

    mutating func endRow() {
        endCell()
        defer { cells = [] }
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
    }
}
