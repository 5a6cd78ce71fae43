/// A JSON value whose strings are bytes.
///
/// A tokenizer's vocabulary may hold two tokens that are canonically equivalent, such as a letter composed and
/// decomposed. For Swift's strings, and so for Foundation's decoder, they are one key; here they stay two.
indirect enum JSONTree {
    case null
    case bool(Bool)
    case number(Double)
    case string([UInt8])
    case array([JSONTree])
    case object([(name: [UInt8], value: JSONTree)])

    /// The last member of that name; nil if there is none, or this is no object.
    subscript(name: StaticString) -> JSONTree? {
        guard case .object(let members) = self else { return nil }
        return name.withUTF8Buffer { name in members.last { $0.name.elementsEqual(name) }?.value }
    }

    var bytes: [UInt8]? { if case .string(let bytes) = self { bytes } else { nil } }
    var text: String? { bytes.map { String(decoding: $0, as: UTF8.self) } }
    var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
    var double: Double? { if case .number(let value) = self { value } else { nil } }
    var int: Int? { double.flatMap(Int.init(exactly:)) }
    var array: [JSONTree]? { if case .array(let values) = self { values } else { nil } }
    var members: [(name: [UInt8], value: JSONTree)]? { if case .object(let members) = self { members } else { nil } }
    var isNull: Bool { if case .null = self { true } else { false } }
}

extension JSONTree {
    struct Malformed: Error {
        var reason: String
    }

    /// - Throws: `Malformed` where the bytes are not JSON (RFC 8259) in UTF-8, or nested deeper than 32 levels.
    init(parsing bytes: [UInt8]) throws(Malformed) {
        guard bytes.withUnsafeBufferPointer({ String(validating: $0, as: UTF8.self) }) != nil else {
            throw Malformed(reason: "not UTF-8")
        }
        var parser = Parser(bytes: bytes)
        self = try parser.value(depth: 0)
        parser.skipSpace()
        if parser.position < bytes.count { throw parser.unexpected("end") }
    }

    private struct Parser {
        private static let deepest = 32
        let bytes: [UInt8]
        var position = 0

        func unexpected(_ expected: String) -> Malformed {
            Malformed(reason: "no JSON at byte \(position): expected \(expected)")
        }

        private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

        mutating func skipSpace() {
            while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
        }

        private mutating func take(_ byte: UInt8) -> Bool {
            guard next == byte else { return false }
            position += 1
            return true
        }

        mutating func value(depth: Int) throws(Malformed) -> JSONTree {
            if depth > Self.deepest { throw Malformed(reason: "nested deeper than \(Self.deepest) levels") }
            skipSpace()
            switch next {
            case UInt8(ascii: "{"): return try object(depth: depth)
            case UInt8(ascii: "["): return try array(depth: depth)
            case UInt8(ascii: "\""): return .string(try string())
            case UInt8(ascii: "t"): return try literal("true", .bool(true))
            case UInt8(ascii: "f"): return try literal("false", .bool(false))
            case UInt8(ascii: "n"): return try literal("null", .null)
            default: return .number(try number())
            }
        }

        private mutating func literal(_ word: StaticString, _ value: JSONTree) throws(Malformed) -> JSONTree {
            let matches = word.withUTF8Buffer { bytes[position...].starts(with: $0) }
            guard matches else { throw unexpected("\(word)") }
            position += word.utf8CodeUnitCount
            return value
        }

        private mutating func array(depth: Int) throws(Malformed) -> JSONTree {
            position += 1
            var values: [JSONTree] = []
            skipSpace()
            if take(UInt8(ascii: "]")) { return .array(values) }
            while true {
                values.append(try value(depth: depth + 1))
                skipSpace()
                if take(UInt8(ascii: "]")) { return .array(values) }
                guard take(UInt8(ascii: ",")) else { throw unexpected("',' or ']'") }
            }
        }

        private mutating func object(depth: Int) throws(Malformed) -> JSONTree {
            position += 1
            var members: [(name: [UInt8], value: JSONTree)] = []
            skipSpace()
            if take(UInt8(ascii: "}")) { return .object(members) }
            while true {
                skipSpace()
                guard next == UInt8(ascii: "\"") else { throw unexpected("a name") }
                let name = try string()
                skipSpace()
                guard take(UInt8(ascii: ":")) else { throw unexpected("':'") }
                members.append((name, try value(depth: depth + 1)))
                skipSpace()
                if take(UInt8(ascii: "}")) { return .object(members) }
                guard take(UInt8(ascii: ",")) else { throw unexpected("',' or '}'") }
            }
        }

        private mutating func number() throws(Malformed) -> Double {
            let start = position
            while let byte = next, (0x30...0x39).contains(byte) || "+-.eE".utf8.contains(byte) { position += 1 }
            let digits = bytes[start..<position]
            guard let first = digits.first, first == UInt8(ascii: "-") || (0x30...0x39).contains(first),
                let number = Double(String(decoding: digits, as: UTF8.self)), number.isFinite
            else {
                position = start
                throw unexpected("a value")
            }
            return number
        }

        private mutating func string() throws(Malformed) -> [UInt8] {
            position += 1
            var result: [UInt8] = []
            while let byte = next {
                position += 1
                switch byte {
                case UInt8(ascii: "\""): return result
                case UInt8(ascii: "\\"): try escape(into: &result)
                case 0..<0x20: throw unexpected("no control character")
                default: result.append(byte)
                }
            }
            throw unexpected("'\"'")
        }

        private mutating func escape(into result: inout [UInt8]) throws(Malformed) {
            guard let byte = next else { throw unexpected("an escape") }
            position += 1
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): result.append(byte)
            case UInt8(ascii: "b"): result.append(0x08)
            case UInt8(ascii: "f"): result.append(0x0C)
            case UInt8(ascii: "n"): result.append(0x0A)
            case UInt8(ascii: "r"): result.append(0x0D)
            case UInt8(ascii: "t"): result.append(0x09)
            case UInt8(ascii: "u"): result += Array(String(Character(try scalar())).utf8)
            default: throw unexpected("an escape")
            }
        }

        /// What follows `\u`, with the second half of a surrogate pair.
        private mutating func scalar() throws(Malformed) -> Unicode.Scalar {
            let unit = try codeUnit()
            if let scalar = Unicode.Scalar(unit) { return scalar }
            guard unit < 0xDC00, take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else {
                throw unexpected("a surrogate pair")
            }
            let low = try codeUnit()
            guard (0xDC00...0xDFFF).contains(low),
                let scalar = Unicode.Scalar(0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00))
            else { throw unexpected("a surrogate pair") }
            return scalar
        }

        private mutating func codeUnit() throws(Malformed) -> UInt32 {
            var unit: UInt32 = 0
            for _ in 0..<4 {
                guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                    throw unexpected("four hexadecimal digits")
                }
                unit = unit << 4 | UInt32(digit)
                position += 1
            }
            return unit
        }
    }
}
