import Knowledge

/// The sheets of an OpenDocument spreadsheet.
///
/// Rows and cells can be repeated by a number, up to the size of a sheet. What is empty only moves what follows.
struct OpenSheets: OpenDocumentOutput {
    private struct Cell {
        var column: Int
        var count: Int
        var text: [UInt8] = []
        /// Used if the cell has no text of its own.
        var value: String?
    }

    private let styles: OpenDocumentStyles
    private var text = SheetText()
    private var depth = 0
    private var row = 0
    private var rowCount = 1
    private var column = 0
    private var cells: [Cell] = []
    private var isInCell = false
    /// Cells that were written without standing in the file.
    private var copies = 0
    private static let maxCopies = 1_000_000

    init(_ styles: OpenDocumentStyles) { self.styles = styles }

    mutating func add(_ paragraph: BlockFlow.Paragraph) throws(DocumentFailure) {
        guard isInCell, let last = cells.indices.last else { return text.addNote(paragraph.content) }
        if !cells[last].text.isEmpty { cells[last].text.append(.space) }
        cells[last].text += paragraph.content.withoutNewlines
    }

    mutating func addNote(_ note: [UInt8]) { text.addNote(note) }

    mutating func turnPage() {}

    mutating func start(_ name: String, _ attributes: XMLAttributes) throws(DocumentFailure) -> XMLReader.Content {
        switch name {
        case "table:table":
            depth += 1
            guard depth == 1 else { break }
            row = 0
            let isHidden = attributes["table:style-name"].map(styles.hidden.contains) ?? false
            try text.beginSheet(attributes["table:name"] ?? "", isHidden: isHidden)
        case "table:table-row" where depth == 1:
            rowCount = attributes.number("table:number-rows-repeated", in: 1...Int(Int32.max)) ?? 1
            column = 0
            cells = []
        case "table:table-cell" where depth == 1, "table:covered-table-cell" where depth == 1:
            let count = attributes.number("table:number-columns-repeated", in: 1...Int(Int32.max)) ?? 1
            let value = attributes["office:string-value"] ?? attributes["office:value"]
            cells.append(Cell(column: column + 1, count: count, value: value))
            column += count
            isInCell = true
        case "table:table-source", "table:scenario": return .skip
        default: break
        }
        return .read
    }

    mutating func end(_ name: String) throws(DocumentFailure) {
        switch name {
        case "table:table":
            depth -= 1
            if depth == 0 { try text.endSheet() }
        case "table:table-row" where depth == 1: try endRow()
        case "table:table-cell" where depth == 1, "table:covered-table-cell" where depth == 1: endCell()
        default: break
        }
    }

    private mutating func endCell() {
        isInCell = false
        guard let last = cells.indices.last else { return }
        if cells[last].text.isEmpty, let value = cells[last].value { cells[last].text = Array(value.utf8) }
        if cells[last].text.isEmpty { cells.removeLast() }
    }

    private mutating func endRow() throws(DocumentFailure) {
        defer { row += rowCount }
        guard !cells.isEmpty else { return }
        for index in 0..<rowCount {
            try text.beginRow(row + index + 1)
            for cell in cells {
                for repetition in 0..<cell.count {
                    if index + repetition > 0 { copies += 1 }
                    guard copies <= Self.maxCopies else {
                        throw DocumentFailure(.tooLarge, "A sheet repeats its cells more than a million times.")
                    }
                    try text.add(cell.text[...], column: cell.column + repetition)
                }
            }
            try text.endRow()
        }
    }

    mutating func finish(title: String?) throws(DocumentFailure) -> ExtractedText {
        try text.finish(title: title)
    }
}
