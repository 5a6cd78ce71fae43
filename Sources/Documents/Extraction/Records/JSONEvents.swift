/// Reads JSON (RFC 8259) as a stream of events in the order of the text, which trees of dictionaries lose. One pass, a byte of
/// memory per level of nesting, no recursion.
struct JSONEvents {
    enum Event: Hashable {
        case beginObject, endObject, beginArray, endArray
        case key([UInt8])
        /// A string's text, or a number, `true`, `false` or `null` as written; UTF-8.
        case value([UInt8])
    }

    /// Where the text stops being JSON.
    struct Failure: Error, Hashable {
        var offset: Int
    }

    private let text: [UInt8]
    private let end: Int
    private(set) var index: Int
    /// Whether each open level is an object.
    private var levels: [Bool] = []
    private var expects = Expectation.value

    private enum Expectation { case value, firstElement, firstKey, key, colon, commaOrEnd, nothing }

    /// Deeper texts are not read.
    static let maxDepth = 512

    init(_ text: [UInt8], in range: Range<Int>) {
        self.text = text
        index = range.lowerBound
        end = range.upperBound
    }

    /// The next event; nil behind the value.
    mutating func next() throws(Failure) -> Event? {
        while true {
            while index < end, text[index].isSpace || text[index] == 0x0D { index += 1 }
            guard index < end else {
                guard expects == .nothing else { throw Failure(offset: index) }
                return nil
            }
            if let event = try event(at: text[index]) { return event }
        }
    }

    private mutating func event(at byte: UInt8) throws(Failure) -> Event? {
        switch (expects, byte) {
        case (.colon, UInt8(ascii: ":")):
            index += 1
            expects = .value
            return nil
        case (.commaOrEnd, UInt8(ascii: ",")):
            index += 1
            expects = levels.last == true ? .key : .value
            return nil
        case (.firstKey, UInt8(ascii: "\"")), (.key, UInt8(ascii: "\"")):
            let key = try string()
            expects = .colon
            return .key(key)
        case (.firstKey, UInt8(ascii: "}")), (.commaOrEnd, UInt8(ascii: "}")): return try close(isObject: true)
        case (.firstElement, UInt8(ascii: "]")), (.commaOrEnd, UInt8(ascii: "]")): return try close(isObject: false)
        case (.value, _), (.firstElement, _): return try value(byte)
        default: throw Failure(offset: index)
        }
    }

    private mutating func value(_ byte: UInt8) throws(Failure) -> Event {
        switch byte {
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            let isObject = byte == UInt8(ascii: "{")
            guard levels.count < Self.maxDepth else { throw Failure(offset: index) }
            levels.append(isObject)
            index += 1
            expects = isObject ? .firstKey : .firstElement
            return isObject ? .beginObject : .beginArray
        case UInt8(ascii: "\""):
            let text = try string()
            endValue()
            return .value(text)
        default:
            let word = text[index..<end].prefix { $0.isAlphanumeric || "+-.".utf8.contains($0) }
            guard Self.isScalar(word) else { throw Failure(offset: index) }
            index = word.endIndex
            endValue()
            return .value(Array(word))
        }
    }

    private static func isScalar(_ word: ArraySlice<UInt8>) -> Bool {
        guard let first = word.first else { return false }
        if first == UInt8(ascii: "-") || first.isDigit { return word.count <= 1000 }
        return ["true", "false", "null", "NaN", "Infinity"].contains(word.prefix(9).string)
    }

    private mutating func close(isObject: Bool) throws(Failure) -> Event {
        guard levels.last == isObject else { throw Failure(offset: index) }
        levels.removeLast()
        index += 1
        endValue()
        return isObject ? .endObject : .endArray
    }

    private mutating func endValue() { expects = levels.isEmpty ? .nothing : .commaOrEnd }

    // MARK: - Strings

    /// The text of the string whose quote is at `index`.
    private mutating func string() throws(Failure) -> [UInt8] {
        index += 1
        let start = index
        var content: [UInt8]?
        while index < end {
            let byte = text[index]
            if byte == UInt8(ascii: "\"") {
                index += 1
                return content ?? Array(text[start..<index - 1])
            }
            if byte == UInt8(ascii: "\\") {
                var open = content ?? Array(text[start..<index])
                content = nil
                try escape(into: &open)
                content = open
            } else {
                content?.append(byte)
                index += 1
            }
        }
        throw Failure(offset: start)
    }

    private mutating func escape(into content: inout [UInt8]) throws(Failure) {
        guard index + 1 < end else { throw Failure(offset: index) }
        let byte = text[index + 1]
        index += 2
        switch byte {
        case UInt8(ascii: "n"), UInt8(ascii: "r"): content.append(.newline)
        case UInt8(ascii: "t"): content.append(.tab)
        case UInt8(ascii: "b"), UInt8(ascii: "f"): content.append(.space)
        case UInt8(ascii: "u"): content.append(contentsOf: try scalar().utf8)
        default: content.append(byte)
        }
    }

    /// The character of `\uXXXX` or of a pair of surrogates, behind its `\u`; half a pair is U+FFFD.
    private mutating func scalar() throws(Failure) -> String {
        var code = try hexadecimal()
        if (0xD800..<0xDC00).contains(code), index + 1 < end, text[index] == UInt8(ascii: "\\"), text[index + 1] == UInt8(ascii: "u") {
            index += 2
            let low = try hexadecimal()
            guard (0xDC00..<0xE000).contains(low) else { return "\u{FFFD}" }
            code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
        }
        return String(Character(Unicode.Scalar(code) ?? "\u{FFFD}"))
    }

    private mutating func hexadecimal() throws(Failure) -> UInt32 {
        guard index + 4 <= end else { throw Failure(offset: index) }
        var code: UInt32 = 0
        for byte in text[index..<index + 4] {
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else { throw Failure(offset: index) }
            code = code << 4 | UInt32(digit)
        }
        index += 4
        return code
    }
}
