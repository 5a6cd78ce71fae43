import Knowledge

extension [Passage] {
    /// Without passages that say nearly what a better one says already.
    func withoutCopies() -> [Passage] {
        var kept: [(passage: Passage, shingles: Set<Int>)] = []
        for passage in self {
            let shingles = passage.text.shingles
            if !kept.contains(where: { shingles.resembles($0.shingles) }) { kept.append((passage, shingles)) }
        }
        return kept.map(\.passage)
    }
}

extension String {
    /// Every three words in a row, as hashes; case, punctuation and white space aside. All words together where there are
    /// fewer. (Broder, On the resemblance and containment of documents, 1997.)
    fileprivate var shingles: Set<Int> {
        let words = lowercased().split { !$0.isLetter && !$0.isNumber }
        guard words.count > 3 else { return [words.hashValue] }
        return Set((0..<words.count - 2).map { words[$0..<$0 + 3].hashValue })
    }
}

extension Set<Int> {
    /// Whether nine tenths of all shingles are in both.
    fileprivate func resembles(_ other: Self) -> Bool {
        let (fewer, more) = count < other.count ? (self, other) : (other, self)
        guard fewer.count * 10 >= more.count * 9 else { return false }
        let common = fewer.count { more.contains($0) }
        return common * 10 >= (count + other.count - common) * 9
    }
}
