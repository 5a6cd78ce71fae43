package import FoundationEssentials

/// A number that JSON has no way to write.
package struct JSONNumberError: Error, Hashable, Sendable {}

extension JSONValue {
    /// The value as JSON without spaces, names in order, so that what is alike is written alike.
    ///
    /// `Codable` would take ten times as long, of every answer and of every prompt.
    ///
    /// - Throws: Where a number in it is infinite or none.
    package func json() throws(JSONNumberError) -> Data {
        var writer = JSONWriter()
        try writer.write(self)
        return Data(writer.bytes)
    }
}

private struct JSONWriter {
    private(set) var bytes: [UInt8] = []

    mutating func write(_ value: JSONValue) throws(JSONNumberError) {
        switch value {
        case .null: write(raw: "null")
        case .bool(let value): write(raw: value ? "true" : "false")
        case .integer(let value): bytes += String(value).utf8
        case .number(let value): try write(value)
        case .string(let value): write(value)
        case .array(let values):
            bytes.append(UInt8(ascii: "["))
            for (index, value) in values.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                try write(value)
            }
            bytes.append(UInt8(ascii: "]"))
        case .object(let fields):
            bytes.append(UInt8(ascii: "{"))
            var isFirst = true
            for (name, value) in fields.sorted(by: { $0.key < $1.key }) {
                if !isFirst { bytes.append(UInt8(ascii: ",")) }
                isFirst = false
                write(name)
                bytes.append(UInt8(ascii: ":"))
                try write(value)
            }
            bytes.append(UInt8(ascii: "}"))
        }
    }

    private mutating func write(raw text: StaticString) {
        text.withUTF8Buffer { bytes += $0 }
    }

    /// The shortest digits that give the same number again; a whole one without a point.
    private mutating func write(_ number: Double) throws(JSONNumberError) {
        guard number.isFinite else { throw JSONNumberError() }
        let digits = number.description
        bytes += digits.hasSuffix(".0") ? digits.utf8.dropLast(2) : digits.utf8[...]
    }

    private mutating func write(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        var text = text
        text.withUTF8 { characters in
            var written = 0
            for (index, byte) in characters.enumerated()
            where byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
                bytes += characters[written..<index]
                escape(byte)
                written = index + 1
            }
            bytes += characters[written...]
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func escape(_ byte: UInt8) {
        bytes.append(UInt8(ascii: "\\"))
        switch byte {
        case 0x08: bytes.append(UInt8(ascii: "b"))
        case 0x09: bytes.append(UInt8(ascii: "t"))
        case 0x0A: bytes.append(UInt8(ascii: "n"))
        case 0x0C: bytes.append(UInt8(ascii: "f"))
        case 0x0D: bytes.append(UInt8(ascii: "r"))
        case 0..<0x20:
            write(raw: "u00")
            bytes.append(UInt8(ascii: "0") + byte >> 4)
            bytes.append(byte & 15 < 10 ? UInt8(ascii: "0") + byte & 15 : UInt8(ascii: "a") + byte & 15 - 10)
        default: bytes.append(byte)
        }
    }
}
