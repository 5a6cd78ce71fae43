import Knowledge

/// Reads a slide, its notes, its comments or a diagram on it: paragraphs of DrawingML in shapes and tables.
final class SlideBody: XMLHandler {
    enum Role {
        case slide, notes, comments, diagram
    }

    private struct Paragraph {
        var text: [UInt8] = []
        var level = 0
        /// nil if the shape decides.
        var bullet: Bullet?
    }

    private enum Bullet { case none, character, number }

    var content = SlideDeck.Slide()
    private let role: Role
    /// The kind of placeholder that the open shape fills; nil for shapes of their own.
    private var placeholder: String?
    private var paragraph: Paragraph?
    private var isInText = false
    private var choices: [Bool] = []
    private var table: HTMLTable?
    /// Items counted so far on each level of the open shape.
    private var counters: [Int] = []

    init(_ role: Role) { self.role = role }

    func start(_ name: String, _ attributes: XMLAttributes) throws(DocumentFailure) -> XMLReader.Content {
        switch name {
        case "a:t", "m:t", "p:text": begin(text: name)
        case "a:p": paragraph = Paragraph()
        case "a:pPr": paragraph?.level = attributes.number("lvl", in: 0...8) ?? 0
        case "a:buNone": paragraph?.bullet = Bullet.none
        case "a:buChar", "a:buBlip": paragraph?.bullet = .character
        case "a:buAutoNum": paragraph?.bullet = .number
        case "a:br": paragraph?.text.append(.newline)
        case "a:rPr", "a:endParaRPr", "a:lstStyle", "mc:Fallback": return .skip
        case "a:fld" where attributes["type"] == "slidenum": return .skip
        case "mc:AlternateContent": choices.append(false)
        case "mc:Choice": return choose()
        case "a:tbl": table = HTMLTable()
        case "a:tr": table?.beginRow()
        case "a:tc": table?.beginCell()
        default: return shape(name, attributes)
        }
        return .read
    }

    private func shape(_ name: String, _ attributes: XMLAttributes) -> XMLReader.Content {
        switch name {
        case "p:sld": content.isHidden = ["0", "false"].contains(attributes["show"])
        case "p:sp", "p:graphicFrame", "p:pic":
            placeholder = nil
            counters = []
        case "p:ph": placeholder = attributes["type"] ?? "obj"
        case "p:cNvPr":
            if role == .slide, let description = attributes["descr"] {
                content.items.append(.init(kind: .note, content: Array(description.utf8)))
            }
        case "p:txBody": return isWanted ? .read : .skip
        default: break
        }
        return .read
    }

    /// Dates, footers and slide numbers stand on every slide; of a page of notes only the notes count.
    private var isWanted: Bool {
        switch role {
        case .slide: !["dt", "ftr", "sldNum", "hdr"].contains(placeholder)
        case .notes: placeholder == "body"
        case .comments, .diagram: true
        }
    }

    func end(_ name: String) throws(DocumentFailure) {
        switch name {
        case "a:t", "m:t": isInText = false
        case "a:p", "p:text":
            isInText = false
            endParagraph()
        case "a:tr": table?.endRow()
        case "a:tbl": endTable()
        case "mc:AlternateContent": _ = choices.popLast()
        default: break
        }
    }

    func text(_ text: UnsafeBufferPointer<UInt8>) {
        if isInText { paragraph?.text.append(contentsOf: text) }
    }

    private func begin(text name: String) {
        // Comments of older versions are bare text.
        if name == "p:text" { paragraph = Paragraph() }
        isInText = true
    }

    private func choose() -> XMLReader.Content {
        guard let last = choices.indices.last, !choices[last] else { return .skip }
        choices[last] = true
        return .read
    }

    private func endParagraph() {
        guard let paragraph else { return }
        self.paragraph = nil
        guard !paragraph.text[...].trimmingSpace.isEmpty else { return }
        if table?.isInCell ?? false {
            table?.append(paragraph.text)
        } else if role == .slide, placeholder == "title" || placeholder == "ctrTitle" {
            content.title += (content.title.isEmpty ? [] : [.space]) + paragraph.text
        } else {
            content.items.append(item(paragraph))
        }
    }

    /// Layouts give the main placeholder its bullets; other shapes have the bullets that they ask for.
    private func item(_ paragraph: Paragraph) -> BlockFlow.Paragraph {
        let isMain = role == .slide && (placeholder == "obj" || placeholder == "body")
        let bullet = paragraph.bullet ?? (isMain ? .character : Bullet.none)
        counters = Array(counters.prefix(paragraph.level + 1))
        while counters.count <= paragraph.level { counters.append(0) }
        guard bullet != .none else {
            counters[paragraph.level] = 0
            return .init(kind: .paragraph, content: paragraph.text)
        }
        counters[paragraph.level] += 1
        let mark = bullet == .number ? "\(counters[paragraph.level]). " : "- "
        let content = Array(mark.utf8) + paragraph.text[...].trimmingSpace
        return .init(kind: .listItem, content: content, depth: paragraph.level)
    }

    private func endTable() {
        guard let rows = table?.rows, !rows.isEmpty else { return table = nil }
        table = nil
        content.items.append(.init(kind: .table, content: Array(rows.joined(separator: [.newline]))))
    }
}
