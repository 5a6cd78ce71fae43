import FoundationEssentials

/// A WordPiece vocabulary: ids by bytes, for pieces that begin a word and for pieces that continue one (`##…`).
struct Vocabulary: Sendable {
    /// An open-addressing hash table; a slot without a piece has length 0.
    fileprivate struct Slot {
        var hash: UInt64 = 0
        var id: Int32 = 0
        var start: Int32 = 0
        var length: Int32 = 0
    }

    /// FNV-1a; the two kinds of pieces differ in where the hash begins.
    fileprivate static let wordSeed: UInt64 = 0xCBF2_9CE4_8422_2325
    fileprivate static let continuationSeed: UInt64 = 0x9E37_79B9_7F4A_7C15
    fileprivate static let prime: UInt64 = 0x100_0000_01B3

    private var slots: [Slot]
    private var bytes: [UInt8] = []
    /// Bytes of the longest piece.
    private var longest = 0
    /// How many tokens there are.
    let count: Int

    /// - Parameter tokens: Their positions are their ids.
    init(_ tokens: [[UInt8]]) {
        count = tokens.count
        var size = 64
        while size < tokens.count * 2 { size *= 2 }
        slots = Array(repeating: Slot(), count: size)
        for (id, token) in tokens.enumerated() where !token.isEmpty {
            let isContinuation = token.count > 2 && token.starts(with: Array("##".utf8))
            insert(isContinuation ? token.dropFirst(2) : token[...], id: Int32(id), isContinuation: isContinuation)
        }
    }

    /// The lines of a `vocab.txt`.
    init(lines: [UInt8]) {
        self.init(Self.tokens(inLines: lines))
    }

    static func tokens(inLines lines: [UInt8]) -> [[UInt8]] {
        var tokens = lines.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map { line in
            line.last == UInt8(ascii: "\r") ? Array(line.dropLast()) : Array(line)
        }
        if tokens.last == [] { tokens.removeLast() }
        return tokens
    }

    /// The id of a whole token that begins a word, such as `[CLS]`.
    func id(of token: String) -> Int32? {
        var token = Array(token.utf8)
        return token.withUnsafeMutableBufferPointer { token in
            withLookup { $0.longestMatch(UnsafeBufferPointer(token), from: 0) }
        }.flatMap { $0.end == token.count ? $0.id : nil }
    }

    private mutating func insert(_ piece: ArraySlice<UInt8>, id: Int32, isContinuation: Bool) {
        var hash = isContinuation ? Self.continuationSeed : Self.wordSeed
        for byte in piece { hash = (hash ^ UInt64(byte)) &* Self.prime }
        var index = Lookup.home(of: hash, in: slots.count)
        while slots[index].length > 0, slots[index].hash != hash { index = (index + 1) & (slots.count - 1) }
        slots[index] = Slot(hash: hash, id: id, start: Int32(bytes.count), length: Int32(piece.count))
        bytes += piece
        longest = max(longest, piece.count)
    }

    /// Look-ups without bounds checks or retain counts, valid during `body`.
    func withLookup<Result>(_ body: (Lookup) -> Result) -> Result {
        slots.withUnsafeBufferPointer { slots in
            bytes.withUnsafeBufferPointer { bytes in
                body(Lookup(slots: slots, bytes: bytes, longest: longest))
            }
        }
    }

    struct Lookup {
        fileprivate let slots: UnsafeBufferPointer<Slot>
        fileprivate let bytes: UnsafeBufferPointer<UInt8>
        fileprivate let longest: Int

        /// The longest piece of the word that begins at `start`, and where it ends; nil if there is none.
        func longestMatch(_ word: UnsafeBufferPointer<UInt8>, from start: Int) -> (id: Int32, end: Int)? {
            let limit = min(word.count, start + longest)
            return withUnsafeTemporaryAllocation(of: UInt64.self, capacity: limit - start) { hashes in
                var hash = start == 0 ? Vocabulary.wordSeed : Vocabulary.continuationSeed
                for index in start..<limit {
                    hash = (hash ^ UInt64(word[index])) &* Vocabulary.prime
                    hashes[index - start] = hash
                }
                var end = limit
                while end > start {
                    let isBoundary = end == word.count || word[end] & 0xC0 != 0x80
                    if isBoundary, let id = find(word, start..<end, hash: hashes[end - start - 1]) { return (id, end) }
                    end -= 1
                }
                return nil
            }
        }

        private func find(_ word: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, hash: UInt64) -> Int32? {
            var index = Self.home(of: hash, in: slots.count)
            while slots[index].length > 0 {
                let slot = slots[index]
                if slot.hash == hash, isEqual(slot, word, range) { return slot.id }
                index = (index + 1) & (slots.count - 1)
            }
            return nil
        }

        private func isEqual(_ slot: Slot, _ word: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) -> Bool {
            guard Int(slot.length) == range.count else { return false }
            for offset in 0..<range.count where bytes[Int(slot.start) + offset] != word[range.lowerBound + offset] {
                return false
            }
            return true
        }

        /// The high half mixes best in a product's hash.
        fileprivate static func home(of hash: UInt64, in size: Int) -> Int {
            Int(truncatingIfNeeded: hash ^ hash >> 32) & (size - 1)
        }
    }
}
