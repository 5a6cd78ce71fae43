/// Cuts text into words: folded runs of letters and digits, pairs of letters where a script has no spaces, and
/// identifiers as a whole behind their parts.
struct WordScanner {
    enum Piece {
        /// Letters and digits.
        case word
        /// Two neighbours of a script without spaces, or one that stands alone.
        case pair
        /// The last of such neighbours once more, for whom looks for it alone.
        case last
        /// An identifier: `v1.2.3`, `foo_bar`, `user@host`, `c++`, `§433`. Its parts came before it.
        case whole
    }

    /// Longer words and identifiers are cut to this many bytes of UTF-8.
    static let longest = 64

    private let text: UnsafeBufferPointer<UInt8>
    private var position = 0
    private let take: (Piece, [UInt8]) -> Void

    private var word: [UInt8] = []
    /// What may become an identifier: the words since the last space with what joins them.
    private var whole: [UInt8] = []
    private var parts = 0
    private var isIdentifier = false
    /// The last letter of a script without spaces, and whether it has been in a pair.
    private var previous: (letter: UInt32, isPaired: Bool)?
    /// A § that waits for its number.
    private var awaitsNumber = false

    /// Calls `take` with the pieces of the text in order.
    static func scan(_ text: String, _ take: (Piece, [UInt8]) -> Void) {
        var text = text
        withoutActuallyEscaping(take) { take in
            text.withUTF8 { bytes in
                var scanner = WordScanner(text: bytes, take: take)
                scanner.scan()
            }
        }
    }

    private init(text: UnsafeBufferPointer<UInt8>, take: @escaping (Piece, [UInt8]) -> Void) {
        self.text = text
        self.take = take
        word.reserveCapacity(Self.longest + 8)
        whole.reserveCapacity(Self.longest + 8)
    }

    private mutating func scan() {
        while position < text.count {
            let scalar = decode()
            switch LetterTable.kind(of: scalar) {
            case .letter(let first, let second):
                endPair()
                append(first)
                if let second { append(second) }
            case .unspaced(let letter):
                endRun()
                pair(letter)
            case .nothing:
                // Decomposed text: the mark makes an umlaut of the letter before it.
                if scalar == 0x308 { umlaut() }
            case .separator:
                endPair()
                separate(scalar)
            }
        }
        endPair()
        endRun()
    }

    // MARK: - Words and identifiers

    private mutating func append(_ scalar: UInt32) {
        guard word.count < Self.longest else { return }
        if scalar < 0x80 {
            word.append(UInt8(scalar))
            if word.count == 1, awaitsNumber, !(0x30...0x39).contains(scalar) { awaitsNumber = false }
        } else {
            if word.isEmpty { awaitsNumber = false }
            Self.encode(scalar, into: &word)
        }
    }

    /// Ends the word; what follows decides whether the run goes on.
    private mutating func separate(_ scalar: UInt32) {
        if word.isEmpty, parts == 0 {
            switch scalar {
            case 0xA7: awaitsNumber = true
            case 0x20, 0xA0, 0x202F, 0x2009: break
            default: awaitsNumber = false
            }
            return
        }
        let ascii = scalar < 0x80 ? UInt8(scalar) : scalar == 0x2010 || scalar == 0x2011 ? UInt8(ascii: "-") : 0
        switch ascii {
        case UInt8(ascii: "+"), UInt8(ascii: "#"):
            if endsInSign(ascii) { return }
            endRun()
        case UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "/"), UInt8(ascii: "@"),
            UInt8(ascii: ":"), UInt8(ascii: "&"):
            if !word.isEmpty, goesOn() { join(by: ascii) } else { endRun() }
        default:
            endRun()
        }
        if scalar == 0xA7 { awaitsNumber = true }
    }

    /// `c++`, `c#`, `f#`: a short name and its sign, with nothing behind it.
    private mutating func endsInSign(_ sign: UInt8) -> Bool {
        var end = position
        if sign == UInt8(ascii: "+") {
            guard end < text.count, text[end] == sign else { return false }
            end += 1
        }
        guard parts == 0, word.count <= 2, !word.isEmpty, end >= text.count || !Self.isWordByte(text[end]) else {
            return false
        }
        position = end
        whole = word + (sign == UInt8(ascii: "+") ? [sign, sign] : [sign])
        endWord()
        take(.whole, whole)
        endRun()
        return true
    }

    /// Whether a letter or digit follows at once.
    private func goesOn() -> Bool {
        position < text.count && Self.isWordByte(text[position])
    }

    /// Letters and digits of ASCII, and whatever begins beyond it.
    private static func isWordByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: byte >= 0xC3
        }
    }

    private mutating func join(by sign: UInt8) {
        let afterDigit = word.last.map { (0x30...0x39).contains($0) } ?? false
        let beforeDigit = (0x30...0x39).contains(text[position])
        let isHyphen = sign == UInt8(ascii: "-") || sign == UInt8(ascii: "_")
        if sign == UInt8(ascii: "_") || sign == UInt8(ascii: "@") || sign == UInt8(ascii: "&") { isIdentifier = true }
        // E-mail, x-ray, u-boot: written together as often.
        if isHyphen, parts == 0, word.count == 1 { isIdentifier = true }
        endWord()
        // ISO-9001 and ISO9001 are one thing, 1-2 and 12 are not.
        if !isHyphen || (afterDigit && beforeDigit), whole.count < Self.longest { whole.append(sign) }
    }

    private mutating func endWord() {
        guard !word.isEmpty else { return }
        parts += 1
        if awaitsNumber || word.contains(where: { (0x30...0x39).contains($0) }) { isIdentifier = true }
        if whole.count < Self.longest { whole += word }
        take(.word, word)
        word.removeAll(keepingCapacity: true)
    }

    /// Ends the word and the run of words that nothing separates, which is an identifier if it looks like one.
    private mutating func endRun() {
        guard !word.isEmpty || parts > 0 else { return }
        let first = word
        endWord()
        if parts > 1, isIdentifier {
            take(.whole, Self.cut(whole))
        } else if awaitsNumber {
            take(.whole, Self.cut([0xC2, 0xA7] + (parts == 1 && !first.isEmpty ? first : whole)))
        }
        awaitsNumber = false
        isIdentifier = false
        parts = 0
        whole.removeAll(keepingCapacity: true)
    }

    /// At most `longest` bytes, whole code points.
    private static func cut(_ bytes: [UInt8]) -> [UInt8] {
        guard bytes.count > longest else { return bytes }
        var end = longest
        while end > 0, bytes[end] & 0xC0 == 0x80 { end -= 1 }
        return Array(bytes[..<end])
    }

    private mutating func umlaut() {
        guard let last = word.last else { return }
        switch last {
        case UInt8(ascii: "a"): word.replaceSubrange((word.count - 1)..., with: [0xC3, 0xA4])
        case UInt8(ascii: "o"): word.replaceSubrange((word.count - 1)..., with: [0xC3, 0xB6])
        case UInt8(ascii: "u"): word.replaceSubrange((word.count - 1)..., with: [0xC3, 0xBC])
        default: break
        }
    }

    // MARK: - Scripts without spaces

    private mutating func pair(_ letter: UInt32) {
        if let previous {
            var bytes: [UInt8] = []
            Self.encode(previous.letter, into: &bytes)
            Self.encode(letter, into: &bytes)
            take(.pair, bytes)
        }
        previous = (letter, previous != nil)
    }

    private mutating func endPair() {
        guard let last = previous else { return }
        previous = nil
        var bytes: [UInt8] = []
        Self.encode(last.letter, into: &bytes)
        take(last.isPaired ? .last : .pair, bytes)
    }

    // MARK: - UTF-8

    private static func encode(_ scalar: UInt32, into bytes: inout [UInt8]) {
        guard let scalar = Unicode.Scalar(scalar), let units = UTF8.encode(scalar) else { return }
        bytes.append(contentsOf: units)
    }

    /// The scalar at `position`, which moves behind it. The text is valid UTF-8.
    private mutating func decode() -> UInt32 {
        let first = UInt32(text[position])
        if first < 0x80 {
            position += 1
            return first
        }
        func tail(_ offset: Int) -> UInt32 { UInt32(text[position + offset] & 0x3F) }
        if first < 0xE0 {
            defer { position += 2 }
            return (first & 0x1F) << 6 | tail(1)
        }
        if first < 0xF0 {
            defer { position += 3 }
            return (first & 0x0F) << 12 | tail(1) << 6 | tail(2)
        }
        defer { position += 4 }
        return (first & 0x07) << 18 | tail(1) << 12 | tail(2) << 6 | tail(3)
    }
}
