/// Remembers what the words of one text cost. Words are not copied: an entry says where its word first stood.
///
/// Open addressing with linear probing; a dictionary of byte slices took most of the time that chunking takes.
struct WordTable {
    private struct Slot {
        var start: Int32 = 0
        /// 0 in free slots.
        var count: Int32 = 0
        var tokens: Int32 = 0
        var hash: UInt32 = 0
    }

    private var slots = [Slot](repeating: Slot(), count: 1024)
    private var count = 0

    /// Bounds the memory for texts in which every word is new.
    private static let maxCount = 100_000

    func tokens(of word: Range<Int>, in bytes: [UInt8]) -> Int32? {
        let hash = Self.hash(of: word, in: bytes)
        var index = Int(hash) & (slots.count - 1)
        while slots[index].count > 0 {
            if slots[index].hash == hash, isSame(slots[index], word, in: bytes) { return slots[index].tokens }
            index = (index + 1) & (slots.count - 1)
        }
        return nil
    }

    /// - Parameter word: Not in the table, not empty. In a full table nothing happens.
    mutating func insert(_ word: Range<Int>, tokens: Int32, in bytes: [UInt8]) {
        guard count < Self.maxCount else { return }
        if count * 2 >= slots.count { grow() }
        let slot = Slot(
            start: Int32(word.lowerBound), count: Int32(word.count), tokens: tokens, hash: Self.hash(of: word, in: bytes)
        )
        place(slot)
        count += 1
    }

    private mutating func place(_ slot: Slot) {
        var index = Int(slot.hash) & (slots.count - 1)
        while slots[index].count > 0 { index = (index + 1) & (slots.count - 1) }
        slots[index] = slot
    }

    private mutating func grow() {
        let old = slots
        slots = [Slot](repeating: Slot(), count: old.count * 2)
        for slot in old where slot.count > 0 { place(slot) }
    }

    private func isSame(_ slot: Slot, _ word: Range<Int>, in bytes: [UInt8]) -> Bool {
        guard Int(slot.count) == word.count else { return false }
        let start = Int(slot.start)
        for offset in 0..<word.count where bytes[start + offset] != bytes[word.lowerBound + offset] { return false }
        return true
    }

    /// FNV-1a with a last mix. Whoever makes words collide gets slow lookups of at most `maxCount` words.
    private static func hash(of word: Range<Int>, in bytes: [UInt8]) -> UInt32 {
        var hash: UInt64 = seed
        for index in word { hash = (hash ^ UInt64(bytes[index])) &* 0x100_0000_01B3 }
        hash ^= hash >> 32
        return UInt32(truncatingIfNeeded: hash &* 0x9E37_79B9_7F4A_7C15 >> 32)
    }

    /// Another one in each process, so that nobody can prepare words that collide.
    private static let seed = UInt64.random(in: .min ... .max) | 1
}
