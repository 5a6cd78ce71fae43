import Knowledge

/// Reads the main part of a Word document.
final class WordBody: XMLHandler {
    /// A paragraph while its runs come in. Text boxes hold paragraphs inside of a paragraph.
    private struct Open {
        var text: [UInt8] = []
        var style: String?
        var outlineLevel: Int?
        var list = WordNumbering.Place()
    }

    var flow = BlockFlow()
    /// What the paragraph in the style `Title` says.
    private(set) var title: String?
    private let styles: WordStyles
    private let numbering: WordNumbering
    private let notes: WordNotes
    private var paragraphs: [Open] = []
    /// Paragraphs of text boxes, and notes, which follow the paragraph that they hang on.
    private var boxed: [BlockFlow.Paragraph] = []
    private var noted: [[UInt8]] = []
    private var isInText = false
    /// Of each alternative that is open: whether a choice was read.
    private var choices: [Bool] = []
    private var page = 1
    /// Columns that the open cell spans beyond its own, to be left empty behind it.
    private var spans: [Int] = []
    private static let maxSpan = 64

    init(styles: WordStyles, numbering: WordNumbering, notes: WordNotes) {
        self.styles = styles
        self.numbering = numbering
        self.notes = notes
    }

    /// Adds the notes that no paragraph refers to.
    func addRemainingNotes() throws(DocumentFailure) {
        for note in notes.takeAll() { try flow.addNote(note) }
    }

    func start(_ name: String, _ attributes: XMLAttributes) throws(DocumentFailure) -> XMLReader.Content {
        switch name {
        case "w:t", "m:t": isInText = true
        case "w:p": paragraphs.append(Open())
        case "w:rPr", "w:del", "w:moveFrom", "w:instrText", "w:delText", "w:sectPr", "w:sdtPr", "w:rt", "w:tblGrid",
            "w:tabs", "mc:Fallback", "w:pPrChange", "w:tblPrChange", "w:tcPrChange", "w:trPrChange":
            return .skip
        case "w:tab": append([.tab])
        case "w:br", "w:cr": append([.newline])
        case "w:noBreakHyphen": append([UInt8(ascii: "-")])
        case "w:sym": appendSymbol(attributes["w:char"])
        case "w:lastRenderedPageBreak": turnPage()
        case "mc:AlternateContent": choices.append(false)
        case "mc:Choice": return choose()
        default:
            if !properties(name, attributes), !references(name, attributes) { try table(name, attributes) }
        }
        return .read
    }

    func end(_ name: String) throws(DocumentFailure) {
        switch name {
        case "w:t", "m:t": isInText = false
        case "w:p": try endParagraph()
        case "w:tr": flow.endRow()
        case "w:tbl":
            _ = spans.popLast()
            try flow.endTable()
        case "mc:AlternateContent": _ = choices.popLast()
        default: break
        }
    }

    func text(_ text: UnsafeBufferPointer<UInt8>) {
        if isInText { append(text) }
    }

    // MARK: - Inside of a paragraph

    private func append(_ bytes: some Collection<UInt8>) {
        guard !paragraphs.isEmpty else { return }
        paragraphs[paragraphs.count - 1].text.append(contentsOf: bytes)
    }

    /// A character by its code in hexadecimal digits. Codes of symbol fonts lie in the private area and say nothing.
    private func appendSymbol(_ code: String?) {
        guard let scalar = code.flatMap({ UInt32($0, radix: 16) }).flatMap(UnicodeScalar.init),
            !(0xE000...0xF8FF).contains(scalar.value)
        else { return }
        append(String(Character(scalar)).utf8)
    }

    /// What Word last laid out is a hint, not a page number.
    private func turnPage() {
        page += 1
        if paragraphs.last?.text.isEmpty ?? true { flow.locator = "≈ p. \(page)" }
    }

    private func choose() -> XMLReader.Content {
        guard let last = choices.indices.last, !choices[last] else { return .skip }
        choices[last] = true
        return .read
    }

    /// - Returns: Whether the element is a property of the open paragraph.
    private func properties(_ name: String, _ attributes: XMLAttributes) -> Bool {
        guard let last = paragraphs.indices.last else { return false }
        switch name {
        case "w:pStyle": paragraphs[last].style = attributes["w:val"]
        case "w:outlineLvl": paragraphs[last].outlineLevel = attributes.number("w:val", in: 0...9)
        case "w:numId": paragraphs[last].list.id = attributes["w:val"]
        case "w:ilvl": paragraphs[last].list.level = attributes.number("w:val", in: 0...8)
        default: return false
        }
        return true
    }

    /// - Returns: Whether the element refers to something beside the text.
    private func references(_ name: String, _ attributes: XMLAttributes) -> Bool {
        let part: String
        switch name {
        case "w:footnoteReference": part = "footnotes"
        case "w:endnoteReference": part = "endnotes"
        case "w:commentReference": part = "comments"
        case "wp:docPr":
            if let description = attributes["descr"] { noted.append(Array(description.utf8)) }
            return true
        default: return false
        }
        if let note = attributes["w:id"].flatMap({ notes.take(.init(part: part, id: $0)) }) { noted.append(note) }
        return true
    }

    private func table(_ name: String, _ attributes: XMLAttributes) throws(DocumentFailure) {
        switch name {
        case "w:tbl":
            try flow.beginTable()
            spans.append(0)
        case "w:tr":
            flow.beginRow()
            if let last = spans.indices.last { spans[last] = 0 }
        case "w:gridBefore": leave(attributes.number("w:val", in: 0...Self.maxSpan) ?? 0)
        case "w:tc":
            flow.beginCell(skipping: spans.last ?? 0)
            leave(0)
        case "w:gridSpan": leave((attributes.number("w:val", in: 1...Self.maxSpan) ?? 1) - 1)
        default: break
        }
    }

    private func leave(_ columns: Int) {
        if let last = spans.indices.last { spans[last] = columns }
    }

    // MARK: - Between paragraphs

    private func endParagraph() throws(DocumentFailure) {
        guard let open = paragraphs.popLast() else { return }
        let paragraph = block(of: open)
        guard paragraphs.isEmpty else {
            if let paragraph { boxed.append(paragraph) }
            return
        }
        if let paragraph { try flow.add(paragraph) }
        for paragraph in boxed { try flow.add(paragraph) }
        for note in noted { try flow.addNote(note) }
        boxed = []
        noted = []
        flow.locator = page > 1 ? "≈ p. \(page)" : nil
    }

    private func block(of open: Open) -> BlockFlow.Paragraph? {
        let style = styles.style(open.style)
        let role = styles.role(of: style)
        guard role != .contents, !open.text[...].trimmingSpace.isEmpty else { return nil }
        let place = WordNumbering.Place(id: open.list.id ?? style.list.id, level: open.list.level ?? style.list.level)
        let mark = numbering.mark(of: place)
        func marked(_ kind: ExtractedText.Block.Kind) -> BlockFlow.Paragraph {
            let content = mark.map { Array($0.utf8) + [.space] + open.text[...].trimmingSpace } ?? open.text
            return .init(kind: kind, content: content, depth: place.level ?? 0)
        }
        if role == .title {
            title = title ?? open.text[...].string.onOneLine
            return .init(kind: .heading(level: 1), content: open.text)
        }
        if let level = open.outlineLevel ?? style.outlineLevel, level < 9 {
            let kind = ExtractedText.Block.Kind.heading(level: min(level + 1, 6))
            return mark == "-" ? .init(kind: kind, content: open.text) : marked(kind)
        }
        if mark != nil { return marked(.listItem) }
        switch role {
        case .quote: return .init(kind: .quote, content: open.text)
        case .caption: return .init(kind: .note, content: open.text)
        default: return .init(kind: .paragraph, content: open.text)
        }
    }
}
