/// Cuts Rich Text Format into control words, groups and text (RTF 1.9.1). One pass, never fails.
struct RTFTokens: IteratorProtocol {
    enum Token {
        case open, close
        /// `\word12`; the number is nil if there is none.
        case control(ArraySlice<UInt8>, Int?)
        /// `\*`: whoever does not know the next word skips the group.
        case optional
        /// One byte in the current code page.
        case byte(UInt8)
        /// A stretch of bytes without meaning of their own, in the current code page.
        case text(ArraySlice<UInt8>)
    }

    private let input: ArraySlice<UInt8>
    private var index: Int

    init(_ input: [UInt8]) {
        self.input = input[...]
        index = 0
    }

    mutating func next() -> Token? {
        while index < input.endIndex {
            let byte = input[index]
            switch byte {
            case UInt8(ascii: "{"):
                index += 1
                return .open
            case UInt8(ascii: "}"):
                index += 1
                return .close
            case UInt8(ascii: "\\"):
                if let token = control() { return token }
            case 0x0A, 0x0D, 0x00: index += 1
            case UInt8(ascii: "\t"):
                index += 1
                return .control(Array("tab".utf8)[...], nil)
            default:
                let start = index
                while index < input.endIndex, !Self.isSpecial(input[index]) { index += 1 }
                return .text(input[start..<index])
            }
        }
        return nil
    }

    private static func isSpecial(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "{") || byte == UInt8(ascii: "}") || byte == UInt8(ascii: "\\") || byte == 0x0A || byte == 0x0D
            || byte == 0x00 || byte == 0x09
    }

    /// Reads what begins with a backslash; nil for what means nothing.
    private mutating func control() -> Token? {
        index += 1
        guard index < input.endIndex else { return nil }
        let byte = input[index]
        if byte.isLetter { return word() }
        index += 1
        switch byte {
        case UInt8(ascii: "'"): return hexadecimal()
        case UInt8(ascii: "*"): return .optional
        case UInt8(ascii: "~"): return .control(Array("~".utf8)[...], nil)
        case UInt8(ascii: "_"): return .byte(UInt8(ascii: "-"))
        case UInt8(ascii: "-"), UInt8(ascii: "|"), UInt8(ascii: ":"): return nil
        case 0x0A, 0x0D: return .control(Array("par".utf8)[...], nil)
        default: return .byte(byte)
        }
    }

    private mutating func word() -> Token? {
        let name = input[index...].prefix(32).prefix(while: \.isLetter)
        index = name.endIndex
        let isNegative = index < input.endIndex && input[index] == UInt8(ascii: "-")
        let digits = input[(isNegative ? index + 1 : index)...].prefix(10).prefix(while: \.isDigit)
        var number: Int?
        if !digits.isEmpty {
            number = Int(digits.string).map { isNegative ? -$0 : $0 }
            index = digits.endIndex
        }
        if index < input.endIndex, input[index] == .space { index += 1 }
        if name.elementsEqual("bin".utf8) {
            index = min(input.endIndex, index + max(0, number ?? 0))
            return nil
        }
        return .control(name, number)
    }

    /// The byte behind `\'`.
    private mutating func hexadecimal() -> Token? {
        let digits = input[index...].prefix(2)
        guard digits.count == 2, let value = UInt8(digits.string, radix: 16) else { return nil }
        index = digits.endIndex
        return .byte(value)
    }
}
