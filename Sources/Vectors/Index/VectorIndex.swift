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

    private struct Held {
        var snapshot = Snapshot()
        /// Whether the store's segments were looked for.
        var isOpened = false
        /// The one change under way; whoever else wants the knowledge base waits for it too.
        var change: Task<Void, any Error>?
        /// Sealing or merging under way.
        var upkeep: Task<Void, Never>?
        /// When it was last searched.
        var lastUse = ContinuousClock.now
    }

    let store: any VectorStore
    let segments: (any SegmentStore)?
    let workers: Workers
    let kernels: IndexKernels
    let limits: IndexLimits
    private let bases = Mutex<[KnowledgeBaseID: Held]>([:])

    /// - Parameters:
    ///   - segments: Where codes are kept; nil: everything stays in memory and is made anew at every start.
    ///   - workers: Where vectors are encoded and compared.
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
    }

    /// The instruction set in use: `portable`, `avx2`, `avx512` or `neon`.
    package var kernel: String { kernels.name }

    /// Bytes of codes and vectors held in memory, those of removed documents that were not given back yet included.
    package var bytes: Int { bases.withLock { $0.values.reduce(0) { $0 + $1.snapshot.bytes } } }

    /// Lets go of what is held of a knowledge base, as when it was removed. A later search would load it again.
    package func forget(_ base: KnowledgeBaseID) {
        bases.withLock { $0[base] = nil }
    }

    /// Lets go of the knowledge bases that nobody searched since then, so that many that are asked now and then cost no
    /// memory in between. A later search loads them again.
    package func release(unusedSince instant: ContinuousClock.Instant) {
        bases.withLock { bases in
            for (base, held) in bases where held.lastUse < instant && held.change == nil && held.upkeep == nil {
                bases[base] = nil
            }
        }
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
            let plan = IndexSearch(search, parts: parts, threads: workers.count, kernels: kernels, limits: limits)
            guard let found = try await plan.run(on: workers, fetch: fetch) else { continue }
            if found.neighbours.count == plan.funnel.limit || found.report.plan != .clustered { return found }
            // The clusters looked at had too few.
            let whole = IndexSearch(
                search, parts: parts, threads: workers.count, kernels: kernels, limits: limits, usesClusters: false)
            if let found = try await whole.run(on: workers, fetch: fetch) { return found }
        }
        throw VectorIndexError.vectorsMissing
    }

    /// - Throws: As `search`.
    package func similarities(of places: [ChunkPlace], to query: [Float]) async throws -> [Neighbour] {
        guard query.allSatisfy(\.isFinite) else { throw VectorIndexError.queryNotFinite }
        let held = Dictionary(
            try await snapshots(of: places.map(\.knowledgeBase), for: query), uniquingKeysWith: { $1 })
        var found: [Neighbour] = []
        var missing: [KnowledgeBaseID: [ChunkPlace]] = [:]
        for place in places {
            for segment in held[place.knowledgeBase]?.segments ?? [] {
                guard let row = segment.row(of: place) else { continue }
                if let floats = segment.block.floats {
                    let vector = floats.base + row * segment.block.dimension
                    found.append(neighbour(place, kernels.dot(query, vector, query.count)))
                } else {
                    missing[place.knowledgeBase, default: []].append(place)
                }
                break
            }
        }
        for (base, places) in missing {
            for (place, vector) in zip(places, try await fetch(places.map(\.chunk), base)) {
                guard let vector, vector.count == query.count else { continue }
                found.append(neighbour(place, kernels.dot(query, vector, query.count)))
            }
        }
        return found
    }

    private func neighbour(_ place: ChunkPlace, _ similarity: Float) -> Neighbour {
        Neighbour(
            knowledgeBase: place.knowledgeBase, document: place.document, chunk: place.chunk,
            similarity: similarity.isNaN ? -1 : min(max(similarity, -1), 1))
    }

    @Sendable
    private func fetch(_ chunks: [ChunkID], _ base: KnowledgeBaseID) async throws -> [[Float]?] {
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
        bases.withLock { bases in
            bases[base, default: Held()].lastUse = .now
            guard let held = bases[base], held.snapshot.revision < wanted else {
                return .ready(bases[base]?.snapshot ?? Snapshot())
            }
            if let change = held.change { return .wait(change) }
            // Not a child of the search that began it: others wait for it too when that search is cancelled.
            let change = Task { try await self.load(base, onto: held.snapshot, isOpened: held.isOpened) }
            bases[base]?.change = change
            return .wait(change)
        }
    }

    /// Applies all changes, publishing every step, so that a load that fails is taken up where it stopped.
    private func load(_ base: KnowledgeBaseID, onto held: Snapshot, isOpened: Bool) async throws {
        defer { bases.withLock { $0[base]?.change = nil } }
        var snapshot = held
        if !isOpened, let segments {
            snapshot = try await SegmentLoad(base: base, store: segments, workers: workers).run()
            publish(snapshot, of: base)
        }
        while true {
            let changes = try await store.changes(in: base, after: snapshot.revision, limit: Self.loadStep)
            guard changes.isComplete || changes.revision > snapshot.revision else {
                throw VectorIndexError.storeDoesNotAdvance(base)
            }
            snapshot = try await workers.run { [snapshot] in try snapshot.applying(changes, in: base) }
            publish(snapshot, of: base)
            if changes.isComplete { break }
            if let segments, snapshot.tailRows >= limits.segmentRows {
                snapshot = try await Upkeep(base: base, store: segments, workers: workers, limits: limits)
                    .sealed(snapshot).applied(to: snapshot)
                publish(snapshot, of: base)
            }
        }
        keepUp(base)
        evict(keeping: base)
        await forgetIfGone(other: base)
    }

    private func publish(_ snapshot: Snapshot, of base: KnowledgeBaseID) {
        bases.withLock { bases in
            // A knowledge base that was forgotten meanwhile stays so.
            bases[base]?.snapshot = snapshot
            bases[base]?.isOpened = true
        }
    }

    /// Nobody searches a knowledge base that was removed, so each load also looks after one other, picked at random.
    private func forgetIfGone(other base: KnowledgeBaseID) async {
        guard let other = bases.withLock({ $0.keys.randomElement() }), other != base else { return }
        do {
            if try await store.revision(of: other) == 0 { forget(other) }
        } catch is RequestError {
            forget(other)
        } catch {
            // Whoever searches it next will be told.
        }
    }

    // MARK: - Upkeep

    /// Seals and merges in the background where it is due.
    private func keepUp(_ base: KnowledgeBaseID) {
        guard let segments else { return }
        let upkeep = Upkeep(base: base, store: segments, workers: workers, limits: limits)
        bases.withLock { bases in
            guard let held = bases[base], held.upkeep == nil, upkeep.isDue(for: held.snapshot) else { return }
            bases[base]?.upkeep = Task {
                // What fails here is tried again after the next change; until then codes stay in memory.
                let renewal = try? await upkeep.run(held.snapshot)
                if let renewal { try? await self.install(renewal, in: base) }
                self.bases.withLock { $0[base]?.upkeep = nil }
                if renewal != nil { self.keepUp(base) }
            }
        }
    }

    /// Waits for its turn among the changes, then swaps the segments.
    private func install(_ renewal: Renewal, in base: KnowledgeBaseID) async throws {
        while true {
            let change = bases.withLock { bases -> (task: Task<Void, any Error>, isOwn: Bool)? in
                guard let held = bases[base] else { return nil }
                if let change = held.change { return (change, false) }
                let change = Task {
                    defer { self.bases.withLock { $0[base]?.change = nil } }
                    let renewed = try await self.workers.run { renewal.applied(to: held.snapshot) }
                    self.publish(renewed, of: base)
                }
                bases[base]?.change = change
                return (change, true)
            }
            guard let change else { return }
            if change.isOwn { return try await change.task.value }
            _ = try? await change.task.value
        }
    }

    /// Loads a knowledge base and waits until nothing is left to seal or merge. For tests and tools.
    package func settle(_ base: KnowledgeBaseID) async throws {
        _ = try await snapshot(of: base)
        keepUp(base)
        while let upkeep = bases.withLock({ $0[base]?.upkeep }) { await upkeep.value }
    }

    /// Lets go of the knowledge bases that were not searched for longest, until the rest fits into the memory allowed.
    private func evict(keeping base: KnowledgeBaseID) {
        bases.withLock { bases in
            var total = bases.values.reduce(0) { $0 + $1.snapshot.bytes }
            guard total > limits.memoryBytes else { return }
            for (other, held) in bases.sorted(by: { $0.value.lastUse < $1.value.lastUse })
            where other != base && held.change == nil && held.upkeep == nil && total > limits.memoryBytes {
                bases[other] = nil
                total -= held.snapshot.bytes
            }
        }
    }
}
