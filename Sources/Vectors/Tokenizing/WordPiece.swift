/// BERT's way to cut text: into words, and those greedily into the longest pieces that the vocabulary has.
///
/// A word with a rest that the vocabulary does not have, or of more than 100 scalars, is one unknown token.
struct WordPiece: TextCutter {
    private let vocabulary: Vocabulary
    private let unknownID: Int32
    private let rules: WordRules
    /// Special tokens that are looked for in the normalised text.
    var specials = AddedTokens([])

    init(_ vocabulary: Vocabulary, unknownID: Int32, rules: WordRules = WordRules()) {
        self.vocabulary = vocabulary
        self.unknownID = unknownID
        self.rules = rules
    }

    /// The words before they are cut into pieces.
    func words(of text: Substring) -> [String] {
        var words: [String] = []
        var text = text
        text.withUTF8 { utf8 in
            _ = scan(utf8) { word, _ in
                words.append(String(decoding: word, as: UTF8.self))
                return true
            }
        }
        return words
    }

    func visit(_ text: UnsafeBufferPointer<UInt8>, isStart: Bool, _ body: (Int32) -> Bool) -> Bool {
        if specials.isEmpty { return cut(text, body) }
        let normalised = normalised(text)
        return normalised.withUnsafeBufferPointer { normalised in
            guard var match = specials.next(in: normalised, from: 0) else { return cut(text, body) }
            // What is normalised stays so when it is normalised again.
            var start = 0
            while true {
                let part = UnsafeBufferPointer(rebasing: normalised[start..<match.range.lowerBound])
                guard cut(part, body), body(match.id) else { return false }
                start = match.range.upperBound
                guard let next = specials.next(in: normalised, from: start) else { break }
                match = next
            }
            return cut(UnsafeBufferPointer(rebasing: normalised[start...]), body)
        }
    }

    private func cut(_ text: UnsafeBufferPointer<UInt8>, _ body: (Int32) -> Bool) -> Bool {
        vocabulary.withLookup { lookup in
            withUnsafeTemporaryAllocation(of: Int32.self, capacity: WordScanner.bufferSize) { pieces in
                scan(text) { word, scalars in
                    let count = scalars > WordScanner.maxScalars ? 0 : Self.pieces(of: word, lookup, into: pieces)
                    guard count > 0 else { return body(unknownID) }
                    for index in 0..<count where !body(pieces[index]) { return false }
                    return true
                }
            }
        }
    }

    /// Cuts a word into pieces. Returns how many, or 0 if a part is not in the vocabulary.
    private static func pieces(
        of word: UnsafeBufferPointer<UInt8>, _ lookup: Vocabulary.Lookup, into pieces: UnsafeMutableBufferPointer<Int32>
    ) -> Int {
        var count = 0
        var start = 0
        while start < word.count {
            guard let match = lookup.longestMatch(word, from: start) else { return 0 }
            pieces[count] = match.id
            count += 1
            start = match.end
        }
        return count
    }

    /// Calls `body` with the bytes and the number of scalars of every word until it returns false.
    private func scan(
        _ text: UnsafeBufferPointer<UInt8>, _ body: (UnsafeBufferPointer<UInt8>, Int) -> Bool
    ) -> Bool {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: WordScanner.bufferSize) { buffer in
            guard let base = buffer.baseAddress else { return true }
            var scanner = WordScanner(text, rules: rules, word: base)
            while scanner.next() {
                let word = UnsafeBufferPointer(start: base, count: scanner.length)
                guard body(word, scanner.scalars) else { return false }
            }
            return true
        }
    }

    /// The text as BERT's normaliser leaves it, but with one space for many.
    func normalised(_ text: UnsafeBufferPointer<UInt8>) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count)
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: WordScanner.bufferSize) { buffer in
            guard let base = buffer.baseAddress else { return }
            var scanner = WordScanner(text, rules: rules, word: base)
            while scanner.next() {
                if scanner.followsSpace { bytes.append(0x20) }
                bytes += UnsafeBufferPointer(start: base, count: scanner.length)
                // Only so many are kept of a word that is too long; one more, and it is too long again.
                if scanner.scalars > WordScanner.maxScalars { bytes.append(UInt8(ascii: "x")) }
            }
        }
        return bytes
    }
}
