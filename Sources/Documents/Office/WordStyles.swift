import Knowledge

/// The paragraph styles of a Word document and what they mean.
final class WordStyles: XMLHandler {
    enum Role: Hashable {
        case body, title, quote, caption
        /// A table of contents, which only repeats the headings.
        case contents
    }

    struct Style {
        var name = ""
        var basedOn: String?
        var outlineLevel: Int?
        var list = WordNumbering.Place()
        /// With everything that it is based on.
        var isResolved = false
    }

    private var styles: [String: Style] = [:]
    private(set) var defaultStyle: String?
    private var open: (id: String, style: Style)?

    func start(_ name: String, _ attributes: XMLAttributes) -> XMLReader.Content {
        let value = attributes["w:val"]
        switch name {
        case "w:style":
            guard attributes["w:type"] == "paragraph", let id = attributes["w:styleId"] else { return .skip }
            if attributes.isTrue("w:default") { defaultStyle = id }
            open = (id, Style())
        case "w:name": open?.style.name = (value ?? "").lowercased()
        case "w:basedOn": open?.style.basedOn = value
        case "w:outlineLvl": open?.style.outlineLevel = attributes.number("w:val", in: 0...9)
        case "w:ilvl": open?.style.list.level = attributes.number("w:val", in: 0...8)
        case "w:numId": open?.style.list.id = value
        case "w:rPr", "w:tblPr", "w:docDefaults", "w:latentStyles", "w:pPrChange": return .skip
        default: break
        }
        return .read
    }

    func end(_ name: String) {
        guard name == "w:style", let style = open else { return }
        styles[style.id] = style.style
        open = nil
    }

    func text(_ text: UnsafeBufferPointer<UInt8>) {}

    // MARK: - What a style means

    /// A style with what it inherits; circles end where they close.
    func style(_ id: String?) -> Style {
        guard let id = id ?? defaultStyle, var style = styles[id] else { return Style() }
        guard !style.isResolved else { return style }
        var seen: Set = [id]
        var parent = style.basedOn
        while let next = parent, let inherited = styles[next], seen.insert(next).inserted, seen.count < 64 {
            style.outlineLevel = style.outlineLevel ?? inherited.outlineLevel ?? Self.headingLevel(inherited.name)
            style.list.id = style.list.id ?? inherited.list.id
            style.list.level = style.list.level ?? inherited.list.level
            parent = inherited.basedOn
        }
        style.outlineLevel = Self.headingLevel(style.name) ?? style.outlineLevel
        style.isResolved = true
        styles[id] = style
        return style
    }

    /// The level from 0 that a style has by its name, in the languages in which Word once wrote it.
    private static func headingLevel(_ name: String) -> Int? {
        guard let digit = name.utf8.last, digit >= 0x31, digit <= 0x39 else { return nil }
        return headingWords.contains(name.dropLast().filter { !$0.isWhitespace }) ? Int(digit) - 0x31 : nil
    }

    private static let headingWords: Set<String> = [
        "heading", "überschrift", "titre", "título", "titolo", "kop", "rubrik", "overskrift", "otsikko", "nagłówek",
        "nadpis", "címsor", "titlu", "başlık", "заголовок", "見出し", "标题", "標題", "제목",
    ]

    func role(of style: Style) -> Role {
        switch style.name {
        case "title", "titel": .title
        case "quote", "intense quote", "zitat", "intensives zitat", "block text": .quote
        case "caption", "beschriftung": .caption
        case "toc heading", "table of figures": .contents
        case let name where name.hasPrefix("toc ") && name.utf8.last?.isDigit == true: .contents
        default: .body
        }
    }
}
