import Dispatch
import Knowledge
import Testing

@testable import Vectors

@Suite("Searches that wait for a thread")
struct SharedScanTests {
    private let store = LoggedStore()
    private let base = KnowledgeBaseID.random()

    /// 2,000 vectors in some documents.
    private func fill(_ generator: inout SeededGenerator) {
        for number in 0..<20 {
            store.put(
                DocumentVectors(
                    document: DocumentID(rawValue: "doc_\(number)"), chunks: (0..<100).map { ChunkID(Int64(number * 100 + $0)) },
                    vectors: (0..<100).flatMap { _ in [Float].random(64, using: &generator).unit }),
                in: base)
        }
    }

    @Test("find together what each finds alone, whatever they ask for", arguments: [0, 6 << 20])
    func findTheSame(_ exactBytes: Int) async throws {
        var generator = SeededGenerator(21)
        fill(&generator)
        var limits = IndexLimits()
        limits.exactBytes = exactBytes
        let workers = Workers(count: 1, name: "test")
        let index = VectorIndex(store: store, workers: workers, limits: limits)
        let some = DocumentFilter([DocumentID(rawValue: "doc_3"), DocumentID(rawValue: "doc_11")])
        let precisions: [NeighbourSearch.Precision] = [.automatic, .exact, .coded]
        let searches = (0..<60).map { number in
            NeighbourSearch(
                query: [Float].random(64, using: &generator).unit, bases: [base], documents: number % 5 == 0 ? some : nil,
                limit: [1, 10, 50][number % 3], precision: precisions[number / 3 % 3])
        }
        var alone: [FoundNeighbours] = []
        for search in searches { alone.append(try await index.search(search)) }

        let isOver = DispatchSemaphore(value: 0)
        workers.submit(.urgent) { isOver.wait() }
        let together = try await withThrowingTaskGroup(of: (Int, FoundNeighbours)?.self) { group in
            for (number, search) in searches.enumerated() {
                group.addTask { (number, try await index.search(search)) }
            }
            group.addTask {
                // Filters are worked out on the same thread, so that those searches come later.
                while index.waitingScans < 48 { await Task.yield() }
                isOver.signal()
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

    @Test("of an older and a newer state do not share")
    func keepApart() async throws {
        var generator = SeededGenerator(22)
        fill(&generator)
        let workers = Workers(count: 1, name: "test")
        let index = VectorIndex(store: store, workers: workers)
        let query = [Float].random(64, using: &generator).unit
        let search = NeighbourSearch(query: query, bases: [base], limit: 5)
        #expect(try await index.search(search).neighbours.count == 5)
        let isOver = DispatchSemaphore(value: 0)
        workers.submit(.urgent) { isOver.wait() }
        async let before = index.search(search)
        while index.waitingScans < 1 { await Task.yield() }
        store.put(
            DocumentVectors(document: DocumentID(rawValue: "doc_new"), chunks: [ChunkID(9_999)], vectors: query), in: base)
        async let after = index.search(search)
        isOver.signal()
        #expect(try await !before.neighbours.map(\.chunk).contains(ChunkID(9_999)))
        #expect(try await after.neighbours.first?.chunk == ChunkID(9_999))
    }
}
