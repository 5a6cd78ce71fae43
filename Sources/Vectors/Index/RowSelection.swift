import Knowledge

/// Which rows of a block count.
struct RowSelection: Sendable {
    /// Where they are; rows between two that are near each other may be included.
    private(set) var ranges: [Range<Int>]
    /// One bit a row; nil where all rows in `ranges` count.
    private var bits: [UInt64]?
    private(set) var count: Int

    /// All of them.
    init(all rows: Int) {
        ranges = rows > 0 ? [0..<rows] : []
        bits = nil
        count = rows
    }

    /// The rows of some of a block's documents.
    init(of block: CodeBlock, where counts: (Int) -> Bool) {
        var bits = [UInt64](repeating: 0, count: (block.rows + 63) / 64)
        var count = 0
        for place in block.documents.indices where counts(place) {
            count += block.rowCount(ofDocumentAt: place)
            block.eachRow(ofDocumentAt: place) { bits[$0 >> 6] |= 1 << UInt64($0 & 63) }
        }
        self.count = count
        self.bits = count < block.rows ? bits : nil
        ranges = count < block.rows ? Self.ranges(of: bits) : RowSelection(all: block.rows).ranges
    }

    /// Leaves out the rows of some documents that count until then. Beside what is removed, that costs a look at one bit
    /// a row of the block, which for a full segment are 16 KB.
    mutating func remove(_ places: [Int], of block: CodeBlock) {
        var bits = self.bits ?? Self.allBits(block.rows)
        for place in places {
            count -= block.rowCount(ofDocumentAt: place)
            block.eachRow(ofDocumentAt: place) { bits[$0 >> 6] &= ~(1 << UInt64($0 & 63)) }
        }
        ranges = Self.ranges(of: bits)
        self.bits = bits
    }

    private static func allBits(_ rows: Int) -> [UInt64] {
        var bits = [UInt64](repeating: .max, count: (rows + 63) / 64)
        if rows % 64 > 0 { bits[rows / 64] = 1 << UInt64(rows % 64) - 1 }
        return bits
    }

    /// Ranges that cover all bits set, with gaps of less than 64 rows in them.
    private static func ranges(of bits: [UInt64]) -> [Range<Int>] {
        var ranges: [Range<Int>] = []
        for (word, value) in bits.enumerated() where value != 0 {
            let first = word * 64 + value.trailingZeroBitCount
            let end = word * 64 + 64 - value.leadingZeroBitCount
            if let last = ranges.last, first - last.upperBound < 64 {
                ranges[ranges.count - 1] = last.lowerBound..<end
            } else {
                ranges.append(first..<end)
            }
        }
        return ranges
    }

    @inline(__always)
    func contains(_ row: Int) -> Bool {
        guard let bits else { return true }
        return bits[row >> 6] >> UInt64(row & 63) & 1 == 1
    }
}
