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

    /// Rows whose coarse codes are read at a time.
    private static let unitRows = 1_024
    /// The first units are shorter: until there is a k-th best, every row goes on to the next stage.
    private static let firstUnitRows = 64
    /// Rows whose sums are kept for a second look: they stay in the second-level cache.
    private static let lapRows = 65_536
    /// The same in bytes of codes where several queries read them one after the other: then the codes are to stay there, too,
    /// beside the rest; such a cache has 1 MB on Zen 4 and 2 MB on Sapphire Rapids.
    static let sharedLapBytes = 768 << 10

    let query: PreparedQuery
    let parts: [Part]
    let limit: Int
    let coarse: Coarse
    let kernels: IndexKernels

    /// What is left of these rows after the coarse and the fine codes.
    ///
    /// In laps of two looks: the first reads the codes, and at once refines the rows that seem to be among the best, so
    /// that the k-th best is nearly known when the second decides which others need refining.
    func sift(_ stretches: [Stretch]) -> Sieve { Self.sift([self], stretches)[0] }

    /// The same for several queries over the same rows, lap by lap.
    ///
    /// - Parameters:
    ///   - funnels: Alike in parts and coarse codes.
    ///   - lapBytes: Codes of a lap where there are several.
    /// - Returns: One sieve each.
    static func sift(_ funnels: [Funnel], _ stretches: [Stretch], lapBytes: Int = sharedLapBytes) -> [Sieve] {
        var sieves = funnels.map { Sieve(limit: $0.limit) }
        let units = funnels.map { $0.units(of: stretches) }
        let lapRows = funnels.count > 1 ? max(1, lapBytes / max(1, funnels[0].coarseBytes)) : lapRows
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: lapRows + 2 * unitRows) { sums in
            withUnsafeTemporaryAllocation(of: UInt32.self, capacity: unitRows + 16) { selected in
                guard let sums = sums.baseAddress, let selected = selected.baseAddress, let cut = units.first else { return }
                var start = 0
                while start < cut.count {
                    var end = start
                    var rows = 0
                    while end < cut.count, rows < lapRows {
                        rows += cut[end].places
                        end += 1
                    }
                    for number in funnels.indices {
                        funnels[number].lap(units[number][start..<end], sums, selected, &sieves[number])
                    }
                    start = end
                }
            }
        }
        for number in sieves.indices { sieves[number].prune() }
        return sieves
    }

    /// Bytes of a row's coarse code.
    var coarseBytes: Int { coarse == .nibbles ? query.digits.padded / 2 : query.digits.padded / 8 }

    /// Rows of one group that are scanned in one call.
    private struct Unit {
        var part: Int
        var group: Group
        var rows: Range<Int>

        /// Sums that scanning writes: signs come in blocks of eight.
        var places: Int { (rows.upperBound + 7) / 8 * 8 - rows.lowerBound / 8 * 8 }
    }

    private func units(of stretches: [Stretch]) -> [Unit] {
        var units: [Unit] = []
        var size = Self.firstUnitRows
        // Thousands of clusters may be of one block.
        var (part, block) = (-1, nil as CodeBlock?)
        for stretch in stretches {
            if part != stretch.part { (part, block) = (stretch.part, parts[stretch.part].segment.block) }
            guard let block else { continue }
            let group = Group(stretch.group, of: block, query, kernels)
            var rest = stretch.rows
            while !rest.isEmpty {
                units.append(Unit(part: stretch.part, group: group, rows: rest.prefix(size)))
                rest = rest.dropFirst(size)
                size = min(size * 2, Self.unitRows)
            }
        }
        return units
    }

    private func lap(
        _ units: ArraySlice<Unit>, _ sums: UnsafeMutablePointer<Int32>, _ selected: UnsafeMutablePointer<UInt32>,
        _ sieve: inout Sieve
    ) {
        var digits = query.digits
        /// What the first look refined, unit after unit, in the order of rows.
        var refined: [[UInt32]] = []
        var place = sums
        for unit in units {
            scan(unit, &digits, place)
            let count = select(unit, place, reach: 0, slack: 0, sieve.threshold, selected)
            refined.append(refine(count, selected, besides: [], of: unit, &digits, &sieve))
            place += unit.places
        }
        place = sums
        for (unit, known) in zip(units, refined) {
            look(again: unit, place, known, selected, &digits, &sieve)
            place += unit.places
        }
    }

    /// The similarity of a row by its eight-bit code; nil where the row does not count.
    func similarity(ofRow row: Int, inPart part: Int) -> Double? {
        let block = parts[part].segment.block
        let unit = Unit(
            part: part, group: Group(block.group(ofRow: row), of: block, query, kernels), rows: row..<row + 1)
        var (first, digits, sieve) = (UInt32(0), query.digits, Sieve(limit: 1))
        _ = refine(1, &first, besides: [], of: unit, &digits, &sieve)
        return sieve.candidates.first?.similarity
    }

    private func look(
        again unit: Unit, _ sums: UnsafePointer<Int32>, _ known: [UInt32],
        _ selected: UnsafeMutablePointer<UInt32>, _ digits: inout kern_index_query, _ sieve: inout Sieve
    ) {
        let reach: Double
        let slack: Double
        switch coarse {
        case .nibbles: (reach, slack) = (query.length, unit.group.upperRest + unit.group.slack)
        case .signs(let deviations): (reach, slack) = (query.length * deviations, 0)
        }
        let count = select(unit, sums, reach: reach, slack: slack, sieve.threshold, selected)
        _ = refine(count, selected, besides: known, of: unit, &digits, &sieve)
        sieve.scanned += unit.rows.count
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

        init(_ number: Int, of block: CodeBlock, _ query: PreparedQuery, _ kernels: IndexKernels) {
            centre = Double(
                kernels.dot(query.vector.base, block.centres + number * block.dimension, block.dimension))
            let length = Double(block.groupLengths[number]) * (1 + 1e-6)
            // A row is at most as long as its approximation and what that leaves over, which is less.
            slack = query.slack(reach: 2 * length + block.centreLength)
            upperRest = query.upperRest * length
            bothRest = query.bothRest * length
        }
    }

    private func scan(_ unit: Unit, _ digits: inout kern_index_query, _ sums: UnsafeMutablePointer<Int32>) {
        let block = parts[unit.part].segment.block
        switch coarse {
        case .nibbles:
            let first = block.high + unit.rows.lowerBound * (digits.padded / 2)
            kernels.codes.pointee.scan_nibbles(&digits, first, unit.rows.count, sums)
        case .signs:
            let first = block.signs + unit.rows.lowerBound / 8 * 8 * (digits.padded / 64)
            kernels.codes.pointee.scan_signs(&digits, first, unit.places / 8, sums)
        }
    }

    /// The rows of a unit whose estimate, with `reach` radii and the slack added, does not stay below the threshold.
    private func select(
        _ unit: Unit, _ sums: UnsafePointer<Int32>, reach: Double, slack: Double, _ threshold: Double,
        _ selected: UnsafeMutablePointer<UInt32>
    ) -> Int {
        let block = parts[unit.part].segment.block
        let first = unit.rows.lowerBound
        var bound = kern_index_bound()
        bound.threshold = threshold.roundedDown
        bound.base = (unit.group.centre + slack).roundedUp
        bound.reach = reach.roundedUp
        switch coarse {
        case .nibbles:
            bound.slope = Float(query.step * 128 * 8)
            bound.bias = Int32(15 * query.upperSum)
            return kernels.codes.pointee.select(
                &bound, sums, block.scales + first, block.nibbleRadii + first, unit.rows.count, selected)
        case .signs:
            bound.slope = Float(query.planeStep)
            bound.bias = Int32(query.planeSum)
            return kernels.codes.pointee.select(
                &bound, sums + first % 8, block.signScales + first, block.signRadii + first, unit.rows.count, selected)
        }
    }

    /// Bounds the similarity of a unit's rows by their eight-bit codes.
    ///
    /// - Parameters:
    ///   - selected: `count` numbers within the unit, rising.
    ///   - known: Rising too; left out.
    /// - Returns: Those that were refined.
    private func refine(
        _ count: Int, _ selected: UnsafeMutablePointer<UInt32>, besides known: [UInt32], of unit: Unit,
        _ digits: inout kern_index_query, _ sieve: inout Sieve
    ) -> [UInt32] {
        guard count > 0 else { return [] }
        let selection = parts[unit.part].selection
        var rows: [UInt32] = []
        var next = 0
        for index in 0..<count {
            let row = selected[index]
            while next < known.count, known[next] < row { next += 1 }
            let isKnown = next < known.count && known[next] == row
            if !isKnown, selection.contains(unit.rows.lowerBound + Int(row)) { rows.append(row) }
        }
        guard !rows.isEmpty else { return [] }
        let block = parts[unit.part].segment.block
        let first = unit.rows.lowerBound
        let half = digits.padded / 2
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: 2 * rows.count) { sums in
            guard let base = sums.baseAddress else { return }
            kernels.codes.pointee.dot_bytes(
                &digits, block.high + first * half, block.low + first * half, rows, rows.count, base)
            let rest = unit.group.bothRest + unit.group.slack
            for (index, number) in rows.enumerated() {
                let row = first + Int(number)
                // Bytes stand for scale * (byte - 127.5).
                let steps = 2 * (128 * Int(base[2 * index]) + Int(base[2 * index + 1])) - 255 * query.bothSum
                let similarity = unit.group.centre + Double(block.scales[row]) * query.step * 0.5 * Double(steps)
                let radius = query.length * Double(block.byteRadii[row]) + rest
                sieve.offer(part: unit.part, row: row, similarity: similarity, radius: radius)
            }
        }
        return rows
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
