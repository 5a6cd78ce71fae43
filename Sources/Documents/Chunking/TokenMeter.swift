import Knowledge

/// A word, or a piece of an overlong one: the smallest stretch that is counted by itself.
struct Unit {
    var start: Int32
    var end: Int32
    var tokens: Int32

    var bytes: Range<Int> { Int(start)..<Int(end) }
}

/// Counts the tokens of a text word by word and remembers the words, so that all counting together is linear.
///
/// Sums of words are exact for tokenizers that never join or drop words, as WordPiece, and an estimate for others; whoever promises a
/// number asks `addsUp(_:)`, and counts the final string where it does not.
struct TokenMeter {
    let bytes: [UInt8]
    private let counter: any TokenCounter
    private var known = WordTable()
    /// Where units were counted that a tokenizer may see otherwise in the text than by themselves, in stretches of `doubtBytes`.
    private var doubtful: Set<Int> = []
    private static let doubtBytes = 256

    /// Longer runs without white space are cut. Long enough for the words of all languages, short enough that a tokenizer which
    /// maps unknown words to one token (WordPiece: above 100 characters) still sees their pieces.
    static let maxUnitBytes = 48
    init(_ bytes: [UInt8], counter: any TokenCounter) {
        self.bytes = bytes
        self.counter = counter
    }

    /// The exact number of tokens of a text.
    func count(_ text: String) -> Int { counter.count(text[...]) }

    /// Whether the text from the first of some stretches to the last has just the tokens that were counted for them.
    ///
    /// - Parameter stretches: In order; all of them were counted.
    func addsUp(_ stretches: some BidirectionalCollection<Range<Int>>) -> Bool {
        guard counter.addsUpWords, let first = stretches.first, let last = stretches.last else { return false }
        var end = first.lowerBound
        for stretch in stretches {
            // Where one begins in the midst of a word, that word was counted in parts.
            guard end == first.lowerBound || (end < stretch.lowerBound && bytes[end..<stretch.lowerBound].allSatisfy(\.isSpace))
            else { return false }
            end = stretch.upperBound
        }
        return (first.lowerBound / Self.doubtBytes...last.upperBound / Self.doubtBytes).allSatisfy { !doubtful.contains($0) }
    }

    /// The sum over the words of a stretch, each at least 1.
    mutating func tokens(in range: Range<Int>) -> Int {
        var sum = 0
        var position = range.lowerBound
        while let unit = nextUnit(from: &position, to: range.upperBound) { sum += tokens(of: unit) }
        return sum
    }

    mutating func units(in range: Range<Int>) -> [Unit] {
        var units: [Unit] = []
        var position = range.lowerBound
        while let unit = nextUnit(from: &position, to: range.upperBound) {
            let tokens = Int32(clamping: tokens(of: unit))
            units.append(Unit(start: Int32(unit.lowerBound), end: Int32(unit.upperBound), tokens: tokens))
        }
        return units
    }

    private mutating func tokens(of unit: Range<Int>) -> Int {
        let tokens = ownTokens(of: unit)
        let isPart = unit.upperBound < bytes.count && !bytes[unit.upperBound].isSpace
        if isPart || tokens == 0 { doubtful.insert(unit.lowerBound / Self.doubtBytes) }
        // What costs nothing is counted too: else a chunk could have any number of words without tokens.
        return max(1, tokens)
    }

    private mutating func ownTokens(of unit: Range<Int>) -> Int {
        if let tokens = known.tokens(of: unit, in: bytes) { return Int(tokens) }
        let tokens = count(bytes[unit].string)
        known.insert(unit, tokens: Int32(clamping: tokens), in: bytes)
        return tokens
    }

    // MARK: - Words

    /// The next unit at or behind `position`, which moves behind it.
    private func nextUnit(from position: inout Int, to end: Int) -> Range<Int>? {
        while position < end, bytes[position].isSpace { position += 1 }
        guard position < end else { return nil }
        let start = position
        while position < end, !bytes[position].isSpace {
            if position - start >= Self.maxUnitBytes {
                position = cut(start..<position, to: end)
                break
            }
            guard bytes[position] >= 0x80 else {
                position += 1
                continue
            }
            let length = bytes.scalar(at: position).length
            position += length
            if length == 3, endsClause(before: position) { break }
        }
        return start..<position
    }

    /// Chinese and Japanese stops and commas end a unit, since no space follows them.
    private func endsClause(before position: Int) -> Bool {
        switch bytes.scalar(at: position - 3).value {
        case 0x3001, 0x3002, 0xFF01, 0xFF0C, 0xFF1A, 0xFF1B, 0xFF1F, 0xFF61: true
        default: false
        }
    }

    /// Where to cut an overlong run whose first bytes are `head`: at the last border between grapheme clusters, or in the
    /// midst of a cluster only if that alone is absurdly long.
    private func cut(_ head: Range<Int>, to end: Int) -> Int {
        if bytes[head].allSatisfy({ $0 < 0x80 }) && (head.upperBound == end || bytes[head.upperBound] < 0x80) {
            return head.upperBound
        }
        let window = scalarStart(at: min(head.lowerBound + 4 * Self.maxUnitBytes, end), notBefore: head.upperBound)
        var position = head.lowerBound
        for character in bytes[head.lowerBound..<window].string {
            let next = position + character.utf8.count
            if next > head.upperBound {
                let isWhole = next < window || window == end
                return position > head.lowerBound ? position : isWhole ? next : window
            }
            position = next
        }
        return position
    }

    private func scalarStart(at position: Int, notBefore lowest: Int) -> Int {
        var position = position
        while position > lowest, position < bytes.count, bytes[position].isContinuation { position -= 1 }
        return position
    }
}
