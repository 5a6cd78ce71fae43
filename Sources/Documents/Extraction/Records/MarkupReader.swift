import Knowledge

/// Reads any XML: short elements as `name: value` lines, longer ones as paragraphs, each with the names of the elements around it.
///
/// Nothing is ever loaded or expanded: document type declarations are skipped, and of entities only the five of XML and
/// numbers are known.
struct MarkupReader: TextFormatReader {
    func declaredCharacterSet(of data: [UInt8]) -> String? { HTMLCharset.declared(in: Array(data.prefix(200))) }

    func read(_ text: [UInt8]) throws(DocumentFailure) -> ExtractedText {
        var page = MarkupPage()
        var tokens = MarkupTokens(text)
        while let token = tokens.next(), !page.builder.isOverLimit { page.take(token) }
        page.finish()
        return try page.builder.finish(title: page.title)
    }
}

/// Cuts XML into tags and texts. Never fails, linear time.
struct MarkupTokens: IteratorProtocol {
    enum Token {
        /// Name without prefix, and attributes with values that people could read.
        case start(String, attributes: [(name: String, value: [UInt8])], isEmpty: Bool)
        case end
        /// Entities decoded.
        case text([UInt8])
    }

    private let input: ArraySlice<UInt8>
    private var index = 0
    private var mayEndComment = true
    private static let maxNameBytes = 64
    private static let maxValueBytes = 1000

    init(_ input: [UInt8]) { self.input = input[...] }

    mutating func next() -> Token? {
        while index < input.endIndex {
            if input[index] != UInt8(ascii: "<") { return text() }
            let rest = input[index...]
            if rest.starts(with: "<!--".utf8) {
                skip(to: "-->", from: index + 4)
            } else if rest.starts(with: "<![CDATA[".utf8) {
                return characterData()
            } else if rest.starts(with: "<?".utf8) {
                skip(to: "?>", from: index + 2)
            } else if rest.starts(with: "<!".utf8) {
                skipDeclaration()
            } else {
                return tag()
            }
        }
        return nil
    }

    private mutating func text() -> Token {
        let end = input[index...].firstIndex(of: UInt8(ascii: "<")) ?? input.endIndex
        defer { index = end }
        return .text(Self.decoded(input[index..<end]))
    }

    private static func decoded(_ text: ArraySlice<UInt8>) -> [UInt8] {
        guard text.contains(UInt8(ascii: "&")) else { return Array(text) }
        var output: [UInt8] = []
        var index = text.startIndex
        while index < text.endIndex {
            if text[index] == UInt8(ascii: "&"), let entity = HTMLEntities.decode(text, at: index) {
                output += entity.text
                index = entity.end
            } else {
                output.append(text[index])
                index += 1
            }
        }
        return output
    }

    private mutating func characterData() -> Token {
        let start = index + 9
        let end = input.firstRange(of: "]]>", from: start)
        index = end?.upperBound ?? input.endIndex
        return .text(Array(input[start..<(end?.lowerBound ?? input.endIndex)]))
    }

    private mutating func skip(to end: StaticString, from start: Int) {
        index = input.firstRange(of: end, from: min(start, input.endIndex))?.upperBound ?? input.endIndex
    }

    /// A document type with all that it declares between brackets.
    private mutating func skipDeclaration() {
        var isInSubset = false
        while index < input.endIndex {
            let byte = input[index]
            index += 1
            if byte == UInt8(ascii: "[") { isInSubset = true }
            if byte == UInt8(ascii: "]") { isInSubset = false }
            if byte == UInt8(ascii: ">"), !isInSubset { return }
        }
    }

    private mutating func tag() -> Token {
        index += 1
        let isEnd = index < input.endIndex && input[index] == UInt8(ascii: "/")
        let name = word(from: isEnd ? index + 1 : index)
        guard !isEnd else {
            index = input[index...].firstIndex(of: UInt8(ascii: ">")).map { $0 + 1 } ?? input.endIndex
            return .end
        }
        var attributes: [(name: String, value: [UInt8])] = []
        while let (key, value) = attribute() {
            if attributes.count < 64, !value.isEmpty { attributes.append((key, value)) }
        }
        let isEmpty = index > 1 && index <= input.endIndex && input[index - 1] == UInt8(ascii: ">") && input[index - 2] == UInt8(ascii: "/")
        return .start(name, attributes: attributes, isEmpty: isEmpty)
    }

    private mutating func word(from start: Int) -> String {
        let name = input[min(start, input.endIndex)...].prefix { !$0.isSpace && !"=/>".utf8.contains($0) }
        index = max(name.endIndex, index)
        let local = name.lastIndex(of: UInt8(ascii: ":")).map { name[($0 + 1)...] } ?? name
        return local.prefix(Self.maxNameBytes).string
    }

    /// The next attribute; nil behind the tag. Those about XML itself have an empty value.
    private mutating func attribute() -> (String, [UInt8])? {
        while index < input.endIndex, input[index].isSpace || input[index] == UInt8(ascii: "/") { index += 1 }
        guard index < input.endIndex, input[index] != UInt8(ascii: ">") else {
            index = min(index + 1, input.endIndex)
            return nil
        }
        let isTechnical = ["xmlns", "xml:", "xsi:"].contains { input[index...].starts(with: $0.utf8) }
        let start = index
        let name = word(from: index)
        index = max(index, start + 1)
        let sign = input[index...].firstIndex { !$0.isSpace } ?? input.endIndex
        guard sign < input.endIndex, input[sign] == UInt8(ascii: "=") else { return (name, []) }
        index = input[(sign + 1)...].firstIndex { !$0.isSpace } ?? input.endIndex
        guard index < input.endIndex, "\"'".utf8.contains(input[index]) else { return (name, []) }
        let end = input[(index + 1)...].firstIndex(of: input[index]) ?? input.endIndex
        let value = input[(index + 1)..<end]
        index = min(end + 1, input.endIndex)
        return (name, isTechnical ? [] : Self.decoded(value.prefix(Self.maxValueBytes)))
    }
}
