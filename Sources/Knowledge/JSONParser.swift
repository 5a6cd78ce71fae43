package import FoundationEssentials

/// Where a text stops being JSON (RFC 8259), or what in it goes beyond the limits.
package struct JSONSyntaxError: Error, Hashable, Sendable {
    /// In bytes.
    package var offset: Int
    package var reason: String
}

extension JSONValue {
    /// Deepest nesting that is read; what people and programs send stays far below.
    package static let maxDepth = 64

    /// Reads a whole JSON text in one pass.
    ///
    /// `Codable` would try one type after the other for every value, each failure an error whose cost grows with depth:
    /// minutes for a few hundred kilobytes made to measure.
    package init(json data: Data) throws(JSONSyntaxError) {
        let result = data.withUnsafeBytes { bytes in
            Result { () throws(JSONSyntaxError) in
                var parser = JSONParser(bytes: bytes.bindMemory(to: UInt8.self))
                return try parser.parse()
            }
        }
        self = try result.get()
    }
}

/// One pass over the bytes. Recursion is bounded by `JSONValue.maxDepth`.
private struct JSONParser {
    let bytes: UnsafeBufferPointer<UInt8>
    var position = 0
    var depth = 0

    init(bytes: UnsafeBufferPointer<UInt8>) {
        self.bytes = bytes
        // A byte order mark, which RFC 8259 allows to ignore.
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
    }

    mutating func parse() throws(JSONSyntaxError) -> JSONValue {
        let value = try value()
        skipSpace()
        guard position == bytes.count else { throw error("something follows the value") }
        return value
    }

    private func error(_ reason: String) -> JSONSyntaxError { JSONSyntaxError(offset: position, reason: reason) }

    private mutating func skipSpace() {
        while position < bytes.count, [0x20, 0x0A, 0x0D, 0x09].contains(bytes[position]) { position += 1 }
    }

    /// The next byte that is no space, without taking it.
    private mutating func peek() throws(JSONSyntaxError) -> UInt8 {
        skipSpace()
        guard position < bytes.count else { throw error("the text ends too early") }
        return bytes[position]
    }

    private mutating func take(_ byte: Character) throws(JSONSyntaxError) {
        guard try peek() == byte.asciiValue else { throw error("expected '\(byte)'") }
        position += 1
    }

    private mutating func value() throws(JSONSyntaxError) -> JSONValue {
        switch try peek() {
        case UInt8(ascii: "{"): return try nested { parser throws(JSONSyntaxError) in try parser.object() }
        case UInt8(ascii: "["): return try nested { parser throws(JSONSyntaxError) in try parser.array() }
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return try number()
        }
    }

    private mutating func nested(
        _ read: (inout JSONParser) throws(JSONSyntaxError) -> JSONValue
    ) throws(JSONSyntaxError) -> JSONValue {
        depth += 1
        guard depth <= JSONValue.maxDepth else { throw error("nested deeper than \(JSONValue.maxDepth)") }
        position += 1
        let value = try read(&self)
        depth -= 1
        return value
    }

    /// The rest of an object; of several fields of one name the last counts.
    private mutating func object() throws(JSONSyntaxError) -> JSONValue {
        var fields: [String: JSONValue] = [:]
        if try peek() == UInt8(ascii: "}") {
            position += 1
            return .object(fields)
        }
        while true {
            guard try peek() == UInt8(ascii: "\"") else { throw error("expected a field's name") }
            let name = try string()
            try take(":")
            fields[name] = try value()
            if try peek() == UInt8(ascii: "}") { break }
            try take(",")
        }
        position += 1
        return .object(fields)
    }

    /// The rest of an array.
    private mutating func array() throws(JSONSyntaxError) -> JSONValue {
        var elements: [JSONValue] = []
        if try peek() == UInt8(ascii: "]") {
            position += 1
            return .array(elements)
        }
        while true {
            elements.append(try value())
            if try peek() == UInt8(ascii: "]") { break }
            try take(",")
        }
        position += 1
        return .array(elements)
    }

    private mutating func word(_ word: StaticString, _ value: JSONValue) throws(JSONSyntaxError) -> JSONValue {
        let end = position + word.utf8CodeUnitCount
        guard end <= bytes.count, word.withUTF8Buffer({ $0.elementsEqual(bytes[position..<end]) }) else {
            throw error("no JSON value")
        }
        position = end
        return value
    }

    // MARK: - Strings

    private mutating func string() throws(JSONSyntaxError) -> String {
        position += 1
        let start = position
        while position < bytes.count, bytes[position] != UInt8(ascii: "\""), bytes[position] != UInt8(ascii: "\\") {
            guard bytes[position] >= 0x20 else { throw error("a control character in a string") }
            position += 1
        }
        guard position < bytes.count else { throw error("a string without an end") }
        if bytes[position] == UInt8(ascii: "\"") {
            defer { position += 1 }
            return try text(bytes[start..<position])
        }
        return try escapedString(Array(bytes[start..<position]))
    }

    /// A string from its first escape on; `content` is what came before.
    private mutating func escapedString(_ content: [UInt8]) throws(JSONSyntaxError) -> String {
        var content = content
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            switch byte {
            case UInt8(ascii: "\""): return try text(content)
            case UInt8(ascii: "\\"): try escape(into: &content)
            case 0..<0x20: throw error("a control character in a string")
            default: content.append(byte)
            }
        }
        throw error("a string without an end")
    }

    private func text(_ content: some Sequence<UInt8>) throws(JSONSyntaxError) -> String {
        guard let text = String(validating: content, as: UTF8.self) else { throw error("a string that is not UTF-8") }
        return text
    }

    private mutating func escape(into content: inout [UInt8]) throws(JSONSyntaxError) {
        guard position < bytes.count else { throw error("a string without an end") }
        let byte = bytes[position]
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): content.append(byte)
        case UInt8(ascii: "b"): content.append(0x08)
        case UInt8(ascii: "f"): content.append(0x0C)
        case UInt8(ascii: "n"): content.append(0x0A)
        case UInt8(ascii: "r"): content.append(0x0D)
        case UInt8(ascii: "t"): content.append(0x09)
        case UInt8(ascii: "u"): content.append(contentsOf: String(Character(try scalar())).utf8)
        default: throw error("an unknown escape")
        }
    }

    /// The code point of `\uXXXX` or of a pair of surrogates.
    private mutating func scalar() throws(JSONSyntaxError) -> Unicode.Scalar {
        var code = UInt32(try hexadecimal())
        if (0xD800..<0xDC00).contains(code), position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
            bytes[position + 1] == UInt8(ascii: "u")
        {
            position += 2
            let low = UInt32(try hexadecimal())
            guard (0xDC00..<0xE000).contains(low) else { throw error("half of a surrogate pair") }
            code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
        }
        guard let scalar = Unicode.Scalar(code) else { throw error("half of a surrogate pair") }
        return scalar
    }

    private mutating func hexadecimal() throws(JSONSyntaxError) -> UInt16 {
        guard position + 4 <= bytes.count,
            let code = UInt16(String(decoding: bytes[position..<position + 4], as: UTF8.self), radix: 16),
            bytes[position] != UInt8(ascii: "+")
        else { throw error("an escape without four hexadecimal digits") }
        position += 4
        return code
    }

    // MARK: - Numbers

    private mutating func number() throws(JSONSyntaxError) -> JSONValue {
        let start = position
        if bytes[position] == UInt8(ascii: "-") { position += 1 }
        let whole = position
        guard digits() > 0 else { throw error("no JSON value") }
        guard bytes[whole] != UInt8(ascii: "0") || position == whole + 1 else { throw error("a number that begins with 0") }
        var isInteger = true
        if position < bytes.count, bytes[position] == UInt8(ascii: ".") {
            isInteger = false
            position += 1
            guard digits() > 0 else { throw error("a number without digits behind its point") }
        }
        if position < bytes.count, bytes[position] | 0x20 == UInt8(ascii: "e") {
            isInteger = false
            position += 1
            if position < bytes.count, [UInt8(ascii: "+"), UInt8(ascii: "-")].contains(bytes[position]) { position += 1 }
            guard digits() > 0 else { throw error("a number without an exponent") }
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if isInteger, let integer = Int(text) { return .integer(integer) }
        guard let number = Double(text), number.isFinite else { throw error("a number that is too large") }
        return .number(number)
    }

    /// Takes digits and tells how many there were.
    private mutating func digits() -> Int {
        let start = position
        while position < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[position]) { position += 1 }
        return position - start
    }
}
