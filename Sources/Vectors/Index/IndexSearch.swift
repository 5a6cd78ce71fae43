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

    /// Of a clustered search's rows, how many must count: with fewer, what is near may be in clusters that are not.
    private static let leastSelectivity = 0.5
    /// Looking at clusters pays where there are so many times fewer rows in those that count.
    private static let leastSaving = 3

    let funnel: Funnel
    let plan: SearchReport.Plan
    private let isCoded: Bool
    private let stretches: [[Funnel.Stretch]]
    private let key: ScanKey

    /// - Parameters:
    ///   - parts: What counts of the snapshots, in their order.
    ///   - usesClusters: Whether looking at some clusters only is allowed.
    init(
        _ search: NeighbourSearch, of snapshots: [Snapshot], parts: [Funnel.Part], threads: Int, kernels: IndexKernels,
        limits: IndexLimits, usesClusters: Bool = true
    ) {
        let rows = parts.reduce(0) { $0 + $1.selection.count }
        let padded = SegmentLayout.padded(search.query.count)
        let isSmall = rows * padded / 2 <= limits.exactBytes
        let clustered = parts.filter { Self.reach(of: $0, search.limit, limits) != nil }
        let isSelective =
            Double(clustered.reduce(0) { $0 + $1.selection.count })
            < Double(clustered.reduce(0) { $0 + $1.segment.block.rows }) * Self.leastSelectivity
        let isLarge = usesClusters && rows >= limits.clusterRows && !clustered.isEmpty && !isSelective
        isCoded = search.precision == .coded
        plan = search.precision == .exact || isSmall ? .exact : isLarge ? .clustered : .estimated
        let coarse = plan == .exact ? Funnel.Coarse.nibbles : .signs(deviations: Self.deviations)
        funnel = Funnel(
            query: PreparedQuery(search.query), parts: parts, limit: min(search.limit, rows), coarse: coarse,
            kernels: kernels)
        key = ScanKey(snapshots: snapshots.map(\.filters), documents: search.documents, coarse: coarse)
        let all = plan == .clustered ? Self.near(funnel, limits) : parts.indices.flatMap { Self.all($0, parts[$0]) }
        stretches = Self.shares(of: all, threads: threads, rowsWorthAThread: Self.bytesWorthAThread / funnel.coarseBytes)
    }

    /// Of a part in clusters, how many rows a search for so many neighbours looks at; nil where it looks at all of them, since
    /// it would be most of them, or because that is not known.
    private static func reach(of part: Funnel.Part, _ limit: Int, _ limits: IndexLimits) -> Int? {
        let block = part.segment.block
        guard block.centroids != nil else { return nil }
        if let probed = limits.probedRows { return probed }
        // Where half of the rows count, the nearest ten of these are about the nearest twenty of all.
        let ofAll = min(limit, block.rows) * block.rows / max(1, part.selection.count)
        return block.reach?.rows(for: ofAll).flatMap { $0 < block.rows / leastSaving ? $0 : nil }
    }

    /// All rows of a part that may count, group after group.
    static func all(_ number: Int, _ part: Funnel.Part) -> [Funnel.Stretch] {
        let block = part.segment.block
        var stretches: [Funnel.Stretch] = []
        for range in part.selection.ranges {
            var group = block.group(ofRow: range.lowerBound)
            var start = range.lowerBound
            while start < range.upperBound {
                let end = min(block.rows(ofGroup: group).upperBound, range.upperBound)
                if end > start { stretches.append(Funnel.Stretch(part: number, group: group, rows: start..<end)) }
                start = max(start, end)
                group += 1
            }
        }
        return stretches
    }

    /// Of each segment the clusters nearest to the query, as far as its reach says, and all rows where nothing is known.
    private static func near(_ funnel: Funnel, _ limits: IndexLimits) -> [Funnel.Stretch] {
        // As many again as are needed to hold the neighbours, where many are wanted.
        let least = 4 * min(funnel.limit, 1 << 40)
        return funnel.parts.enumerated().flatMap { number, part -> [Funnel.Stretch] in
            let block = part.segment.block
            guard let centroids = block.centroids, let reach = reach(of: part, funnel.limit, limits) else {
                return all(number, part)
            }
            var room = max(reach, least)
            // Some may have half as many rows as they should.
            let nearest = centroids.nearest(
                min(centroids.count, 2 * room / limits.clusterSize + 1), to: funnel.query, kernels: funnel.kernels)
            var chosen: [Funnel.Stretch] = []
            for cluster in nearest.sorted(by: { $0.similarity > $1.similarity }) where room > 0 {
                let rows = block.rows(ofGroup: cluster.number)
                if !rows.isEmpty { chosen.append(Funnel.Stretch(part: number, group: cluster.number, rows: rows)) }
                // Where many rows are alike, one cluster has them all, and is not all there is to look at.
                room -= min(rows.count, 4 * limits.clusterSize)
            }
            return chosen
        }
    }

    /// In about equal shares, one per thread that is worth it.
    private static func shares(
        of all: [Funnel.Stretch], threads: Int, rowsWorthAThread: Int
    ) -> [[Funnel.Stretch]] {
        let total = all.reduce(0) { $0 + $1.rows.count }
        let count = min(threads, max(1, total / rowsWorthAThread))
        let size = max(1, (total + count - 1) / count)
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

    /// - Parameter scans: Those of this index.
    /// - Returns: nil where a row has gone since the snapshot was taken.
    func run(on workers: Workers, sharing scans: SharedScans, fetch: Fetch) async throws -> FoundNeighbours? {
        var sieve: Sieve
        if stretches.count == 1 {
            // The common case in one go: everything in memory, one thread.
            let (found, done) = try await sift(0, on: workers, scans) { ($0, rescoredInMemory($0)) }
            if let done { return done }
            sieve = found
        } else {
            sieve = try await withThrowingTaskGroup(of: Sieve.self) { group in
                for share in stretches.indices.dropFirst() { group.addTask { try await sift(share, on: workers, scans) { $0 } } }
                var sieve = try await sift(0, on: workers, scans) { $0 }
                for try await found in group { sieve.merge(found) }
                return sieve
            }
            if let done = rescoredInMemory(sieve) { return done }
        }
        return try await rescored(sieve, fetch: fetch)
    }

    /// Together with others that look at the same rows; which clusters are near, each search has for itself.
    private func sift<Value: Sendable>(
        _ share: Int, on workers: Workers, _ scans: SharedScans, then finish: @escaping @Sendable (Sieve) -> Value
    ) async throws -> Value {
        let stretches = stretches[share]
        if plan == .clustered { return try await workers.run { finish(funnel.sift(stretches)) } }
        var key = key
        (key.share, key.shares) = (share, self.stretches.count)
        return try await scans.sift(funnel, stretches, key, on: workers, then: finish)
    }

    // MARK: - In float32

    /// nil where a vector is not in memory, and its code does not do.
    private func rescoredInMemory(_ sieve: Sieve) -> FoundNeighbours? {
        guard isCoded || sieve.candidates.allSatisfy({ funnel.parts[$0.part].segment.block.floats != nil }) else {
            return nil
        }
        var best = TopNeighbours(limit: funnel.limit)
        for candidate in sieve.candidates {
            let block = funnel.parts[candidate.part].segment.block
            if let floats = block.floats {
                offer(candidate, floats.base + candidate.row * block.dimension, to: &best)
            } else {
                offer(candidate, Float(candidate.similarity), to: &best)
            }
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
                    guard let vector else { return nil }
                    // Damaged: that costs this row only.
                    guard vector.count == block.dimension else { continue }
                    offer(candidate, vector, to: &best)
                }
            }
        }
        return found(best, sieve)
    }

    private func offer(_ candidate: Sieve.Candidate, _ vector: UnsafePointer<Float>, to best: inout TopNeighbours) {
        offer(candidate, funnel.kernels.dot(funnel.query.vector.base, vector, funnel.query.dimension), to: &best)
    }

    private func offer(_ candidate: Sieve.Candidate, _ similarity: Float, to best: inout TopNeighbours) {
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
        let usesCodes = isCoded && sieve.candidates.contains { funnel.parts[$0.part].segment.block.floats == nil }
        let rescored = usesCodes ? 0 : sieve.candidates.count
        let report = SearchReport(
            plan: plan, kernel: funnel.kernels.name, isExact: funnel.coarse == .nibbles && !usesCodes, scanned: sieve.scanned,
            refined: sieve.refined, rescored: rescored,
            bytes: sieve.scanned * funnel.coarseBytes + sieve.scanned * 8
                + sieve.refined * padded + rescored * funnel.query.dimension * 4)
        return FoundNeighbours(neighbours: neighbours, report: report)
    }
}
