import Foundation
import Knowledge
import Synchronization
import Testing

@testable import Vectors

@Suite("The vector index")
struct VectorIndexTests {
    private let store = LoggedStore()
    private let workers = Workers(count: 2, name: "test")
    private let base = KnowledgeBaseID.random()

    private func document(
        _ number: Int, _ rows: Int, _ dimension: Int, _ nextChunk: inout Int64, _ generator: inout SeededGenerator
    ) -> DocumentVectors {
        let chunks = (0..<rows).map { ChunkID(nextChunk + Int64($0)) }
        nextChunk += Int64(rows)
        let vectors = (0..<rows).flatMap { _ in [Float].random(dimension, using: &generator).unit }
        return DocumentVectors(document: DocumentID(rawValue: "doc_\(number)"), chunks: chunks, vectors: vectors)
    }

    @Test("finds what brute force finds, whatever comes and goes", arguments: [1, 2, 3] as [UInt64])
    func followsChanges(_ seed: UInt64) async throws {
        var generator = SeededGenerator(seed)
        var nextChunk: Int64 = 1
        let bases = [base, KnowledgeBaseID.random()]
        let index = VectorIndex(store: store, workers: workers)
        for _ in 0..<60 {
            if Int.random(in: 0...9, using: &generator) == 0 { store.forgetRemovals(in: base) }
            for _ in 0..<Int.random(in: 0...6, using: &generator) {
                let place = bases[Int.random(in: 0...1, using: &generator)]
                // Numbers are shared by both knowledge bases only in their ids' prefix.
                let number = Int.random(in: 0..<20, using: &generator) + (place == base ? 0 : 100)
                if Int.random(in: 0...2, using: &generator) == 0 {
                    store.remove(DocumentID(rawValue: "doc_\(number)"), from: place)
                } else {
                    let rows = Int.random(in: 0...9, using: &generator)
                    store.put(document(number, rows, 19, &nextChunk, &generator), in: place)
                }
            }
            let query = [Float].random(19, using: &generator).unit
            let some = (0..<120).filter { _ in Int.random(in: 0...3, using: &generator) == 0 }
            let filter = Bool.random(using: &generator) ? nil : Set(some.map { DocumentID(rawValue: "doc_\($0)") })
            let limit = Int.random(in: 0...40, using: &generator)
            let found = try await index.search(query, in: bases + bases, documents: filter, limit: limit)
            let expected = store.nearest(query, in: bases, documents: filter, limit: limit)
            #expect(found.map(\.chunk) == expected.map(\.chunk))
            #expect(found.map(\.document) == expected.map(\.document))
            for (hit, truth) in zip(found, expected) { #expect(abs(Double(hit.similarity) - truth.similarity) < 1e-5) }
            let gone = ChunkPlace(knowledgeBase: base, document: .random(), chunk: ChunkID(0))
            let again = try await index.similarities(
                of: found.map(\.place) + [gone], to: query, precision: .exact)
            #expect(again.map(\.place) == found.map(\.place))
            for (one, other) in zip(found, again) { #expect(abs(one.similarity - other.similarity) < 1e-5) }
        }
    }

    @Test("finds the same with every instruction set and over several threads", arguments: IndexKernels.all.map(\.name))
    func splitsScans(_ kernel: String) async throws {
        let kernels = try #require(IndexKernels.all.first { $0.name == kernel })
        var generator = SeededGenerator(7)
        var nextChunk: Int64 = 1
        for number in 0..<12 { store.put(document(number, 4_000, 8, &nextChunk, &generator), in: base) }
        let index = VectorIndex(store: store, workers: workers, kernels: kernels)
        let query = [Float].random(8, using: &generator).unit
        let found = try await index.search(query, in: [base], documents: nil, limit: 20)
        #expect(found.map(\.chunk) == store.nearest(query, in: [base], documents: nil, limit: 20).map(\.chunk))
        #expect(try await index.search(query, in: [base], documents: nil, limit: .max).count == 48_000)
    }

    @Test("breaks ties by chunk")
    func breaksTies() async throws {
        let chunks = [9, 3, 7, 1, 5].map { ChunkID($0) }
        let vectors = chunks.flatMap { _ in [1, 0] as [Float] }
        store.put(DocumentVectors(document: .random(), chunks: chunks, vectors: vectors), in: base)
        let index = VectorIndex(store: store, workers: workers)
        let found = try await index.search([1, 0], in: [base], documents: nil, limit: 3)
        #expect(found.map(\.chunk.rawValue) == [1, 3, 5])
    }

    @Test("shares one load between searches that come together")
    func sharesLoads() async throws {
        var generator = SeededGenerator(11)
        var nextChunk: Int64 = 1
        for number in 0..<20 { store.put(document(number, 3, 4, &nextChunk, &generator), in: base) }
        let index = VectorIndex(store: store, workers: workers)
        let query = [Float].random(4, using: &generator).unit
        try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<30 {
                group.addTask { [base] in
                    try await index.search(query, in: [base], documents: nil, limit: 100).count
                }
            }
            for try await count in group { #expect(count == 60) }
        }
        #expect(store.bases.withLock { $0[base]?.reads } == 10)
    }

    @Test("gives memory back when documents and knowledge bases go")
    func givesBack() async throws {
        var generator = SeededGenerator(13)
        var nextChunk: Int64 = 1
        for number in 0..<30 { store.put(document(number, 10, 16, &nextChunk, &generator), in: base) }
        let index = VectorIndex(store: store, workers: workers)
        let query = [Float].random(16, using: &generator).unit
        _ = try await index.search(query, in: [base], documents: nil, limit: 1)
        let all = index.bytes
        #expect(all > 300 * 16 * 4)
        for number in 0..<27 { store.remove(DocumentID(rawValue: "doc_\(number)"), from: base) }
        #expect(try await index.search(query, in: [base], documents: nil, limit: 99).count == 30)
        #expect(index.bytes <= all / 4)
        store.bases.withLock { $0[base] = nil }
        #expect(try await index.search(query, in: [base], documents: nil, limit: 99).isEmpty)
        #expect(index.bytes == 0)
    }

    @Test("holds no more than it may, lets go of what was not searched for longest, and finds all of it again")
    func evicts() async throws {
        var generator = SeededGenerator(15)
        var chunk: Int64 = 1
        let bases = (0..<12).map { _ in KnowledgeBaseID.random() }
        for base in bases { store.put(document(0, 50, 16, &chunk, &generator), in: base) }
        var limits = IndexLimits()
        let query = [Float].random(16, using: &generator).unit
        let one = VectorIndex(store: store, workers: workers)
        _ = try await one.search(query, in: [bases[0]], documents: nil, limit: 1)
        limits.memoryBytes = one.bytes * 4
        let index = VectorIndex(store: store, workers: workers, limits: limits)
        for round in 0..<40 {
            // The first is asked for all the time and stays.
            let base = round % 2 == 0 ? bases[0] : bases[Int.random(in: 1..<12, using: &generator)]
            let reads = store.bases.withLock { $0[bases[0]]?.reads ?? 0 }
            let found = try await index.search(query, in: [base], documents: nil, limit: 7)
            #expect(found.map(\.chunk) == store.nearest(query, in: [base], documents: nil, limit: 7).map(\.chunk))
            #expect(index.bytes <= limits.memoryBytes)
            #expect(round == 0 || store.bases.withLock { $0[bases[0]]?.reads } == reads)
        }
    }

    @Test("lets go of a knowledge base that is gone while others are searched")
    func forgets() async throws {
        var generator = SeededGenerator(14)
        var chunk: Int64 = 1
        let other = KnowledgeBaseID.random()
        for base in [base, other] { store.put(document(0, 10, 16, &chunk, &generator), in: base) }
        let index = VectorIndex(store: store, workers: workers)
        let query = [Float].random(16, using: &generator).unit
        _ = try await index.search(query, in: [base, other], documents: nil, limit: 1)
        let both = index.bytes
        store.bases.withLock { $0[other]?.isGone = true }
        // Which one is looked after is drawn by lot with each load.
        for _ in 0..<64 {
            store.put(document(0, 10, 16, &chunk, &generator), in: base)
            _ = try await index.search(query, in: [base], documents: nil, limit: 1)
        }
        #expect(index.bytes < both)
    }

    @Test("refuses what does not fit, and serves on")
    func refuses() async throws {
        let good = DocumentVectors(document: .random(), chunks: [ChunkID(1)], vectors: [1, 0, 0])
        store.put(good, in: base)
        let index = VectorIndex(store: store, workers: workers)
        await #expect(throws: VectorIndexError.queryDoesNotFit(base, expected: 3, found: 2)) {
            try await index.search([1, 0], in: [base], documents: nil, limit: 1)
        }
        await #expect(throws: VectorIndexError.queryNotFinite) {
            try await index.search([.nan, 0, 0], in: [base], documents: nil, limit: 1)
        }
        let bad = DocumentVectors(document: .random(), chunks: [ChunkID(2)], vectors: [1, 0])
        store.put(bad, in: base)
        await #expect(throws: VectorIndexError.self) {
            try await index.search([1, 0, 0], in: [base], documents: nil, limit: 1)
        }
        store.remove(bad.document, from: base)
        #expect(try await index.search([1, 0, 0], in: [base], documents: nil, limit: 9).map(\.chunk) == [ChunkID(1)])
        #expect(try await index.search([1], in: [.random()], documents: nil, limit: 9).isEmpty)
    }
}
