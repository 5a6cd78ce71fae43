import CKernels
package import Knowledge
import Synchronization

/// Finds the nearest chunks by codes of their vectors, on worker threads.
///
/// A knowledge base is loaded when it is first searched, from the segments that the store keeps; from then on each
/// search applies what has changed. Searches work on an immutable snapshot and take a lock only to pick it up, so that
/// they neither wait for each other nor see half a document. What gathers is sealed into segments in the background.
package final class VectorIndex: PassageIndex {
    /// Vectors asked from the store at a time: 25 MB of 384 floats.
    private static let loadStep = 16_384
    /// How often a search begins anew because a chunk that it found has gone meanwhile.
    private static let attempts = 4

    let store: any VectorStore
    let segments: (any SegmentStore)?
    let workers: Workers
    let kernels: IndexKernels
    let limits: IndexLimits
    /// Where segments are made: threads of their own that make room for others, so that no search waits for them.
    let upkeepWorkers: Workers
    private let scans = SharedScans()
    let state = Mutex(State())

    /// - Parameters:
    ///   - segments: Where codes are kept; nil: everything stays in memory and is made anew at every start.
    ///   - workers: Where queries are compared and new vectors encoded. As many threads again make segments.
    ///   - kernel: The instruction set's name, for comparisons; nil or one that this machine lacks: the fastest.
    package convenience init(
        store: any VectorStore, segments: (any SegmentStore)? = nil, workers: Workers, kernel: String? = nil,
        limits: IndexLimits = IndexLimits()
    ) {
        self.init(
            store: store, segments: segments, workers: workers,
            kernels: kernel.flatMap(IndexKernels.named) ?? .best, limits: limits)
    }

    init(
        store: any VectorStore, segments: (any SegmentStore)? = nil, workers: Workers, kernels: IndexKernels,
        limits: IndexLimits = IndexLimits()
    ) {
        self.store = store
        self.segments = segments
        self.workers = workers
        self.kernels = kernels
        self.limits = limits
        upkeepWorkers = Workers(count: workers.count, name: "upkeep", niceness: 10)
    }

    /// The instruction set in use: `portable`, `avx2`, `avx512`, `neon` or `neon_dot`.
    package var kernel: String { kernels.name }

    /// Bytes of codes and vectors held in memory, those of removed documents that were not given back yet included.
    package var bytes: Int { state.withLock { $0.bases.values.reduce(0) { $0 + $1.snapshot.bytes } } }

    /// Searches whose scan has not begun. For tests.
    var waitingScans: Int { scans.count }

    /// Lets go of what is held of a knowledge base, as when it was removed. A later search would load it again.
    package func forget(_ base: KnowledgeBaseID) {
        state.withLock { $0.bases[base] = nil }
    }

    /// Lets go of the knowledge bases that nobody searched since then, so that many that are asked now and then cost no
    /// memory in between. A later search loads them again.
    package func release(unusedSince instant: ContinuousClock.Instant) {
        let isAnyGone = state.withLock { state in
            let count = state.bases.count
            state.bases = state.bases.filter { $0.value.lastUse >= instant || $0.value.isBusy }
            return state.bases.count < count
        }
        // Or else 140 MB would stay behind when a thousand small ones are let go of (measured).
        if isAnyGone { upkeepWorkers.submit(.background) { kern_give_back_memory() } }
    }

    // MARK: - Searching

    /// - Throws: `VectorIndexError`; what the store throws; `CancellationError`.
    package func search(_ search: NeighbourSearch) async throws -> FoundNeighbours {
        guard search.query.allSatisfy(\.isFinite) else { throw VectorIndexError.queryNotFinite }
        for _ in 0..<Self.attempts {
            let snapshots = try await snapshots(of: search.bases, for: search.query)
            let parts = try await parts(of: snapshots, documents: search.documents)
            guard search.limit > 0, !parts.isEmpty else {
                let report = SearchReport(plan: .none, kernel: kernels.name, isExact: true)
                return FoundNeighbours(neighbours: [], report: report)
            }
            let held = snapshots.map(\.1)
            let threads = scans.isIdle ? workers.count : 1
            let plan = IndexSearch(
                search, of: held, parts: parts, threads: threads, kernels: kernels, limits: limits)
            guard let found = try await plan.run(on: workers, sharing: scans, fetch: fetch) else { continue }
            if found.neighbours.count == plan.funnel.limit || found.report.plan != .clustered { return found }
            // The clusters looked at had too few.
            let whole = IndexSearch(
                search, of: held, parts: parts, threads: threads, kernels: kernels, limits: limits,
                usesClusters: false)
            if let found = try await whole.run(on: workers, sharing: scans, fetch: fetch) { return found }
        }
        throw VectorIndexError.vectorsMissing
    }

    /// - Throws: As `search`.
    package func similarities(
        of places: [ChunkPlace], to query: [Float], precision: NeighbourSearch.Precision
    ) async throws -> [Neighbour] {
        guard query.allSatisfy(\.isFinite) else { throw VectorIndexError.queryNotFinite }
        let snapshots = try await snapshots(of: places.map(\.knowledgeBase), for: query)
        let (found, missing) = try await workers.run(.urgent) { [self] in
            inMemory(places, query, snapshots, usesCodes: precision == .coded)
        }
        var neighbours = found
        for (base, places) in Dictionary(grouping: missing, by: \.knowledgeBase) {
            for (place, vector) in zip(places, try await fetch(places.map(\.chunk), base)) {
                guard let vector, vector.count == query.count else { continue }
                neighbours.append(neighbour(place, kernels.dot(query, vector, query.count)))
            }
        }
        return neighbours
    }

    /// What memory knows of these chunks, and those that have to be read.
    private func inMemory(
        _ places: [ChunkPlace], _ query: [Float], _ snapshots: [(KnowledgeBaseID, Snapshot)], usesCodes: Bool
    ) -> (found: [Neighbour], missing: [ChunkPlace]) {
        let parts = snapshots.flatMap { base, snapshot in
            snapshot.segments.map { Funnel.Part(base: base, segment: $0, selection: $0.selection(of: nil)) }
        }
        let funnel = usesCodes
            ? Funnel(query: PreparedQuery(query), parts: parts, limit: 1, coarse: .nibbles, kernels: kernels) : nil
        var (found, missing): ([Neighbour], [ChunkPlace]) = ([], [])
        for place in places {
            let known = parts.indices.lazy.filter { parts[$0].base == place.knowledgeBase }
                .compactMap { part in parts[part].segment.row(of: place).map { (part, $0) } }.first
            guard let (part, row) = known else { continue }
            let block = parts[part].segment.block
            guard usesCodes || block.floats != nil else {
                missing.append(place)
                continue
            }
            if let floats = block.floats {
                let vector = floats.base + row * block.dimension
                found.append(neighbour(place, kernels.dot(query, vector, query.count)))
            } else if let similarity = funnel?.similarity(ofRow: row, inPart: part) {
                found.append(neighbour(place, Float(similarity)))
            }
        }
        return (found, missing)
    }

    private func neighbour(_ place: ChunkPlace, _ similarity: Float) -> Neighbour {
        Neighbour(
            knowledgeBase: place.knowledgeBase, document: place.document, chunk: place.chunk,
            similarity: similarity.isNaN ? -1 : min(max(similarity, -1), 1))
    }

    @Sendable
    func fetch(_ chunks: [ChunkID], _ base: KnowledgeBaseID) async throws -> [[Float]?] {
        guard let segments else { return chunks.map { _ in nil } }
        return try await segments.vectors(of: chunks, in: base)
    }

    /// Each of these knowledge bases once, as it is now.
    private func snapshots(
        of bases: [KnowledgeBaseID], for query: [Float]
    ) async throws -> [(KnowledgeBaseID, Snapshot)] {
        var snapshots: [(KnowledgeBaseID, Snapshot)] = []
        var seen: Set<KnowledgeBaseID> = []
        for base in bases where seen.insert(base).inserted {
            let snapshot = try await snapshot(of: base)
            if let dimension = snapshot.dimension, dimension != query.count {
                throw VectorIndexError.queryDoesNotFit(base, expected: dimension, found: query.count)
            }
            snapshots.append((base, snapshot))
        }
        return snapshots
    }

    private func parts(
        of snapshots: [(KnowledgeBaseID, Snapshot)], documents: DocumentFilter?
    ) async throws -> [Funnel.Part] {
        let all: @Sendable () -> [Funnel.Part] = {
            snapshots.flatMap { base, snapshot in
                zip(snapshot.segments, snapshot.filters.selections(of: documents, in: snapshot.segments))
                    .map { segment, selection in Funnel.Part(base: base, segment: segment, selection: selection) }
                    .filter { $0.selection.count > 0 }
            }
        }
        return documents == nil ? all() : try await workers.run(.urgent, all)
    }

    // MARK: - Following the store

    /// The knowledge base as it was when this was called, or newer.
    private func snapshot(of base: KnowledgeBaseID) async throws -> Snapshot {
        let wanted: Int64
        do {
            wanted = try await store.revision(of: base)
        } catch let error as RequestError {
            forget(base)
            throw error
        }
        if wanted == 0 {
            forget(base)
            return Snapshot()
        }
        while true {
            try Task.checkCancellation()
            switch next(for: base, wanted: wanted) {
            case .ready(let snapshot): return snapshot
            case .wait(let change): try await change.value
            }
        }
    }

    private enum Next {
        case ready(Snapshot)
        /// A change under way, which may have begun before the one that is wanted.
        case wait(Task<Void, any Error>)
    }

    private func next(for base: KnowledgeBaseID, wanted: Int64) -> Next {
        state.withLock { state in
            let held = state.use(base)
            if held.snapshot.revision >= wanted { return .ready(held.snapshot) }
            if let change = held.change { return .wait(change) }
            // Not a child of the search that began it: others wait for it too when that search is cancelled.
            let change = Task { try await self.load(base, held) }
            state.bases[base]?.change = change
            return .wait(change)
        }
    }

    /// Applies all changes, publishing every step, so that a load that fails is taken up where it stopped.
    private func load(_ base: KnowledgeBaseID, _ held: Held) async throws {
        var number = held.number
        defer { state.withLock { $0.end(number, of: base) } }
        var snapshot = held.isOpened ? held.snapshot : try await opened(base)
        publish(snapshot, of: base, number)
        while true {
            let changes = try await store.changes(in: base, after: snapshot.revision, limit: Self.loadStep)
            guard changes.isComplete || changes.revision > snapshot.revision else {
                throw VectorIndexError.storeDoesNotAdvance(base)
            }
            if changes.forgottenThrough > max(snapshot.revision, snapshot.begun) {
                // What was removed in between is not known any more. Segments in the making are of what was held before.
                number = state.withLock { $0.renew(number, of: base) }
                snapshot = try await opened(base)
                continue
            }
            snapshot = try await applying(changes, to: snapshot, of: base)
            publish(snapshot, of: base, number)
            if changes.isComplete { break }
        }
        keepUp(base)
        evict(keeping: base)
        await forgetIfGone(other: base)
    }

    /// What the store keeps of a knowledge base, and what should be in there and is not.
    private func opened(_ base: KnowledgeBaseID) async throws -> Snapshot {
        guard let segments else { return Snapshot(begun: try await store.revision(of: base)) }
        let opened = try await SegmentLoad(base: base, store: segments, workers: workers).run()
        var snapshot = opened.snapshot
        for documents in SegmentLoad.steps(of: opened.missing) {
            let vectors = try await segments.vectors(of: documents.map(\.document), in: base)
            let changes = VectorChanges(revision: snapshot.revision, isComplete: false, removed: [], added: vectors)
            snapshot = try await applying(changes, to: snapshot, of: base)
        }
        return snapshot
    }

    /// Where more is to come, what has gathered goes into segments on the way, so that it need not all be in memory.
    private func applying(
        _ changes: VectorChanges, to snapshot: Snapshot, of base: KnowledgeBaseID
    ) async throws -> Snapshot {
        let next = try await workers.run { try snapshot.applying(changes, in: base) }
        guard !changes.isComplete, let upkeep = upkeep(of: base), let dimension = next.dimension,
            next.tailRows * 2 >= limits.segmentRows(dimension: dimension),
            let renewal = try await upkeep.sealed(next)
        else { return next }
        return try await workers.run { renewal.applied(to: next) }
    }

    func publish(_ snapshot: Snapshot, of base: KnowledgeBaseID, _ number: Int) {
        state.withLock { state in
            // A knowledge base that was forgotten meanwhile stays so.
            guard state.bases[base]?.number == number else { return }
            state.bases[base]?.snapshot = snapshot
            state.bases[base]?.isOpened = true
        }
    }

    /// Nobody searches a knowledge base that was removed, so each load also looks after one other, picked at random.
    private func forgetIfGone(other base: KnowledgeBaseID) async {
        guard let other = state.withLock({ $0.bases.keys.randomElement() }), other != base else { return }
        do {
            if try await store.revision(of: other) == 0 { forget(other) }
        } catch is RequestError {
            forget(other)
        } catch {
            // Whoever searches it next will be told.
        }
    }

    /// Lets go of the knowledge bases that were not searched for longest, until the rest fits into the memory allowed.
    private func evict(keeping base: KnowledgeBaseID) {
        state.withLock { state in
            var total = state.bases.values.reduce(0) { $0 + $1.snapshot.bytes }
            guard total > limits.memoryBytes else { return }
            for (other, held) in state.bases.sorted(by: { $0.value.lastUse < $1.value.lastUse })
            where other != base && !held.isBusy && total > limits.memoryBytes {
                state.bases[other] = nil
                total -= held.snapshot.bytes
            }
        }
    }

    /// Loads a knowledge base. For tests and tools.
    func load(_ base: KnowledgeBaseID) async throws {
        _ = try await snapshot(of: base)
    }
}
