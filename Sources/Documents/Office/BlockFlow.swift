import Knowledge

/// Paragraphs and tables in the order of a document: they go into the text, or into the open cell of the open table.
struct BlockFlow {
    struct Paragraph {
        var kind: ExtractedText.Block.Kind
        var content: [UInt8]
        var depth = 0
    }

    var builder = TextBuilder()
    /// Where the next blocks stand, for people.
    var locator: String?
    private var tables: [HTMLTable] = []
    /// What stands behind the open table: notes that its cells refer to.
    private var postponed: [Paragraph] = []

    /// A cell with more text than this and more than one paragraph is layout, not data.
    private static let maxCellBytes = 2000

    /// - Throws: `.tooLarge` once there is more text than a document may have.
    mutating func add(_ paragraph: Paragraph) throws(DocumentFailure) {
        guard !paragraph.content[...].trimmingSpace.isEmpty else { return }
        if let last = tables.indices.last, tables[last].isInCell {
            if !tables[last].cellWouldExceed(Self.maxCellBytes) { return tables[last].append(paragraph.content) }
            try breakUp(last)
        }
        try emit(paragraph)
    }

    /// Adds what stands beside the text; inside of a table it waits for the table's end.
    mutating func addNote(_ content: [UInt8]) throws(DocumentFailure) {
        let note = Paragraph(kind: .note, content: content)
        if tables.isEmpty { try emit(note) } else { postponed.append(note) }
    }

    mutating func beginTable() throws(DocumentFailure) {
        if let outer = tables.indices.last, tables[outer].isInCell { try breakUp(outer) }
        tables.append(HTMLTable())
    }

    mutating func beginRow() {
        if let last = tables.indices.last { tables[last].beginRow() }
    }

    /// Begins a cell, behind `skipped` empty ones.
    mutating func beginCell(skipping skipped: Int = 0) {
        guard let last = tables.indices.last else { return }
        for _ in 0...skipped { tables[last].beginCell() }
    }

    mutating func endRow() {
        if let last = tables.indices.last { tables[last].endRow() }
    }

    mutating func endTable() throws(DocumentFailure) {
        guard let table = tables.popLast() else { return }
        try emit(table)
        guard tables.isEmpty else { return }
        let notes = postponed
        postponed = []
        for note in notes { try emit(note) }
    }

    /// Turns a table that turned out to be page layout into plain flow, from the present cell on.
    private mutating func breakUp(_ index: Int) throws(DocumentFailure) {
        let table = tables[index]
        tables[index].becomeLayout()
        try emit(table)
        for cell in table.openCells where !cell.isEmpty { try emit(Paragraph(kind: .paragraph, content: cell)) }
    }

    private mutating func emit(_ table: HTMLTable) throws(DocumentFailure) {
        guard let rows = table.rows, !rows.isEmpty else { return }
        if table.isSingleColumn {
            for row in rows { try emit(Paragraph(kind: .paragraph, content: row)) }
        } else {
            try emit(Paragraph(kind: .table, content: Array(rows.joined(separator: [.newline]))))
        }
    }

    private mutating func emit(_ paragraph: Paragraph) throws(DocumentFailure) {
        let isHeading = if case .heading = paragraph.kind { true } else { false }
        let content = isHeading ? paragraph.content.map { $0 == .newline ? .space : $0 } : paragraph.content
        if paragraph.kind == .table { builder.quality.tables += 1 }
        builder.append(paragraph.kind, content, depth: paragraph.depth, locator: locator)
        if builder.isOverLimit { throw .tooMuchText }
    }
}
