/// Cuts markup into tags and texts, as forgiving as browsers are. Never fails, linear time.
struct HTMLTokens: IteratorProtocol {
    enum Token {
        case start(HTMLElement, Attributes)
        case end(HTMLElement)
        /// Undecoded text between two tags.
        case text(ArraySlice<UInt8>)
        /// The tag of an element that has no part in the shape of the text; `isHidden` if it opens something invisible.
        case other(String, isEnd: Bool, isHidden: Bool)
    }

    /// What matters of a tag's attributes.
    struct Attributes {
        var isHidden = false
        var isMain = false
        var isNavigation = false
        var startNumber: Int?
        /// How many columns and rows a cell of a table takes.
        var columns = 1
        var rows = 1
    }

    private let input: ArraySlice<UInt8>
    private var index: Int
    /// An element whose content is not markup; what follows is text up to its end tag.
    private var raw: HTMLElement?
    /// False once a search for the end of a comment failed.
    private var mayEndComment = true
    /// Elements for which a search for the end tag failed.
    private var unclosed: Set<HTMLElement> = []

    init(_ input: [UInt8]) {
        self.input = input[...]
        index = 0
    }

    mutating func next() -> Token? {
        while index < input.endIndex {
            if let element = raw {
                skipRaw(element)
            } else if input[index] != UInt8(ascii: "<") {
                return text()
            } else if let token = markup() {
                return token
            }
        }
        return nil
    }

    private mutating func text() -> Token {
        let start = index
        index = input[index...].firstIndex(of: UInt8(ascii: "<")) ?? input.endIndex
        return .text(input[start..<index])
    }

    /// Reads what begins with `<`; nil for what has no meaning, such as comments.
    private mutating func markup() -> Token? {
        let next = index + 1 < input.endIndex ? input[index + 1] : .space
        if next.isLetter { return tag(isEnd: false) }
        if next == UInt8(ascii: "/") {
            if index + 2 < input.endIndex, input[index + 2].isLetter { return tag(isEnd: true) }
            skipDeclaration()
            return nil
        }
        if next == UInt8(ascii: "!") || next == UInt8(ascii: "?") {
            skipDeclaration()
            return nil
        }
        let start = index
        index = input[(index + 1)...].firstIndex(of: UInt8(ascii: "<")) ?? input.endIndex
        return .text(input[start..<index])
    }

    private mutating func skipDeclaration() {
        if input[index...].starts(with: "<!--".utf8) {
            if mayEndComment, let end = input.firstRange(of: "-->", from: index + 4) {
                index = end.upperBound
                return
            }
            mayEndComment = false
        }
        if input[index...].starts(with: "<![CDATA[".utf8) {
            index += 9
            return
        }
        let end = input[index...].firstIndex(of: UInt8(ascii: ">"))
        index = end.map { $0 + 1 } ?? input.endIndex
    }

    private mutating func skipRaw(_ element: HTMLElement) {
        raw = nil
        guard !unclosed.contains(element) else { return }
        var at = index
        while let start = input[at...].firstIndex(of: UInt8(ascii: "<")) {
            let rest = input[start...].dropFirst()
            let name = rest.dropFirst().prefix(element.rawValue.utf8.count)
            if rest.first == UInt8(ascii: "/"), name.map(\.lowercased).elementsEqual(element.rawValue.utf8) {
                index = start
                return
            }
            at = start + 1
        }
        // A script that never ends swallows the rest of the page in a browser; here it only loses its protection.
        unclosed.insert(element)
    }

    // MARK: - Tags

    private mutating func tag(isEnd: Bool) -> Token? {
        let start = index
        index += isEnd ? 2 : 1
        let name = input[index...].prefix { $0.isAlphanumeric || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ":") }
        index = name.endIndex
        var attributes = Attributes()
        var isClosed = false
        while let (key, value) = attribute(isClosed: &isClosed) { note(key, value, in: &attributes) }
        guard isClosed else {
            // A tag that is cut off by the end of the file.
            index = max(index, start + 1)
            return nil
        }
        guard name.count <= 10, let element = HTMLElement(rawValue: name.string.lowercased()) else {
            return .other(name.prefix(32).string.lowercased(), isEnd: isEnd, isHidden: attributes.isHidden)
        }
        if isEnd { return .end(element) }
        if element.isRaw { raw = element }
        return .start(element, attributes)
    }

    /// The next attribute, name in lower case; nil at the end of the tag.
    private mutating func attribute(isClosed: inout Bool) -> (String, ArraySlice<UInt8>)? {
        while index < input.endIndex, input[index].isSpace || input[index] == UInt8(ascii: "/") { index += 1 }
        guard index < input.endIndex else { return nil }
        if input[index] == UInt8(ascii: ">") {
            index += 1
            isClosed = true
            return nil
        }
        let key = input[index...].prefix { !$0.isSpace && !"=>/".utf8.contains($0) }
        index = max(key.endIndex, index + 1)
        let sign = input[index...].firstIndex { !$0.isSpace } ?? input.endIndex
        guard sign < input.endIndex, input[sign] == UInt8(ascii: "="), !key.isEmpty else {
            return (key.prefix(32).string.lowercased(), [])
        }
        index = input[(sign + 1)...].firstIndex { !$0.isSpace } ?? input.endIndex
        return (key.prefix(32).string.lowercased(), value())
    }

    private mutating func value() -> ArraySlice<UInt8> {
        guard index < input.endIndex else { return [] }
        let quote = input[index]
        if quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") {
            let start = index + 1
            let end = input[start...].firstIndex(of: quote) ?? input.endIndex
            index = min(end + 1, input.endIndex)
            return input[start..<end]
        }
        let value = input[index...].prefix { !$0.isSpace && $0 != UInt8(ascii: ">") }
        index = value.endIndex
        return value
    }

    private func note(_ key: String, _ value: ArraySlice<UInt8>, in attributes: inout Attributes) {
        let value = value.prefix(200)
        switch key {
        case "hidden": attributes.isHidden = !value.elementsEqual("until-found".utf8)
        case "aria-hidden": attributes.isHidden = attributes.isHidden || value.elementsEqual("true".utf8)
        case "style":
            let style = value.filter { !$0.isSpace }.map(\.lowercased)
            let isInvisible = ["display:none", "visibility:hidden"].contains { style[...].string.contains($0) }
            attributes.isHidden = attributes.isHidden || isInvisible
        case "role":
            attributes.isMain = value.elementsEqual("main".utf8)
            attributes.isNavigation = ["navigation", "search", "complementary"].contains(value.string)
        case "start": attributes.startNumber = Int(value.string)
        case "colspan": attributes.columns = HTMLTable.span(value)
        case "rowspan": attributes.rows = HTMLTable.span(value)
        default: break
        }
    }
}
