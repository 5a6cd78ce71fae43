import Knowledge

/// The styles of an OpenDocument file: which lists are numbered, which paragraphs are titles, which sheets are hidden.
final class OpenDocumentStyles: XMLHandler {
    enum Role: Hashable {
        case body, title, quote
    }

    struct ListLevel {
        /// As `style:num-format` says: `1`, `a`, `A`, `i`, `I`; empty for bullets.
        var format = ""
        var prefix = ""
        var suffix = ""
        var start = 1
    }

    private var parents: [String: String] = [:]
    private var lists: [String: [Int: ListLevel]] = [:]
    /// Styles of sheets and slides that are not shown.
    private(set) var hidden: Set<String> = []
    /// Styles of paragraphs that are in lists for their indentation only.
    private(set) var unmarked: Set<String> = []
    private var list: String?
    private var style: String?

    func start(_ name: String, _ attributes: XMLAttributes) -> XMLReader.Content {
        switch name {
        case "style:style":
            style = attributes["style:name"]
            if let style, let parent = attributes["style:parent-style-name"] { parents[style] = parent }
        case "style:table-properties":
            if let style, attributes["table:display"] == "false" { hidden.insert(style) }
        case "style:drawing-page-properties":
            if let style, attributes["presentation:visibility"] == "hidden" { hidden.insert(style) }
        case "style:paragraph-properties":
            if let style, attributes["text:enable-numbering"] == "false" { unmarked.insert(style) }
        case "text:list-style":
            list = attributes["style:name"]
        case "text:list-level-style-number": add(attributes, isNumbered: true)
        case "text:list-level-style-bullet", "text:list-level-style-image": add(attributes, isNumbered: false)
        case "style:header", "style:footer", "office:font-face-decls", "office:body": return .skip
        default: break
        }
        return .read
    }

    func end(_ name: String) {
        if name == "text:list-style" { list = nil }
        if name == "style:style" { style = nil }
    }

    func text(_ text: UnsafeBufferPointer<UInt8>) {}

    private func add(_ attributes: XMLAttributes, isNumbered: Bool) {
        guard let list, let level = attributes.number("text:level", in: 1...10) else { return }
        var result = ListLevel()
        if isNumbered {
            result.format = attributes["style:num-format"] ?? ""
            result.prefix = String((attributes["style:num-prefix"] ?? "").prefix(20))
            result.suffix = String((attributes["style:num-suffix"] ?? "").prefix(20))
            result.start = attributes.number("text:start-value") ?? 1
        }
        lists[list, default: [:]][level] = result
    }

    /// - Parameter level: From 1.
    func level(_ level: Int, ofList list: String?) -> ListLevel {
        list.flatMap { lists[$0]?[level] } ?? ListLevel()
    }

    /// What a paragraph style stands for, by its own name or the first known one that it is based on.
    func role(of style: String?) -> Role {
        var name = style
        for _ in 0..<16 {
            switch name {
            case "Title": return .title
            case "Quotations": return .quote
            case nil: return .body
            default: name = name.flatMap { parents[$0] }
            }
        }
        return .body
    }
}
