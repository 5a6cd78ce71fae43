import Knowledge

/// The slides of an OpenDocument presentation.
struct OpenSlides: OpenDocumentOutput {
    private let styles: OpenDocumentStyles
    private var deck = SlideDeck()
    private var slide = SlideDeck.Slide()
    private var isInNotes = false
    /// What the open frame is for: `title`, `outline`, `notes`…; nil for frames of their own.
    private var frame: String?
    private var table: HTMLTable?

    init(_ styles: OpenDocumentStyles) { self.styles = styles }

    mutating func add(_ paragraph: BlockFlow.Paragraph) throws(DocumentFailure) {
        if table?.isInCell ?? false {
            table?.append(paragraph.content)
        } else if isInNotes {
            slide.notes.append(paragraph.content)
        } else if frame == "title" {
            slide.title += (slide.title.isEmpty ? [] : [.space]) + paragraph.content
        } else {
            slide.items.append(paragraph)
        }
    }

    mutating func addNote(_ note: [UInt8]) {
        slide.items.append(.init(kind: .note, content: note))
    }

    mutating func turnPage() {}

    mutating func start(_ name: String, _ attributes: XMLAttributes) throws(DocumentFailure) -> XMLReader.Content {
        switch name {
        case "draw:page":
            slide = SlideDeck.Slide()
            slide.isHidden = attributes["draw:style-name"].map(styles.hidden.contains) ?? false
        case "presentation:notes": isInNotes = true
        case "draw:frame":
            frame = attributes["presentation:class"]
            let isFurniture = ["header", "footer", "date-time", "page-number"].contains(frame)
            return (isInNotes ? frame == "notes" : !isFurniture) ? .read : .skip
        case "draw:page-thumbnail": return .skip
        case "table:table": table = HTMLTable()
        case "table:table-row": table?.beginRow()
        case "table:table-cell", "table:covered-table-cell": table?.beginCell()
        default: break
        }
        return .read
    }

    mutating func end(_ name: String) throws(DocumentFailure) {
        switch name {
        case "draw:page": try deck.add(slide)
        case "presentation:notes": isInNotes = false
        case "draw:frame": frame = nil
        case "table:table-row": table?.endRow()
        case "table:table":
            if let rows = table?.rows, !rows.isEmpty {
                slide.items.append(.init(kind: .table, content: Array(rows.joined(separator: [.newline]))))
            }
            table = nil
        default: break
        }
    }

    mutating func finish(title: String?) throws(DocumentFailure) -> ExtractedText {
        try deck.finish(title: title)
    }
}
