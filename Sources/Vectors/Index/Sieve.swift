/// Rows that may be among the best, with bounds of their similarity.
struct Sieve: Sendable {
    struct Candidate: Sendable {
        var part: Int
        var row: Int
        /// By its eight-bit code.
        var similarity: Double
        var atMost: Double
    }

    private let limit: Int
    /// The greatest lower bounds, at most `limit`; a binary heap with the least on top.
    private var floors: [Double] = []
    private(set) var candidates: [Candidate] = []
    /// How many candidates there were after the last pruning.
    private var kept = 0
    /// What the k-th best row reaches at least: nothing below matters.
    private(set) var threshold = -Double.infinity
    /// Rows whose coarse codes were read, and whose fine codes.
    var scanned = 0
    private(set) var refined = 0

    init(limit: Int) {
        self.limit = limit
    }

    /// - Parameter radius: How far `similarity` can be off.
    mutating func offer(part: Int, row: Int, similarity: Double, radius: Double) {
        refined += 1
        let (atLeast, atMost) = (similarity - radius, similarity + radius)
        // Bounds that are no number say nothing.
        guard !(atMost < threshold) else { return }
        candidates.append(
            Candidate(part: part, row: row, similarity: similarity, atMost: atMost.isNaN ? .infinity : atMost))
        raise(atLeast.isNaN ? -.infinity : atLeast)
        if candidates.count > 2 * kept + 4 * limit.clamped + 256 { prune() }
    }

    /// Leaves out what has turned out to be too far.
    mutating func prune() {
        candidates.removeAll { $0.atMost < threshold }
        kept = candidates.count
    }

    /// Puts two sieves of the same search together.
    mutating func merge(_ other: Sieve) {
        for floor in other.floors { raise(floor) }
        candidates += other.candidates
        scanned += other.scanned
        refined += other.refined
        prune()
    }

    private mutating func raise(_ floor: Double) {
        if floors.count < limit {
            floors.append(floor)
            var child = floors.count - 1
            while child > 0, floors[(child - 1) / 2] > floors[child] {
                floors.swapAt(child, (child - 1) / 2)
                child = (child - 1) / 2
            }
        } else if let least = floors.first, floor > least {
            floors[0] = floor
            sink()
        } else {
            return
        }
        if floors.count == limit, let least = floors.first { threshold = least }
    }

    private mutating func sink() {
        var parent = 0
        while true {
            var least = parent
            for child in 2 * parent + 1...2 * parent + 2 where child < floors.count && floors[child] < floors[least] {
                least = child
            }
            guard least != parent else { return }
            floors.swapAt(parent, least)
            parent = least
        }
    }
}

extension Int {
    /// Small enough to calculate with.
    fileprivate var clamped: Int { Swift.min(self, 1 << 40) }
}
