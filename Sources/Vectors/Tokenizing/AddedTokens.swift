/// Literals such as `[SEP]` or `<mask>` that are recognised anywhere in a text, even inside a word.
///
/// As Hugging Face's added tokens: of those that begin first the longest; some take the white space beside them along.
struct AddedTokens: Sendable {
    struct Token: Sendable {
        var literal: [UInt8]
        var id: Int32
        var takesSpaceBefore = false
        var takesSpaceBehind = false
        /// Only where no letter, digit or underscore is beside it.
        var isWholeWord = false
    }

    struct Match {
        var range: Range<Int>
        var id: Int32
    }

    private let tokens: [Token]
    /// Whether a token begins with the byte.
    private let begins: [Bool]

    var isEmpty: Bool { tokens.isEmpty }

    init(_ tokens: [Token]) {
        self.tokens = tokens.filter { !$0.literal.isEmpty }.sorted { $0.literal.count > $1.literal.count }
        var begins = [Bool](repeating: false, count: 256)
        for token in self.tokens { begins[Int(token.literal[0])] = true }
        self.begins = begins
    }

    /// The first match at `position` or behind.
    func next(in text: UnsafeBufferPointer<UInt8>, from position: Int) -> Match? {
        if tokens.isEmpty { return nil }
        return begins.withUnsafeBufferPointer { begins in
            var place = position
            while place < text.count {
                if begins[Int(text[place])], let token = token(in: text, at: place) {
                    if let match = match(of: token, in: text, at: place, notBefore: position) { return match }
                    place += token.literal.count
                } else {
                    place += 1
                }
            }
            return nil
        }
    }

    private func token(in text: UnsafeBufferPointer<UInt8>, at place: Int) -> Token? {
        tokens.first { token in
            token.literal.count <= text.count - place
                && token.literal.elementsEqual(UnsafeBufferPointer(rebasing: text[place..<place + token.literal.count]))
        }
    }

    private func match(
        of token: Token, in text: UnsafeBufferPointer<UInt8>, at place: Int, notBefore limit: Int
    ) -> Match? {
        var (start, end) = (place, place + token.literal.count)
        if token.isWholeWord {
            let before = start > 0 && Self.isWord(text, at: UTF8Bytes.before(text, start))
            if before || end < text.count && Self.isWord(text, at: end) { return nil }
        }
        while token.takesSpaceBefore, start > limit {
            let before = UTF8Bytes.before(text, start)
            guard UTF8Bytes.isSpace(UTF8Bytes.scalar(text, at: before).value) else { break }
            start = before
        }
        while token.takesSpaceBehind, end < text.count {
            let (scalar, length) = UTF8Bytes.scalar(text, at: end)
            guard UTF8Bytes.isSpace(scalar) else { break }
            end += length
        }
        return Match(range: start..<end, id: token.id)
    }

    private static func isWord(_ text: UnsafeBufferPointer<UInt8>, at place: Int) -> Bool {
        guard let scalar = Unicode.Scalar(UTF8Bytes.scalar(text, at: place).value) else { return false }
        let properties = scalar.properties
        return properties.isAlphabetic || properties.isJoinControl
            || [.nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .connectorPunctuation]
                .contains(properties.generalCategory)
    }
}
