/// Long words that are made of others, as German has them, found in the words of a knowledge base.
///
/// Frist finds Kündigungsfrist, and Kündigungsfrist finds Kündigung and Frist. No dictionary: a part is a part if the
/// knowledge base has it as a word.
enum Compounds {
    /// Letters that a part has at least.
    static let shortestPart = 4
    /// Letters that a word has at least to be looked for at the end of others.
    static let shortestEnding = 5
    static let mostVariants = 12
    /// What an occurrence of a part counts, against one of the whole.
    static let partWeight = 0.3
    /// What an occurrence of a word that ends in the one asked for counts.
    static let endingWeight = 0.15

    /// Another key by which a word may be found.
    struct Variant: Hashable {
        var key: [UInt8]
        var weight: Double
    }

    /// Whether a word's key is long enough to have two parts, and of Latin letters alone.
    static func mayBeCompound(_ key: [UInt8]) -> Bool {
        key.count >= 2 * shortestPart && isLatin(key)
    }

    /// The other keys of a word of a query in a knowledge base, the likeliest first.
    static func variants(
        of word: [UInt8], in base: KeywordBase, stemmer: Stemmer, _ reader: Reader
    ) throws -> [Variant] {
        let key = stemmer.key(of: word)
        guard isLatin(key), key.count >= shortestEnding else { return [] }
        var variants = try parts(of: word, in: base, stemmer: stemmer, reader).map { Variant(key: $0, weight: partWeight) }
        for longer in try wordsEnding(in: key, in: base, reader) where variants.count < mostVariants {
            variants.append(Variant(key: longer, weight: endingWeight))
        }
        return variants.filter { $0.key != key }
    }

    private static func isLatin(_ key: [UInt8]) -> Bool { key.allSatisfy { (0x61...0x7A).contains($0) } }

    /// The most frequent words that end in this one and have another part before it.
    private static func wordsEnding(in key: [UInt8], in base: KeywordBase, _ reader: Reader) throws -> [[UInt8]] {
        let reversed = Array(key.reversed())
        let start = base.prefix + reversed
        let rows = try reader.query(
            """
            SELECT term, doc FROM (
                SELECT term, doc FROM keyword_ending_vocabulary WHERE term > ? AND term < ? LIMIT 500
            ) WHERE length(term) >= ? ORDER BY doc DESC, term LIMIT ?
            """, String(decoding: start, as: UTF8.self), String(decoding: start + [0x7B], as: UTF8.self),
            Int64(start.count + shortestPart), Int64(mostVariants))
        var words: [[UInt8]] = []
        while try rows.next() { words.append(rows.bytes(0).dropFirst(base.prefix.count).reversed()) }
        return words
    }

    /// The two parts of a word, if it has a place to be cut: the one whose rarer part is the most frequent.
    private static func parts(
        of word: [UInt8], in base: KeywordBase, stemmer: Stemmer, _ reader: Reader
    ) throws -> [[UInt8]] {
        guard word.count >= 2 * shortestPart, word.count <= 48 else { return [] }
        func count(_ key: [UInt8]) throws -> Int { try reader.chunkCount(of: key, in: base) }
        var best: (keys: [[UInt8]], count: Int) = ([], 0)
        for cut in shortestPart...(word.count - shortestPart) where word[cut] & 0xC0 != 0x80 {
            let tail = stemmer.key(of: Array(word[cut...]))
            guard tail.count >= shortestPart else { continue }
            let tails = try count(tail)
            guard tails > best.count else { continue }
            for head in heads(Array(word[..<cut])) {
                let head = stemmer.key(of: head)
                let rarer = min(tails, try count(head))
                if rarer > best.count { best = ([head, tail], rarer) }
            }
        }
        return best.keys
    }

    /// A first part as it stands, and without what joins it to the next.
    private static func heads(_ part: [UInt8]) -> [[UInt8]] {
        var heads = [part]
        for joint in ["s", "es", "n", "en", "er", "e"] {
            let joint = Array(joint.utf8)
            if part.count >= shortestPart + joint.count, part.suffix(joint.count).elementsEqual(joint) {
                heads.append(Array(part.dropLast(joint.count)))
            }
        }
        return heads
    }
}

extension Reader {
    /// How many chunks of a knowledge base have a word, by its key.
    func chunkCount(of key: [UInt8], in base: KeywordBase) throws -> Int {
        let row = try query(
            "SELECT doc FROM keyword_vocabulary WHERE term = ?", String(decoding: base.prefix + key, as: UTF8.self))
        defer { row.end() }
        return try row.next() ? Int(row.int(0)) : 0
    }
}
