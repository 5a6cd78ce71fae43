import CKernels
import Knowledge

/// One search over snapshots that were picked up already: which plan, what the codes leave, and how near that is.
struct IndexSearch: Sendable {
    /// One in a hundred of those right at the edge is missed at 2.3 deviations; most are above it.
    static let deviations = 2.0
    /// Below this many bytes of codes a second thread costs more than it brings: about 0.2 ms.
    private static let bytesWorthAThread = 8 << 20
    /// Vectors asked from the store at a time.
    private static let fetchRows = 256

    let funnel: Funnel
    private let stretches: [[Funnel.Stretch]]

    var plan: SearchReport.Plan { funnel.coarse == .nibbles ? .exact : .estimated }

    init(
        _ search: NeighbourSearch, parts: [Funnel.Part], threads: Int, kernels: IndexKernels, limits: IndexLimits
    ) {
        let rows = parts.reduce(0) { $0 + $1.selection.count }
        let padded = SegmentLayout.padded(search.query.count)
        let isSmall = rows * padded / 2 <= limits.exactBytes
        let coarse =
            search.precision == .exact || isSmall ? Funnel.Coarse.nibbles : .signs(deviations: Self.deviations)
        funnel = Funnel(
            query: PreparedQuery(search.query), parts: parts, limit: min(search.limit, rows), coarse: coarse,
            kernels: kernels)
        let bytesPerRow = coarse == .nibbles ? padded / 2 : padded / 8
        stretches = Self.shares(of: parts, threads: threads, rowsWorthAThread: Self.bytesWorthAThread / bytesPerRow)
    }

    /// All rows that may count in about equal shares, one per thread that is worth it.
    private static func shares(
        of parts: [Funnel.Part], threads: Int, rowsWorthAThread: Int
    ) -> [[Funnel.Stretch]] {
        var all: [Funnel.Stretch] = []
        for (number, part) in parts.enumerated() {
            let block = part.segment.block
            for range in part.selection.ranges {
                var group = block.group(ofRow: range.lowerBound)
                var start = range.lowerBound
                while start < range.upperBound {
                    let end = min(block.rows(ofGroup: group).upperBound, range.upperBound)
                    if end > start { all.append(Funnel.Stretch(part: number, group: group, rows: start..<end)) }
                    start = max(start, end)
                    group += 1
                }
            }
        }
        let total = all.reduce(0) { $0 + $1.rows.count }
        let count = min(threads, max(1, total / rowsWorthAThread))
        let size = (total + count - 1) / count
        var shares: [[Funnel.Stretch]] = [[]]
        var room = size
        for var stretch in all {
            while !stretch.rows.isEmpty {
                if room == 0 {
                    shares.append([])
                    room = size
                }
                var taken = stretch
                taken.rows = stretch.rows.prefix(room)
                shares[shares.count - 1].append(taken)
                room -= taken.rows.count
                stretch.rows = stretch.rows.dropFirst(taken.rows.count)
            }
        }
        return shares
    }

    /// Where the vectors of what is left are read from.
    typealias Fetch = @Sendable (_ chunks: [ChunkID], _ base: KnowledgeBaseID) async throws -> [[Float]?]

    /// - Returns: nil where a row has gone since the snapshot was taken.
    func run(on workers: Workers, fetch: Fetch) async throws -> FoundNeighbours? {
        var sieve: Sieve
        if stretches.count == 1 {
            // The common case in one go: everything in memory, one thread.
            let (found, done) = try await workers.run {
                let sieve = funnel.sift(stretches[0])
                return (sieve, rescoredInMemory(sieve))
            }
            if let done { return done }
            sieve = found
        } else {
            sieve = Sieve(limit: funnel.limit)
            try await withThrowingTaskGroup(of: Sieve.self) { group in
                for share in stretches { group.addTask { try await workers.run { funnel.sift(share) } } }
                for try await found in group { sieve.merge(found) }
            }
            if let done = rescoredInMemory(sieve) { return done }
        }
        return try await rescored(sieve, fetch: fetch)
    }

    // MARK: - In float32

    /// nil where a vector is not in memory.
    private func rescoredInMemory(_ sieve: Sieve) -> FoundNeighbours? {
        guard sieve.candidates.allSatisfy({ funnel.parts[$0.part].segment.block.floats != nil }) else { return nil }
        var best = TopNeighbours(limit: funnel.limit)
        for candidate in sieve.candidates {
            let block = funnel.parts[candidate.part].segment.block
            guard let floats = block.floats else { continue }
            offer(candidate, floats.base + candidate.row * block.dimension, to: &best)
        }
        return found(best, sieve)
    }

    private func rescored(_ sieve: Sieve, fetch: Fetch) async throws -> FoundNeighbours? {
        var best = TopNeighbours(limit: funnel.limit)
        for (part, candidates) in Dictionary(grouping: sieve.candidates, by: \.part) {
            let block = funnel.parts[part].segment.block
            for start in stride(from: 0, to: candidates.count, by: Self.fetchRows) {
                let some = candidates[start..<min(start + Self.fetchRows, candidates.count)]
                if let floats = block.floats {
                    for candidate in some { offer(candidate, floats.base + candidate.row * block.dimension, to: &best) }
                    continue
                }
                let vectors = try await fetch(some.map { block.chunk(ofRow: $0.row) }, funnel.parts[part].base)
                for (candidate, vector) in zip(some, vectors) {
                    guard let vector, vector.count == block.dimension else { return nil }
                    offer(candidate, vector, to: &best)
                }
            }
        }
        return found(best, sieve)
    }

    private func offer(_ candidate: Sieve.Candidate, _ vector: UnsafePointer<Float>, to best: inout TopNeighbours) {
        let similarity = funnel.kernels.dot(funnel.query.vector.base, vector, funnel.query.dimension)
        best.offer(
            .init(
                // A stored vector that is no number is found last, not never.
                similarity: similarity.isNaN ? -1 : similarity,
                chunk: funnel.parts[candidate.part].segment.block.chunk(ofRow: candidate.row),
                segment: candidate.part, row: candidate.row))
    }

    private func found(_ best: TopNeighbours, _ sieve: Sieve) -> FoundNeighbours {
        let neighbours = best.sorted().map { hit in
            Neighbour(
                knowledgeBase: funnel.parts[hit.segment].base,
                document: funnel.parts[hit.segment].segment.block.document(ofRow: hit.row), chunk: hit.chunk,
                similarity: min(max(hit.similarity, -1), 1))
        }
        let padded = funnel.query.digits.padded
        let report = SearchReport(
            plan: plan, kernel: funnel.kernels.name, isExact: funnel.coarse == .nibbles, scanned: sieve.scanned,
            refined: sieve.refined, rescored: sieve.candidates.count,
            bytes: sieve.scanned * (funnel.coarse == .nibbles ? padded / 2 : padded / 8) + sieve.scanned * 8
                + sieve.refined * padded + sieve.candidates.count * funnel.query.dimension * 4)
        return FoundNeighbours(neighbours: neighbours, report: report)
    }
}
