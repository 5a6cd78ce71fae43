import Dispatch
import Knowledge
import Testing

@testable import Vectors

@Suite("Searches that wait for a thread")
struct SharedScanTests {
    private static let dimension = 64
    private let store = LoggedStore()
    private let base = KnowledgeBaseID.random()

    private func document(_ number: Int, _ generator: inout SeededGenerator) -> DocumentVectors {
        DocumentVectors(
            document: DocumentID(rawValue: "doc_\(number)"), chunks: (0..<100).map { ChunkID(Int64(number * 100 + $0)) },
            vectors: (0..<100).flatMap { _ in [Float].random(Self.dimension, using: &generator).unit })
    }

    @Test("find together what each finds alone, whatever they ask for", arguments: [0, 6 << 20], [1, 3])
    func findTheSame(_ exactBytes: Int, _ threads: Int) async throws {
        var generator = SeededGenerator(21)
        for number in 0..<20 { store.put(document(number, &generator), in: base) }
        var limits = IndexLimits()
        limits.exactBytes = exactBytes
        let workers = Workers(count: threads, name: "test")
        let index = VectorIndex(store: store, workers: workers, limits: limits)
        let some = DocumentFilter([DocumentID(rawValue: "doc_3"), DocumentID(rawValue: "doc_11")])
        let precisions: [NeighbourSearch.Precision] = [.automatic, .exact, .coded]
        let searches = (0..<60).map { number in
            NeighbourSearch(
                query: [Float].random(Self.dimension, using: &generator).unit, bases: [base],
                documents: number % 5 == 0 ? some : nil, limit: [1, 10, 50][number % 3],
                precision: precisions[number / 3 % 3])
        }
        var alone: [FoundNeighbours] = []
        for search in searches { alone.append(try await index.search(search)) }

        let isOver = DispatchSemaphore(value: 0)
        for _ in 0..<threads { workers.submit(.urgent) { isOver.wait() } }
        let together = try await withThrowingTaskGroup(of: (Int, FoundNeighbours)?.self) { group in
            for (number, search) in searches.enumerated() {
                group.addTask { (number, try await index.search(search)) }
            }
            group.addTask {
                // Filters are worked out on the same threads, so that those searches come later.
                while index.waitingScans < 48 { await Task.yield() }
                for _ in 0..<threads { isOver.signal() }
                return nil
            }
            var found: [Int: FoundNeighbours] = [:]
            for try await case (let number, let neighbours)? in group { found[number] = neighbours }
            return found
        }
        for (number, found) in alone.enumerated() {
            #expect(together[number]?.neighbours == found.neighbours)
            #expect(together[number]?.report.plan == found.report.plan)
        }
    }

    @Test("read lap after lap and lose nothing", arguments: [Funnel.Coarse.nibbles, .signs(deviations: 6)], [1, 4_096])
    func readInLaps(_ coarse: Funnel.Coarse, _ lapBytes: Int) {
        var generator = SeededGenerator(23)
        let segments = (0..<3).map { part in
            let documents = (part * 20..<part * 20 + 20).map { document($0, &generator) }
            return Segment(.flat(VectorRows(documents, dimension: Self.dimension), keepsFloats: true))
        }
        let parts = segments.map { Funnel.Part(base: base, segment: $0, selection: $0.live) }
        let stretches = parts.indices.map { Funnel.Stretch(part: $0, group: 0, rows: 0..<segments[$0].block.rows) }
        let queries = (0..<5).map { _ in [Float].random(Self.dimension, using: &generator).unit }
        let funnels = queries.map {
            Funnel(query: PreparedQuery($0), parts: parts, limit: 10, coarse: coarse, kernels: .best)
        }
        for (query, sieve) in zip(queries, Funnel.sift(funnels, stretches, lapBytes: lapBytes)) {
            var truth = BruteForce(queries: [query], limit: 10)
            for segment in segments {
                for document in segment.documents {
                    guard let vectors = segment.vectors(of: document.document) else { continue }
                    truth.add(vectors.vectors, chunks: vectors.chunks)
                }
            }
            let left = Set(sieve.candidates.map { segments[$0.part].block.chunk(ofRow: $0.row) })
            #expect(left.isSuperset(of: truth.nearest[0].map(\.chunk)))
            #expect(sieve.scanned == 6_000 && left.count < 1_000)
        }
    }

    @Test("share only with those that look at the same rows by the same codes")
    func keepApart() async throws {
        var generator = SeededGenerator(22)
        let before = try Snapshot().applying(
            VectorChanges(revision: 1, isComplete: true, removed: [], added: [document(0, &generator)]), in: base)
        let after = try before.applying(
            VectorChanges(revision: 2, isComplete: true, removed: [], added: [document(1, &generator)]), in: base)
        let (one, other) = (DocumentFilter([DocumentID(rawValue: "doc_0")]), DocumentFilter([DocumentID(rawValue: "doc_0")]))
        func key(_ snapshots: [Snapshot], _ documents: DocumentFilter? = nil, _ coarse: Funnel.Coarse = .nibbles, share: Int = 0, of shares: Int = 2) -> ScanKey {
            ScanKey(snapshots: snapshots.map(\.filters), documents: documents, coarse: coarse, share: share, shares: shares)
        }
        #expect(key([before]) == key([before]) && key([before], one) == key([before], one))
        let different = [
            key([before]), key([after]), key([before, after]), key([after, before]), key([before], one), key([before], other),
            key([before], nil, .signs(deviations: 2)), key([before], share: 1), key([before], of: 1),
        ]
        #expect(Set(different).count == different.count)
    }

    @Test("end at once when they are cancelled, and the others are answered")
    func areCancelled() async throws {
        var generator = SeededGenerator(24)
        store.put(document(0, &generator), in: base)
        let workers = Workers(count: 1, name: "test")
        let index = VectorIndex(store: store, workers: workers)
        let search = NeighbourSearch(
            query: [Float].random(Self.dimension, using: &generator).unit, bases: [base], limit: 5)
        _ = try await index.search(search)
        let isOver = DispatchSemaphore(value: 0)
        workers.submit(.urgent) { isOver.wait() }
        let stays = Task { try await index.search(search) }
        let leaves = Task { try await index.search(search) }
        while index.waitingScans < 2 { await Task.yield() }
        leaves.cancel()
        await #expect(throws: CancellationError.self) { try await leaves.value }
        #expect(index.waitingScans == 1)
        isOver.signal()
        #expect(try await stays.value.neighbours.count == 5)
    }
}
