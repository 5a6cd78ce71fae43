import Knowledge
import Synchronization
import Testing

@testable import Vectors

@Suite("An index that keeps segments")
struct IndexLifeTests {
    private static let dimension = 24
    private let store = LoggedStore()
    private let workers = Workers(count: 2, name: "test")
    private let base = KnowledgeBaseID.random()

    private func index(keepsFloats: Bool = false, clusterRows: Int = .max) -> VectorIndex {
        var limits = IndexLimits()
        (limits.sealRows, limits.segmentRows, limits.exactBytes) = (30, 100, .max)
        (limits.clusterRows, limits.clusterSize) = (clusterRows, clusterRows == .max ? 256 : 8)
        limits.floatBytes = keepsFloats ? 1 << 20 : 0
        return VectorIndex(store: store, segments: store, workers: workers, limits: limits)
    }

    private func document(_ number: Int, _ rows: Int, _ chunk: inout Int64, _ generator: inout SeededGenerator) -> DocumentVectors {
        let chunks = (0..<rows).map { ChunkID(chunk + Int64($0)) }
        chunk += Int64(rows)
        return DocumentVectors(
            document: DocumentID(rawValue: "doc_\(number)"), chunks: chunks,
            vectors: chunks.flatMap { _ in [Float].random(Self.dimension, using: &generator).unit })
    }

    private func expectTruth(_ index: VectorIndex, _ generator: inout SeededGenerator) async throws {
        let query = [Float].random(Self.dimension, using: &generator).unit
        let some = Set((0..<40).filter { _ in Bool.random(using: &generator) }.map { DocumentID(rawValue: "doc_\($0)") })
        for filter in [nil, some] {
            let found = try await index.search(query, in: [base], documents: filter, limit: 12)
            let expected = store.nearest(query, in: [base], documents: filter, limit: 12)
            #expect(found.map(\.chunk) == expected.map(\.chunk))
            #expect(found.map(\.document) == expected.map(\.document))
        }
        let places = try await index.search(query, in: [base], documents: nil, limit: 3).map(\.place)
        #expect(try await index.similarities(of: places, to: query, precision: .exact).count == places.count)
        try await expectCodesNearTruth(index, query)
    }

    /// Without a look at any vector: similarities are off by less than 0.01, and so are the places that this decides.
    private func expectCodesNearTruth(_ index: VectorIndex, _ query: [Float]) async throws {
        let truth = store.nearest(query, in: [base], documents: nil, limit: .max)
        let search = NeighbourSearch(query: query, bases: [base], limit: 12, precision: .coded)
        let found = try await index.search(search)
        let again = try await index.similarities(of: found.neighbours.map(\.place), to: query, precision: .coded)
        #expect(found.neighbours.count == min(12, truth.count) && again.count == found.neighbours.count)
        // In float32 just where all of them are in memory.
        #expect(found.report.rescored == 0 || found.neighbours.allSatisfy { hit in
            truth.contains { $0.chunk == hit.chunk && abs($0.similarity - Double(hit.similarity)) < 1e-5 }
        })
        for (hit, place) in zip(found.neighbours, truth) { #expect(abs(Double(hit.similarity) - place.similarity) < 0.01) }
        for hit in found.neighbours + again {
            let known = truth.first { $0.chunk == hit.chunk }
            #expect(abs(Double(hit.similarity) - (known?.similarity ?? .infinity)) < 0.01)
        }
    }

    @Test(
        "finds what brute force finds through sealing, merging, restarts and damage",
        arguments: [1, 2, 3, 4] as [UInt64], [(false, Int.max), (true, .max), (false, 60)])
    func followsChanges(_ seed: UInt64, _ kind: (keepsFloats: Bool, clusterRows: Int)) async throws {
        var generator = SeededGenerator(seed)
        var chunk: Int64 = 1
        let make = { self.index(keepsFloats: kind.keepsFloats, clusterRows: kind.clusterRows) }
        var index = make()
        for _ in 0..<60 {
            for _ in 0..<Int.random(in: 1...6, using: &generator) {
                let number = Int.random(in: 0..<40, using: &generator)
                if Int.random(in: 0...3, using: &generator) == 0 {
                    store.remove(DocumentID(rawValue: "doc_\(number)"), from: base)
                } else {
                    let rows = Int.random(in: 0...9, using: &generator)
                    store.put(document(number, rows, &chunk, &generator), in: base)
                }
            }
            switch Int.random(in: 0...7, using: &generator) {
            case 0: try await index.settle(base)
            case 1: index = make()
            case 4: store.forgetRemovals(in: base)
            case 3: index.release(unusedSince: .now)
            case 2:
                store.damageSegment(of: base, using: &generator)
                index = make()
            default: break
            }
            try await expectTruth(index, &generator)
        }
        try await index.settle(base)
        try await expectTruth(index, &generator)
        try await expectTruth(self.index(), &generator)
    }

    @Test("opens what it kept without reading vectors again, and gives space back", arguments: [Int.max, 60])
    func reopens(_ clusterRows: Int) async throws {
        var generator = SeededGenerator(8)
        var chunk: Int64 = 1
        for number in 0..<40 { store.put(document(number, 10, &chunk, &generator), in: base) }
        try await index(clusterRows: clusterRows).settle(base)
        let kept = store.bases.withLock { $0[base]?.segments.map(\.kept) ?? [] }
        #expect(kept.reduce(0) { $0 + $1.rows } >= 370)
        let reads = store.bases.withLock { $0[base]?.reads ?? 0 }
        let again = index(clusterRows: clusterRows)
        try await expectTruth(again, &generator)
        #expect(store.bases.withLock { $0[base]?.reads } == reads + 1)

        for number in 0..<38 { store.remove(DocumentID(rawValue: "doc_\(number)"), from: base) }
        try await again.settle(base)
        try await expectTruth(again, &generator)
        #expect(store.bases.withLock { $0[base]?.segments.reduce(0) { $0 + $1.kept.rows } ?? 0 } < 100)
    }

    @Test("holds nothing of what nobody has searched for a while, and finds it again when asked")
    func releases() async throws {
        var generator = SeededGenerator(9)
        var chunk: Int64 = 1
        for number in 0..<40 { store.put(document(number, 10, &chunk, &generator), in: base) }
        let index = index(keepsFloats: true)
        try await index.settle(base)
        let held = index.bytes
        let before = ContinuousClock.now
        try await expectTruth(index, &generator)
        index.release(unusedSince: before)
        #expect(held > 0 && index.bytes == held)
        index.release(unusedSince: .now)
        #expect(index.bytes == 0)
        try await expectTruth(index, &generator)
    }

    /// Documents of 20 chunks each.
    private func put(_ count: Int, _ vector: () -> [Float]) {
        for number in 0..<count {
            let chunks = (0..<20).map { ChunkID(Int64(number * 20 + $0)) }
            let document = DocumentVectors(
                document: DocumentID(rawValue: "doc_\(number)"), chunks: chunks, vectors: chunks.flatMap { _ in vector() })
            store.put(document, in: base)
        }
    }

    @Test("estimates at least 99 of 100 nearest, also after deletes", arguments: [0, 10, 50, 75], [false, true])
    func recalls(_ percentDeleted: Int, _ isClustered: Bool) async throws {
        var generator = SeededGenerator(11)
        let centres = (0..<40).map { _ in [Float].random(64, using: &generator).unit }
        func vector() -> [Float] {
            zip(centres[Int.random(in: 0..<40, using: &generator)], [Float].random(64, using: &generator).unit)
                .map { $0 + 0.8 * $1 }.unit
        }
        put(300, vector)
        var limits = IndexLimits()
        (limits.sealRows, limits.segmentRows, limits.exactBytes) = (1_000, 4_000, 0)
        (limits.clusterRows, limits.clusterSize) = (isClustered ? 1_000 : .max, 32)
        let index = VectorIndex(store: store, segments: store, workers: workers, limits: limits)
        try await index.settle(base)
        for number in 0..<300 where number % 100 < percentDeleted {
            store.remove(DocumentID(rawValue: "doc_\(number)"), from: base)
        }
        var recalls: [Double] = []
        for _ in 0..<100 {
            let query = vector()
            let found = try await index.search(NeighbourSearch(query: query, bases: [base], limit: 10))
            if percentDeleted < 50 { #expect(found.report.plan == (isClustered ? .clustered : .estimated)) }
            #expect(found.neighbours.count == 10)
            let truth = try await index.search(
                NeighbourSearch(query: query, bases: [base], limit: 10, precision: .exact))
            let expected = Set(truth.neighbours.map(\.chunk))
            recalls.append(Double(found.neighbours.filter { expected.contains($0.chunk) }.count) / 10)
        }
        #expect(recalls.reduce(0, +) / 100 >= 0.99)
        #expect(recalls.sorted()[1] >= 0.9)
    }

    @Test("looks at clusters only where these are known to hold what is near", arguments: [true, false])
    func learnsReach(_ hasTopics: Bool) async throws {
        var generator = SeededGenerator(12)
        let centres = (0..<80).map { _ in [Float].random(64, using: &generator).unit }
        func vector() -> [Float] {
            let random = [Float].random(64, using: &generator).unit
            let centre = centres[Int.random(in: 0..<80, using: &generator)]
            return hasTopics ? zip(centre, random).map { $0 + 0.5 * $1 }.unit : random
        }
        put(200, vector)
        var limits = IndexLimits()
        (limits.sealRows, limits.exactBytes, limits.clusterRows, limits.clusterSize) = (1_000, 0, 1_000, 32)
        let index = VectorIndex(store: store, segments: store, workers: workers, limits: limits)
        try await index.settle(base)
        let most = DocumentFilter(Set((0..<200).filter { $0 % 5 < 3 }.map { DocumentID(rawValue: "doc_\($0)") }))
        for documents in [nil, most] {
            var found = 0
            for _ in 0..<50 {
                let query = vector()
                let near = try await index.search(
                    NeighbourSearch(query: query, bases: [base], documents: documents, limit: 10))
                if documents == nil { #expect(near.report.plan == (hasTopics ? .clustered : .estimated)) }
                let truth = store.nearest(query, in: [base], documents: documents?.documents, limit: 10).map(\.chunk)
                found += near.neighbours.count { truth.contains($0.chunk) }
            }
            #expect(found >= 495)
        }
        let many = try await index.search(NeighbourSearch(query: vector(), bases: [base], limit: 51))
        #expect(many.report.plan == .estimated)
    }
}

extension LoggedStore {
    /// Flips a bit of a kept segment, or loses one, if there is any.
    func damageSegment(of base: KnowledgeBaseID, using generator: inout SeededGenerator) {
        let (choice, bit) = (generator.next(), generator.next())
        bases.withLock { bases in
            guard let count = bases[base]?.segments.count, count > 0 else { return }
            let number = Int(choice % UInt64(count))
            if bit % 5 == 0 {
                bases[base]?.segments.remove(at: number)
            } else if let size = bases[base]?.segments[number].parts[0].count {
                bases[base]?.segments[number].parts[0][Int(bit / 8 % UInt64(size))] ^= 1 << UInt8(bit % 8)
            }
        }
    }
}
