import Knowledge

extension [Passage] {
    /// Without passages that say nearly what a better one says already.
    func withoutCopies() -> [Passage] {
        var kept: [(passage: Passage, shingles: Shingles)] = []
        for passage in self {
            let shingles = Shingles(of: passage.text)
            if !kept.contains(where: { shingles.resembles($0.shingles) }) { kept.append((passage, shingles)) }
        }
        return kept.map(\.passage)
    }
}

/// Every three words in a row, as hashes; case of ASCII letters, punctuation and white space aside. All words together
/// where there are fewer. (Broder, On the resemblance and containment of documents, 1997.)
///
/// Looks at bytes and keeps sorted arrays: with characters and sets this took two thirds of a search's time.
private struct Shingles {
    /// Ascending, each once.
    private var hashes: [UInt64]

    init(of text: String) {
        let words = Self.words(of: text)
        if words.count > 3 {
            hashes = (0..<words.count - 2).map { Self.joined(words[$0..<$0 + 3]) }
        } else {
            hashes = [Self.joined(words[...])]
        }
        hashes.sort()
        var last: UInt64?
        hashes.removeAll { hash in
            defer { last = hash }
            return hash == last
        }
    }

    /// Whether nine tenths of all shingles are in both.
    func resembles(_ other: Shingles) -> Bool {
        let (fewer, more) = (min(hashes.count, other.hashes.count), max(hashes.count, other.hashes.count))
        guard fewer * 10 >= more * 9 else { return false }
        // With c in both there are fewer + more - c in all, and fewer + more - 2c in one alone: c is nine tenths of all just
        // as long as these are no more than a nineteenth. Texts that differ are found to after a few.
        var (mine, theirs) = (0, 0)
        var bearable = (fewer + more) / 19
        while mine < hashes.count, theirs < other.hashes.count, bearable >= 0 {
            let (one, two) = (hashes[mine], other.hashes[theirs])
            bearable -= one == two ? 0 : 1
            mine += one <= two ? 1 : 0
            theirs += two <= one ? 1 : 0
        }
        return bearable >= (hashes.count - mine) + (other.hashes.count - theirs)
    }

    /// FNV-1a of each run of letters and digits; everything beyond ASCII counts as letters.
    private static func words(of text: String) -> [UInt64] {
        var words: [UInt64] = []
        var open: UInt64?
        for byte in text.utf8 {
            let lower = (0x41...0x5A).contains(byte) ? byte | 0x20 : byte
            let isWord = lower >= 0x80 || (0x61...0x7A).contains(lower) || (0x30...0x39).contains(lower)
            if isWord {
                open = mixed(open ?? start, UInt64(lower))
            } else if let word = open {
                words.append(word)
                open = nil
            }
        }
        if let open { words.append(open) }
        return words
    }

    private static let start: UInt64 = 14_695_981_039_346_656_037

    private static func mixed(_ hash: UInt64, _ value: UInt64) -> UInt64 { (hash ^ value) &* 1_099_511_628_211 }

    private static func joined(_ words: ArraySlice<UInt64>) -> UInt64 { words.reduce(start, mixed) }
}
