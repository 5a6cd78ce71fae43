import CKernels
import Knowledge

/// One query against the rows of all its knowledge bases, through ever finer codes.
///
/// Every row has a coarse code, which tells its similarity to within a known error. Rows whose similarity cannot reach
/// the k-th best are left out; the others are looked at again in eight bits, which tells it to within about 0.007, and
/// those that may still be among the best are compared in float32. The k-th best, on which all depends, is the k-th
/// greatest of what similarities are at least. With four-bit codes the error is bounded by the Cauchy-Schwarz inequality
/// (the length of the query times the length of what the code leaves over), so that the result is provably that of
/// comparing every row. One-bit codes (RaBitQ, Gao and Long, arXiv 2405.12497) are read four times as fast, but of their
/// error only the standard deviation is known.
struct Funnel: Sendable {
    struct Part: Sendable {
        var base: KnowledgeBaseID
        var segment: Segment
        var selection: RowSelection
    }

    enum Coarse: Hashable, Sendable {
        /// Four bits and a bound that holds.
        case nibbles
        /// One bit and a bound that holds but for one in `deviations`' normal tail.
        case signs(deviations: Double)
    }

    /// Rows of one group that one thread looks at.
    struct Stretch: Sendable {
        var part: Int
        var group: Int
        var rows: Range<Int>
    }

    /// Rows whose coarse codes are read at a time; their sums stay in the first-level cache.
    private static let unitRows = 1_024
    /// The first units are shorter: until there is a k-th best, every row goes on to the next stage.
    private static let firstUnitRows = 64

    let query: PreparedQuery
    let parts: [Part]
    let limit: Int
    let coarse: Coarse
    let kernels: IndexKernels

    /// What is left of these rows after the coarse and the fine codes.
    func sift(_ stretches: [Stretch]) -> Sieve {
        var sieve = Sieve(limit: limit)
        var unit = Self.firstUnitRows
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: Self.unitRows + 16) { sums in
            withUnsafeTemporaryAllocation(of: UInt32.self, capacity: Self.unitRows + 16) { selected in
                guard let sums = sums.baseAddress, let selected = selected.baseAddress else { return }
                for stretch in stretches {
                    let group = Group(self, stretch)
                    var rest = stretch.rows
                    while !rest.isEmpty {
                        let rows = rest.prefix(unit)
                        sift(rows, of: stretch.part, group, sums, selected, &sieve)
                        rest = rest.dropFirst(rows.count)
                        unit = min(unit * 2, Self.unitRows)
                    }
                }
            }
        }
        sieve.prune()
        return sieve
    }

    /// What all rows of a group have in common for this query.
    private struct Group {
        /// The product of the query and the centre.
        var centre: Double
        /// How far anything can be off beside what a row's own radius says.
        var slack: Double
        /// Of the upper digits alone, and of both: what rounding the query adds.
        var upperRest: Double
        var bothRest: Double

        init(_ funnel: Funnel, _ stretch: Stretch) {
            let block = funnel.parts[stretch.part].segment.block
            let query = funnel.query
            centre = Double(
                funnel.kernels.dot(
                    query.vector.base, block.centres + stretch.group * block.dimension, block.dimension))
            let length = Double(block.groupLengths[stretch.group]) * (1 + 1e-6)
            // A row is at most as long as its approximation and what that leaves over, which is less.
            slack = query.slack(reach: 2 * length + block.centreLength)
            upperRest = query.upperRest * length
            bothRest = query.bothRest * length
        }
    }

    private func sift(
        _ rows: Range<Int>, of number: Int, _ group: Group, _ sums: UnsafeMutablePointer<Int32>,
        _ selected: UnsafeMutablePointer<UInt32>, _ sieve: inout Sieve
    ) {
        let block = parts[number].segment.block
        let first = rows.lowerBound
        var digits = query.digits
        var bound = kern_index_bound()
        bound.threshold = sieve.threshold.roundedDown
        let count: Int
        switch coarse {
        case .nibbles:
            let half = digits.padded / 2
            kernels.codes.pointee.scan_nibbles(&digits, block.high + first * half, rows.count, sums)
            bound.slope = Float(query.step * 128 * 8)
            bound.bias = Int32(15 * query.upperSum)
            bound.base = (group.centre + group.upperRest + group.slack).roundedUp
            bound.reach = query.length.roundedUp
            count = kernels.codes.pointee.select(
                &bound, sums, block.scales + first, block.nibbleRadii + first, rows.count, selected)
        case .signs(let deviations):
            let words = digits.padded / 64
            let blocks = first / 8..<(rows.upperBound + 7) / 8
            kernels.codes.pointee.scan_signs(
                &digits, block.signs + blocks.lowerBound * 8 * words, blocks.count, sums)
            bound.slope = Float(query.planeStep)
            bound.bias = Int32(query.planeSum)
            bound.base = group.centre.roundedUp
            bound.reach = (query.length * deviations).roundedUp
            count = kernels.codes.pointee.select(
                &bound, sums + first % 8, block.signScales + first, block.signRadii + first, rows.count, selected)
        }
        sieve.scanned += rows.count
        for index in 0..<count {
            let row = first + Int(selected[index])
            guard parts[number].selection.contains(row) else { continue }
            refine(row, of: number, block, group, &digits, &sieve)
        }
    }

    /// Bounds a row's similarity by its eight-bit code.
    private func refine(
        _ row: Int, of number: Int, _ block: CodeBlock, _ group: Group, _ digits: inout kern_index_query,
        _ sieve: inout Sieve
    ) {
        let half = digits.padded / 2
        var sums: (Int32, Int32) = (0, 0)
        withUnsafeMutableBytes(of: &sums) { raw in
            guard let base = raw.assumingMemoryBound(to: Int32.self).baseAddress else { return }
            kernels.codes.pointee.dot_bytes(&digits, block.high + row * half, block.low + row * half, base)
        }
        // Bytes stand for scale * (byte - 127.5).
        let steps = 2 * (128 * Int(sums.0) + Int(sums.1)) - 255 * query.bothSum
        let similarity = group.centre + Double(block.scales[row]) * query.step * 0.5 * Double(steps)
        let radius = query.length * Double(block.byteRadii[row]) + group.bothRest + group.slack
        sieve.offer(part: number, row: row, atLeast: similarity - radius, atMost: similarity + radius)
    }
}

extension Double {
    fileprivate var roundedUp: Float {
        let near = Float(self)
        return Double(near) < self ? near.nextUp : near
    }

    fileprivate var roundedDown: Float {
        let near = Float(self)
        return Double(near) > self ? near.nextDown : near
    }
}
