import Knowledge

/// The tokenizer of uncased BERT models, id for id as Hugging Face's.
///
/// A word is cut greedily into the longest pieces that the vocabulary has; a word with a rest that it does not have, or
/// of more than 100 scalars, is one `[UNK]`. Python's `strip()`, which sentence-transformers applies first, changes no
/// id and is not needed: all that it takes away is white space or dropped anyway.
struct WordPiece: TokenCounter, Sendable {
    let vocabulary: Vocabulary
    let classID: Int32
    let separatorID: Int32
    private let unknownID: Int32
    private let specials: [WordScanner.Special]

    /// - Returns: nil if the vocabulary lacks `[CLS]`, `[SEP]` or `[UNK]`.
    init?(_ vocabulary: Vocabulary) {
        guard let classID = vocabulary.id(of: "[CLS]"), let separatorID = vocabulary.id(of: "[SEP]"),
            let unknownID = vocabulary.id(of: "[UNK]")
        else { return nil }
        self.vocabulary = vocabulary
        self.classID = classID
        self.separatorID = separatorID
        self.unknownID = unknownID
        specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"].compactMap { literal in
            vocabulary.id(of: literal).map { WordScanner.Special(literal: Array(literal.utf8), id: $0) }
        }
    }

    /// Ids without `[CLS]` and `[SEP]`, at most `limit`; the rest of the text is not even read.
    func ids(of text: Substring, limit: Int = .max) -> [Int32] {
        var ids: [Int32] = []
        guard limit > 0 else { return ids }
        visit(text) { id in
            ids.append(id)
            return ids.count < limit
        }
        return ids
    }

    /// How many ids the whole text has, without `[CLS]` and `[SEP]`.
    func count(_ text: Substring) -> Int {
        var count = 0
        visit(text) { _ in
            count += 1
            return true
        }
        return count
    }

    /// The words before they are cut into pieces; special tokens left out.
    func words(of text: Substring) -> [String] {
        var words: [String] = []
        scan(text) { word, _ in
            words.append(String(decoding: word, as: UTF8.self))
            return true
        } special: { _ in true }
        return words
    }

    /// Calls `body` with one id after the other until it returns false.
    private func visit(_ text: Substring, _ body: (Int32) -> Bool) {
        vocabulary.withLookup { lookup in
            withUnsafeTemporaryAllocation(of: Int32.self, capacity: WordScanner.bufferSize) { pieces in
                scan(text) { word, scalars in
                    let count = scalars > WordScanner.maxScalars ? 0 : cut(word, lookup, into: pieces)
                    guard count > 0 else { return body(unknownID) }
                    for index in 0..<count where !body(pieces[index]) { return false }
                    return true
                } special: { body($0) }
            }
        }
    }

    /// Cuts a word into pieces. Returns how many, or 0 if a part is not in the vocabulary.
    private func cut(
        _ word: UnsafeBufferPointer<UInt8>, _ lookup: Vocabulary.Lookup, into pieces: UnsafeMutableBufferPointer<Int32>
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

    /// Calls `word` with the bytes and the number of scalars of every word, in order with the special tokens, until one
    /// of the two returns false.
    private func scan(
        _ text: Substring, word: (UnsafeBufferPointer<UInt8>, Int) -> Bool, special: (Int32) -> Bool
    ) {
        var text = text
        text.withUTF8 { utf8 in
            withUnsafeTemporaryAllocation(of: UInt8.self, capacity: WordScanner.bufferSize) { buffer in
                guard let base = buffer.baseAddress else { return }
                var scanner = WordScanner(utf8, specials: specials, word: base)
                while let piece = scanner.next() {
                    let goesOn =
                        switch piece {
                        case .word: word(UnsafeBufferPointer(start: base, count: scanner.length), scanner.scalars)
                        case .special(let id): special(id)
                        }
                    guard goesOn else { return }
                }
            }
        }
    }
}
