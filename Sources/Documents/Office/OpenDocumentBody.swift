import Knowledge

/// Where the paragraphs of an OpenDocument file go: a text, the cells of sheets, or slides.
protocol OpenDocumentOutput {
    mutating func add(_ paragraph: BlockFlow.Paragraph) throws(DocumentFailure)
    mutating func addNote(_ note: [UInt8]) throws(DocumentFailure)
    /// What the text that follows was last laid out on.
    mutating func turnPage()
    /// Begins an element that is neither a paragraph nor in one: a table, a row, a cell, a frame, a page.
    mutating func start(_ name: String, _ attributes: XMLAttributes) throws(DocumentFailure) -> XMLReader.Content
    mutating func end(_ name: String) throws(DocumentFailure)
    mutating func finish(title: String?) throws(DocumentFailure) -> ExtractedText
}

/// Reads `content.xml` of an OpenDocument file.
final class OpenDocumentBody: XMLHandler {
    /// A paragraph or a note while its text comes in. Both can stand in each other.
    private struct Open {
        enum Role: Hashable { case paragraph, note, description }

        var role: Role
        var kind = ExtractedText.Block.Kind.paragraph
        var text: [UInt8] = []
        var mark: String?
        var depth = 0
        /// Text boxes and notes that hang on the paragraph.
        var boxed: [BlockFlow.Paragraph] = []
        var notes: [[UInt8]] = []
    }

    private let styles: OpenDocumentStyles
    private var output: any OpenDocumentOutput = OpenText()
    private var open: [Open] = []
    private var lists: OpenDocumentLists
    private var isInStyles = false

    init(styles: OpenDocumentStyles) {
        self.styles = styles
        lists = OpenDocumentLists(styles)
    }

    func finish(title: String?) throws(DocumentFailure) -> ExtractedText {
        try output.finish(title: title)
    }

    func start(_ name: String, _ attributes: XMLAttributes) throws(DocumentFailure) -> XMLReader.Content {
        if isInStyles { return styles.start(name, attributes) }
        guard !Self.skipped.contains(name) else { return .skip }
        switch name {
        case "text:p", "text:h": beginParagraph(name, attributes)
        case "text:note-body", "office:annotation": open.append(Open(role: .note))
        case "svg:desc": open.append(Open(role: .description))
        case "text:s": append(repeatElement(.space, count: attributes.number("text:c", in: 1...100) ?? 1))
        case "text:tab": append(CollectionOfOne(.tab))
        case "text:line-break": append(CollectionOfOne(.newline))
        case "text:soft-page-break": output.turnPage()
        case "text:list": lists.begin(attributes)
        case "text:list-item": lists.beginItem(start: attributes.number("text:start-value"))
        case "office:automatic-styles": isInStyles = true
        case "office:spreadsheet": output = OpenSheets(styles)
        case "office:presentation": output = OpenSlides(styles)
        default: return try output.start(name, attributes)
        }
        return .read
    }

    /// Deleted text, what only repeats the text, and who wrote a note when.
    private static let skipped: Set<String> = [
        "text:tracked-changes", "table:tracked-changes", "text:table-of-content", "text:illustration-index",
        "text:table-index", "text:object-index", "text:user-index", "text:alphabetical-index", "text:note-citation",
        "text:ruby-text", "table:content-validations", "office:forms", "office:scripts", "office:font-face-decls",
        "dc:creator", "dc:date", "meta:creator-initials", "meta:date-string", "presentation:footer-decl",
        "presentation:header-decl", "presentation:date-time-decl", "text:page-number", "svg:title",
    ]

    func end(_ name: String) throws(DocumentFailure) {
        switch name {
        case "office:automatic-styles": isInStyles = false
        case _ where isInStyles: styles.end(name)
        case "text:p", "text:h": try endParagraph()
        case "text:note-body", "office:annotation", "svg:desc": try endNote()
        case "text:list": lists.end()
        default: try output.end(name)
        }
    }

    /// White space in the file is one space, however much of it there is; `text:s` says where more is meant.
    func text(_ text: UnsafeBufferPointer<UInt8>) {
        guard let last = open.indices.last, open[last].role != .note else { return }
        for byte in text {
            if !byte.isSpace && byte != 0x0D {
                open[last].text.append(byte)
            } else if open[last].text.last != .space {
                open[last].text.append(.space)
            }
        }
    }

    private func append(_ bytes: some Collection<UInt8>) {
        if let last = open.indices.last { open[last].text.append(contentsOf: bytes) }
    }

    // MARK: - Paragraphs and notes

    private func beginParagraph(_ name: String, _ attributes: XMLAttributes) {
        var paragraph = Open(role: .paragraph)
        if name == "text:h" {
            let level = attributes.number("text:outline-level", in: 1...Int(Int32.max)) ?? 1
            paragraph.kind = .heading(level: min(level, 6))
        } else {
            switch styles.role(of: attributes["text:style-name"]) {
            case .title: paragraph.kind = .heading(level: 1)
            case .quote: paragraph.kind = .quote
            case .body: break
            }
        }
        // Notes in a list item are no items themselves.
        let isMarked = attributes["text:style-name"].map { !styles.unmarked.contains($0) } ?? true
        if open.isEmpty, let mark = lists.takeMark(), isMarked {
            paragraph.depth = lists.depth
            if paragraph.kind == .paragraph { paragraph.kind = .listItem }
            if paragraph.kind == .listItem || mark != "-" { paragraph.mark = mark }
        }
        open.append(paragraph)
    }

    private func endParagraph() throws(DocumentFailure) {
        guard let paragraph = open.popLast() else { return }
        let trimmed = paragraph.text[...].trimmingSpace
        if let last = open.indices.last, open[last].role != .paragraph {
            open[last].text += trimmed + [.space]
            open[last].notes += paragraph.notes
            return
        }
        let mark = trimmed.isEmpty ? "" : paragraph.mark.map { $0 + " " } ?? ""
        let content = Array(mark.utf8) + trimmed
        let block = BlockFlow.Paragraph(kind: paragraph.kind, content: content, depth: paragraph.depth)
        if let last = open.indices.last {
            open[last].boxed += [block] + paragraph.boxed
            open[last].notes += paragraph.notes
            return
        }
        try output.add(block)
        for boxed in paragraph.boxed { try output.add(boxed) }
        for note in paragraph.notes { try output.addNote(note) }
    }

    private func endNote() throws(DocumentFailure) {
        guard let note = open.popLast() else { return }
        if let last = open.indices.last {
            open[last].notes += [note.text] + note.notes
        } else {
            for text in [note.text] + note.notes { try output.addNote(text) }
        }
    }
}
