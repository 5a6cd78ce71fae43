import Knowledge

/// The text of an OpenDocument text.
struct OpenText: OpenDocumentOutput {
    private var flow = BlockFlow()
    private var page = 1
    private static let maxRepeats = 64

    mutating func add(_ paragraph: BlockFlow.Paragraph) throws(DocumentFailure) { try flow.add(paragraph) }

    mutating func addNote(_ note: [UInt8]) throws(DocumentFailure) { try flow.addNote(note) }

    mutating func turnPage() {
        page += 1
        flow.locator = "≈ p. \(page)"
    }

    mutating func start(_ name: String, _ attributes: XMLAttributes) throws(DocumentFailure) -> XMLReader.Content {
        switch name {
        case "table:table": try flow.beginTable()
        case "table:table-row": flow.beginRow()
        case "table:table-cell", "table:covered-table-cell":
            let count = attributes.number("table:number-columns-repeated", in: 1...Self.maxRepeats) ?? 1
            flow.beginCell(skipping: count - 1)
        default: break
        }
        return .read
    }

    mutating func end(_ name: String) throws(DocumentFailure) {
        if name == "table:table-row" { flow.endRow() }
        if name == "table:table" { try flow.endTable() }
    }

    mutating func finish(title: String?) throws(DocumentFailure) -> ExtractedText {
        try flow.builder.finish(title: title)
    }
}
