/// Byte-level byte-pair encoding, as in GPT-2's and RoBERTa's tokenizers.
///
/// (Sennrich et al., 2016; Radford et al., 2019.) The text is cut into words by GPT-2's pattern; the bytes of a word are
/// joined, pair by pair in the order in which the pairs were learnt, until no learnt pair is left.
struct BytePairs: TextCutter {
    /// What a pair becomes, and how early it was learnt.
    struct Merge: Sendable {
        var left: Int32
        var right: Int32
        var result: Int32
    }

    private struct Slot {
        var key: UInt64 = .max
        var rank: Int32 = 0
        var result: Int32 = 0
    }

    var normalizer = TextNormalizer()
    var specials = AddedTokens([])
    /// Whether a space is put in front of text that has none there.
    var addsPrefixSpace = false
    /// Whether text is cut into words; otherwise it is one.
    var cutsWords = true
    /// Whether neighbouring unknown bytes are one token.
    var fusesUnknown = false
    /// For bytes that are no tokens; nil: they are left out.
    var unknownID: Int32?
    /// Whole words that are tokens whatever the pairs say; nil: none.
    var words: [[UInt8]: Int32]?
    private let byteIDs: [Int32]
    private var slots: [Slot]

    /// - Parameters:
    ///   - byteIDs: The ids of the 256 bytes, -1 for those that are no tokens.
    ///   - merges: In the order in which they were learnt; of equal pairs the last counts.
    init(byteIDs: [Int32], merges: [Merge]) {
        self.byteIDs = byteIDs
        var size = 64
        while size < merges.count * 2 { size *= 2 }
        slots = Array(repeating: Slot(), count: size)
        for (rank, merge) in merges.enumerated() {
            let key = Self.key(merge.left, merge.right)
            var index = Self.home(of: key, in: size)
            while slots[index].key != .max, slots[index].key != key { index = (index + 1) & (size - 1) }
            slots[index] = Slot(key: key, rank: Int32(rank), result: merge.result)
        }
    }

    private static func key(_ left: Int32, _ right: Int32) -> UInt64 {
        UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
    }

    private static func home(of key: UInt64, in size: Int) -> Int {
        let product = key &* 0x9E37_79B9_7F4A_7C15
        return Int(truncatingIfNeeded: product ^ product >> 32) & (size - 1)
    }

    func visit(_ text: UnsafeBufferPointer<UInt8>, isStart: Bool, _ body: (Int32) -> Bool) -> Bool {
        var merging = Merging()
        if normalizer.steps.isEmpty, specials.isEmpty { return visitNormalised(text, &merging, body) }
        return normalizer(text).withUnsafeBufferPointer { text in
            var start = 0
            while start < text.count {
                let match = specials.next(in: text, from: start)
                let end = match?.range.lowerBound ?? text.count
                let part = UnsafeBufferPointer(rebasing: text[start..<end])
                guard visitNormalised(part, &merging, body) else { return false }
                guard let match else { break }
                guard body(match.id) else { return false }
                start = match.range.upperBound
            }
            return true
        }
    }

    private func visitNormalised(
        _ text: UnsafeBufferPointer<UInt8>, _ merging: inout Merging, _ body: (Int32) -> Bool
    ) -> Bool {
        if addsPrefixSpace, let first = text.first, first != 0x20 {
            return ([0x20] + text).withUnsafeBufferPointer { visitWords($0, &merging, body) }
        }
        return visitWords(text, &merging, body)
    }

    private func visitWords(
        _ text: UnsafeBufferPointer<UInt8>, _ merging: inout Merging, _ body: (Int32) -> Bool
    ) -> Bool {
        var start = 0
        while start < text.count {
            let end = cutsWords ? WordPattern.end(of: start, in: text) : text.count
            guard visit(word: UnsafeBufferPointer(rebasing: text[start..<end]), &merging, body) else { return false }
            start = end
        }
        return true
    }

    private func visit(
        word: UnsafeBufferPointer<UInt8>, _ merging: inout Merging, _ body: (Int32) -> Bool
    ) -> Bool {
        if let words, let id = words[Array(word)] { return body(id) }
        merging.begin()
        for byte in word {
            let id = byteIDs[Int(byte)]
            if id >= 0 {
                merging.append(id)
            } else if let unknownID, !(fusesUnknown && merging.last == unknownID) {
                merging.append(unknownID)
            }
        }
        slots.withUnsafeBufferPointer { slots in
            merging.run { left, right in
                let key = Self.key(left, right)
                var index = Self.home(of: key, in: slots.count)
                while slots[index].key != .max {
                    if slots[index].key == key { return (slots[index].rank, slots[index].result) }
                    index = (index + 1) & (slots.count - 1)
                }
                return nil
            }
        }
        return merging.visit(body)
    }
}

/// The symbols of one word, joined pair by pair: a linked list and a heap of the pairs that can be joined.
private struct Merging {
    private struct Symbol {
        var id: Int32
        var previous: Int32
        var next: Int32
    }

    private var symbols: [Symbol] = []
    /// Ranks and places of pairs, the lowest first; some may be out of date.
    private var heap: [UInt64] = []

    var last: Int32? { symbols.last?.id }

    mutating func begin() {
        symbols.removeAll(keepingCapacity: true)
        heap.removeAll(keepingCapacity: true)
    }

    mutating func append(_ id: Int32) {
        let index = Int32(symbols.count)
        if index > 0 { symbols[Int(index) - 1].next = index }
        symbols.append(Symbol(id: id, previous: index - 1, next: -1))
    }

    /// Joins pairs until `find`, which knows their ranks and results, finds none.
    mutating func run(_ find: (_ left: Int32, _ right: Int32) -> (rank: Int32, result: Int32)?) {
        guard symbols.count > 1 else { return }
        for place in 0..<symbols.count - 1 { offer(Int32(place), find) }
        while let entry = pop() {
            let place = Int(entry & 0xFFFF_FFFF)
            let next = symbols[place].next
            guard symbols[place].id >= 0, next >= 0, let found = find(symbols[place].id, symbols[Int(next)].id),
                found.rank == Int32(entry >> 32)
            else { continue }
            symbols[place].id = found.result
            symbols[place].next = symbols[Int(next)].next
            symbols[Int(next)].id = -1
            if symbols[place].next >= 0 {
                symbols[Int(symbols[place].next)].previous = Int32(place)
                offer(Int32(place), find)
            }
            if symbols[place].previous >= 0 { offer(symbols[place].previous, find) }
        }
    }

    func visit(_ body: (Int32) -> Bool) -> Bool {
        var place: Int32 = symbols.isEmpty ? -1 : 0
        while place >= 0 {
            guard body(symbols[Int(place)].id) else { return false }
            place = symbols[Int(place)].next
        }
        return true
    }

    private mutating func offer(_ place: Int32, _ find: (Int32, Int32) -> (rank: Int32, result: Int32)?) {
        let symbol = symbols[Int(place)]
        guard let found = find(symbol.id, symbols[Int(symbol.next)].id) else { return }
        push(UInt64(found.rank) << 32 | UInt64(place))
    }

    private mutating func push(_ entry: UInt64) {
        heap.append(entry)
        var index = heap.count - 1
        while index > 0, heap[(index - 1) / 2] > heap[index] {
            heap.swapAt(index, (index - 1) / 2)
            index = (index - 1) / 2
        }
    }

    private mutating func pop() -> UInt64? {
        guard let least = heap.first, let last = heap.popLast() else { return nil }
        guard !heap.isEmpty else { return least }
        heap[0] = last
        var index = 0
        while true {
            var child = 2 * index + 1
            guard child < heap.count else { return least }
            if child + 1 < heap.count, heap[child + 1] < heap[child] { child += 1 }
            if heap[index] <= heap[child] { return least }
            heap.swapAt(index, child)
            index = child
        }
    }
}
