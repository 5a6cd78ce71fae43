package import Knowledge
import Synchronization

/// Exact search: the dot product of the query with every vector, by SIMD kernels on worker threads.
///
/// A knowledge base is loaded when it is first searched; from then on each search applies what has changed. Searches
/// scan an immutable snapshot and take a lock only to pick it up, so that they neither wait for each other nor see half
/// a document.
package final class FlatIndex: PassageIndex {
    /// Vectors asked from the store at a time: 25 MB of 384 floats.
    private static let loadStep = 16_384

    private struct Held {
        var snapshot = Snapshot()
        /// The one load under way; whoever else wants the knowledge base waits for it too.
        var loading: Task<Snapshot, any Error>?
    }

    private let store: any VectorStore
    private let workers: Workers
    private let kernels: Kernels
    private let bases = Mutex<[KnowledgeBaseID: Held]>([:])

    /// - Parameter workers: Where vectors are copied and compared.
    package convenience init(store: any VectorStore, workers: Workers) {
        self.init(store: store, workers: workers, kernels: .best)
    }

    init(store: any VectorStore, workers: Workers, kernels: Kernels) {
        self.store = store
        self.workers = workers
        self.kernels = kernels
    }

    /// The instruction set in use: `portable`, `avx2`, `avx512` or `neon`.
    package var kernel: String { kernels.name }

    /// Bytes of vectors held in memory, those of removed documents that were not given back yet included.
    package var bytes: Int {
        bases.withLock { $0.values.reduce(0) { $0 + $1.snapshot.bytes } }
    }

    /// Lets go of what is held of a knowledge base, as when it was removed. A later search would load it again.
    package func forget(_ base: KnowledgeBaseID) {
        bases.withLock { $0[base] = nil }
    }

    /// - Throws: `VectorIndexError`; what the store throws; `CancellationError`.
    package func search(_ search: NeighbourSearch) async throws -> FoundNeighbours {
        let segments = try await parts(of: search.bases, for: search.query)
        guard search.limit > 0, !segments.isEmpty, search.documents?.documents.isEmpty != true else {
            return FoundNeighbours(
                neighbours: [], report: SearchReport(plan: .none, kernel: kernels.name, isExact: true))
        }
        let rows = segments.reduce(0) { $0 + $1.segment.liveRows }
        return FoundNeighbours(
            neighbours: try await Scan(query: search.query, parts: segments, limit: search.limit, kernels: kernels)
                .run(documents: search.documents?.documents, on: workers),
            report: SearchReport(plan: .exact, kernel: kernels.name, isExact: true, scanned: rows, rescored: rows))
    }

    /// - Throws: As `search`.
    package func similarities(of places: [ChunkPlace], to query: [Float]) async throws -> [Neighbour] {
        let parts = try await parts(of: places.map(\.knowledgeBase), for: query)
        guard !parts.isEmpty else { return [] }
        let scan = Scan(query: query, parts: parts, limit: places.count, kernels: kernels)
        return try await workers.run { scan.similarities(of: places) }
    }

    /// The segments of these knowledge bases, each once.
    private func parts(of bases: [KnowledgeBaseID], for query: [Float]) async throws -> [Scan.Part] {
        guard query.allSatisfy(\.isFinite) else { throw VectorIndexError.queryNotFinite }
        var parts: [Scan.Part] = []
        var seen: Set<KnowledgeBaseID> = []
        for base in bases where seen.insert(base).inserted {
            let snapshot = try await snapshot(of: base)
            if let dimension = snapshot.dimension, dimension != query.count {
                throw VectorIndexError.queryDoesNotFit(base, expected: dimension, found: query.count)
            }
            parts += snapshot.segments.map { Scan.Part(base: base, segment: $0) }
        }
        return parts
    }

    // MARK: - Following the store

    private enum Next {
        case ready(Snapshot)
        /// Somebody else's load, which may have begun before the change that is wanted.
        case wait(Task<Snapshot, any Error>)
        case own(Task<Snapshot, any Error>)
    }

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
            case .wait(let load): _ = try await load.value
            case .own(let load): return try await load.value
            }
        }
    }

    private func next(for base: KnowledgeBaseID, wanted: Int64) -> Next {
        bases.withLock { bases in
            let held = bases[base, default: Held()]
            if held.snapshot.revision >= wanted { return .ready(held.snapshot) }
            if let load = held.loading { return .wait(load) }
            // Not a child of the search that began it: others wait for it too when that search is cancelled.
            let load = Task { try await self.load(base, onto: held.snapshot) }
            bases[base] = Held(snapshot: held.snapshot, loading: load)
            return .own(load)
        }
    }

    /// Applies all changes, publishing every step, so that a load that fails is taken up where it stopped.
    private func load(_ base: KnowledgeBaseID, onto held: Snapshot) async throws -> Snapshot {
        defer { bases.withLock { $0[base]?.loading = nil } }
        var snapshot = held
        while true {
            let changes = try await store.changes(in: base, after: snapshot.revision, limit: Self.loadStep)
            guard changes.isComplete || changes.revision > snapshot.revision else {
                throw VectorIndexError.storeDoesNotAdvance(base)
            }
            snapshot = try await workers.run { [snapshot] in try snapshot.applying(changes, in: base) }
            bases.withLock { [snapshot] in $0[base]?.snapshot = snapshot }
            if changes.isComplete { break }
        }
        await forgetIfGone(other: base)
        return snapshot
    }

    /// Nobody searches a knowledge base that was removed, so each load also looks after one other, picked at random.
    private func forgetIfGone(other base: KnowledgeBaseID) async {
        guard let other = bases.withLock({ $0.keys.randomElement() }), other != base else { return }
        if let revision = try? await store.revision(of: other), revision == 0 { forget(other) }
    }
}
