/// GPT-2's pattern for words, by hand:
/// `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`.
enum WordPattern {
    private enum Kind: UInt8 {
        case other, letter, number, space

        init(_ scalar: UInt32) {
            if UTF8Bytes.isSpace(scalar) {
                self = .space
                return
            }
            // The reference's tables are those of Unicode 16; what came later is no letter there.
            guard let properties = Unicode.Scalar(scalar)?.properties, properties.age.map({ $0.major < 17 }) ?? false
            else {
                self = .other
                return
            }
            switch properties.generalCategory {
            case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: self = .letter
            case .decimalNumber, .letterNumber, .otherNumber: self = .number
            default: self = .other
            }
        }
    }

    /// Of the basic multilingual plane; asking Unicode's properties for every letter would be slow.
    private static let kinds: [Kind] = (0..<0x10000).map { Kind(UInt32($0)) }

    /// Where the word ends that begins at `start`.
    static func end(of start: Int, in text: UnsafeBufferPointer<UInt8>) -> Int {
        kinds.withUnsafeBufferPointer { kinds in
            let words = Words(text: text, kinds: kinds)
            return words.contraction(at: start) ?? words.run(from: start)
        }
    }

    private struct Words {
        let text: UnsafeBufferPointer<UInt8>
        let kinds: UnsafeBufferPointer<Kind>

        private func scalar(at place: Int) -> (kind: Kind, length: Int) {
            let (value, length) = UTF8Bytes.scalar(text, at: place)
            return (value < 0x10000 ? kinds[Int(value)] : Kind(value), length)
        }

        func contraction(at start: Int) -> Int? {
            guard text[start] == UInt8(ascii: "'"), start + 1 < text.count else { return nil }
            switch text[start + 1] {
            case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"): return start + 2
            case UInt8(ascii: "r"), UInt8(ascii: "v"):
                return start + 2 < text.count && text[start + 2] == UInt8(ascii: "e") ? start + 3 : nil
            case UInt8(ascii: "l"):
                return start + 2 < text.count && text[start + 2] == UInt8(ascii: "l") ? start + 3 : nil
            default: return nil
            }
        }

        /// A run of one kind, with a space in front; or white space but for the last before something else.
        func run(from start: Int) -> Int {
            var place = start
            if text[start] == 0x20, start + 1 < text.count, scalar(at: start + 1).kind != .space { place += 1 }
            let kind = scalar(at: place).kind
            var last = place
            while place < text.count {
                let (next, length) = scalar(at: place)
                guard next == kind else { break }
                last = place
                place += length
            }
            return kind == .space && place < text.count && last > start ? last : place
        }
    }
}
