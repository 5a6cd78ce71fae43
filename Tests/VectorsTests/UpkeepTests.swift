import Knowledge
import Synchronization
import Testing

@testable import Vectors

@Suite("Upkeep of an index")
struct UpkeepTests {
    private static let dimension = 32
    private let store = LoggedStore()
    private let workers = Workers(count: 2, name: "test")
    private let base = KnowledgeBaseID.random()

    private var limits: IndexLimits {
        var limits = IndexLimits()
        (limits.sealRows, limits.segmentRows, limits.clusterSize) = (200, 800, 16)
        (limits.clusterRows, limits.probedRows, limits.exactBytes, limits.floatBytes) = (500, 400, 0, 0)
        return limits
    }

    private func index() -> VectorIndex {
        VectorIndex(store: store, segments: store, workers: workers, limits: limits)
    }

    /// Vectors around a few centres, as those of texts are around topics.
    private struct Topics {
        let centres: [[Float]]

        init(_ count: Int, _ generator: inout SeededGenerator) {
            centres = (0..<count).map { _ in [Float].random(UpkeepTests.dimension, using: &generator).unit }
        }

        func vector(_ generator: inout SeededGenerator) -> [Float] {
            let centre = centres[Int.random(in: 0..<centres.count, using: &generator)]
            return zip(centre, [Float].random(UpkeepTests.dimension, using: &generator).unit).map { $0 + 0.7 * $1 }.unit
        }

        func document(_ number: Int, rows: Int, _ generator: inout SeededGenerator) -> DocumentVectors {
            DocumentVectors(
                document: DocumentID(rawValue: "doc_\(number)"),
                chunks: (0..<rows).map { ChunkID(Int64(number * 100 + $0)) },
                vectors: (0..<rows).flatMap { _ in vector(&generator) })
        }
    }

    /// The mean part of the ten nearest that is found.
    private func recall(of index: VectorIndex, _ queries: [[Float]]) async throws -> Double {
        var found = 0
        for query in queries {
            let hits = try await index.search(NeighbourSearch(query: query, bases: [base], limit: 10))
            #expect(hits.report.plan == .clustered)
            let truth = Set(store.nearest(query, in: [base], documents: nil, limit: 10).map(\.chunk))
            found += hits.neighbours.filter { truth.contains($0.chunk) }.count
        }
        return Double(found) / Double(10 * queries.count)
    }

    private var kept: [KeptSegment] { store.bases.withLock { $0[base]?.segments.map(\.kept) ?? [] } }

    @Test("leaves clusters that find as much as new ones after half of the rows came and half went", arguments: 1...3 as ClosedRange<UInt64>)
    func staysAsGoodAsNew(_ seed: UInt64) async throws {
        var generator = SeededGenerator(seed)
        let topics = Topics(30, &generator), others = Topics(30, &generator)
        let index = index()
        for number in 0..<150 { store.put(topics.document(number, rows: 10, &generator), in: base) }
        try await index.settle(base)
        // What comes is about other things than what was there, and comes little by little.
        for number in 150..<300 {
            store.put((number % 3 == 0 ? topics : others).document(number, rows: 10, &generator), in: base)
            store.remove(DocumentID(rawValue: "doc_\(number - 150)"), from: base)
            if number % 7 == 0 { try await index.settle(base) }
        }
        try await index.settle(base)
        let queries = (0..<60).map { ($0 % 2 == 0 ? topics : others).vector(&generator) }
        store.bases.withLock { $0[base]?.segments = [] }
        let fresh = self.index()
        try await fresh.settle(base)
        let (old, new) = (try await recall(of: index, queries), try await recall(of: fresh, queries))
        #expect(old >= new - 0.02 && old > 0.9, "\(old), \(new) for a new one")
    }

    @Test("returns the space of what was removed, and makes no segment larger than allowed")
    func returnsSpace() async throws {
        var generator = SeededGenerator(4)
        let topics = Topics(20, &generator)
        for number in 0..<300 { store.put(topics.document(number, rows: 10, &generator), in: base) }
        let index = index()
        try await index.settle(base)
        for part in 1...3 {
            for number in 0..<300 where number % 4 == part { store.remove(DocumentID(rawValue: "doc_\(number)"), from: base) }
            try await index.settle(base)
            let rows = 3_000 - part * 750
            #expect(kept.reduce(0) { $0 + $1.rows } <= rows * 4 / 3)
        }
        #expect(store.bases.withLock { $0[base]?.mostRows ?? 0 } <= 800)
    }

    @Test("keeps clusters between an eighth and twice their size where rows differ")
    func balances() async throws {
        var generator = SeededGenerator(5)
        let topics = Topics(6, &generator)
        var rows = VectorRows(dimension: Self.dimension)
        for number in 0..<10 { rows.append(topics.document(number, rows: 10, &generator)) }
        var segment = Segment(.flat(rows, keepsFloats: false))
        for number in 10..<70 {
            // Most of them in the same direction.
            rows.append((number < 40 ? Topics(1, &generator) : topics).document(number, rows: 10, &generator))
            guard number % 5 == 0 else { continue }
            var clustering = try await Clustering.inherited(from: segment, by: rows, size: 16, on: workers)
            clustering.balance()
            let sizes = Dictionary(grouping: clustering.groups, by: \.self).mapValues(\.count)
            let odd = sizes.values.filter { !(2...32).contains($0) }.count
            #expect(sizes.count == clustering.count && odd * 20 <= clustering.count, "\(sizes.values.sorted())")
            let builder = SegmentBuilder(
                rows, centres: clustering.centres,
                placement: SegmentBuilder.Placement(groups: clustering.groups, count: clustering.count), keepsFloats: false)
            builder.encode(0..<rows.count)
            segment = Segment(builder.finish())
        }
    }

    @Test("comes to an end with rows that cannot be told apart, or are no vectors at all")
    func copesWithAnything() async throws {
        for value in [1, 0, .nan, .infinity, 1e30, -1] as [Float] {
            let vectors = (0..<500).flatMap { _ in [Float](repeating: value, count: Self.dimension) }
            let chunks = (0..<500).map { ChunkID(Int64($0)) }
            let rows = VectorRows([DocumentVectors(document: .random(), chunks: chunks, vectors: vectors)], dimension: Self.dimension)
            var clustering = try await Clustering.made(of: rows, size: 16, on: workers)
            clustering.balance()
            #expect(clustering.groups.count == 500 && clustering.groups.allSatisfy { $0 < clustering.count })
        }
    }

    @Test("waits after a failure instead of trying again with every change, and catches up later")
    func pauses() async throws {
        var generator = SeededGenerator(6)
        let topics = Topics(5, &generator)
        let index = index()
        let query = topics.vector(&generator)
        store.put(topics.document(0, rows: 10, &generator), in: base)
        store.bases.withLock { $0[base]?.isFull = true }
        for number in 1..<60 {
            store.put(topics.document(number, rows: 10, &generator), in: base)
            let search = NeighbourSearch(query: query, bases: [base], limit: 10, precision: .exact)
            let found = try await index.search(search).neighbours.map(\.chunk)
            #expect(found == store.nearest(query, in: [base], documents: nil, limit: 10).map(\.chunk))
        }
        // Each attempt makes one segment, and about forty changes would have been reason enough.
        #expect(store.bases.withLock { $0[base]?.attempts ?? 0 } < 10)
        #expect(kept.isEmpty)
        store.bases.withLock { $0[base]?.isFull = false }
        try await index.settle(base)
        // An attempt that was under way left out what came after its beginning, which may be too little for another.
        #expect((401...600).contains(kept.reduce(0) { $0 + $1.rows }))
    }

    @Test("costs a damaged vector its own row and nothing else")
    func losesOneRow() async throws {
        var generator = SeededGenerator(7)
        let topics = Topics(5, &generator)
        for number in 0..<60 { store.put(topics.document(number, rows: 10, &generator), in: base) }
        let index = index()
        try await index.settle(base)
        store.damageVector(of: ChunkID(505), in: base)
        // So much goes that all others are written anew.
        for number in 20..<60 { store.remove(DocumentID(rawValue: "doc_\(number)"), from: base) }
        store.damageVector(of: ChunkID(1_203), in: base)
        try await index.settle(base)
        #expect(kept.reduce(0) { $0 + $1.rows } == 198)
        let query = topics.vector(&generator)
        let found = try await index.search(query, in: [base], documents: nil, limit: 300).map(\.chunk)
        #expect(found == store.nearest(query, in: [base], documents: nil, limit: 300).map(\.chunk))
    }

    @Test("leaves of a segment's rows what counting anew leaves", arguments: 1...5 as ClosedRange<UInt64>)
    func removesRows(_ seed: UInt64) {
        var generator = SeededGenerator(seed)
        var rows = VectorRows(dimension: 4)
        for number in 0..<40 {
            let count = Int.random(in: 1...60, using: &generator)
            rows.append(
                DocumentVectors(
                    document: DocumentID(rawValue: "doc_\(number)"), chunks: (0..<count).map { ChunkID(Int64(number * 100 + $0)) },
                    vectors: [Float].random(count * 4, using: &generator)))
        }
        let block = CodeBlock.flat(rows, keepsFloats: false)
        var gone: Set<Int> = []
        var selection = RowSelection(all: block.rows)
        while gone.count < 40 {
            let going = Set((0..<5).map { _ in Int.random(in: 0..<40, using: &generator) }).subtracting(gone)
            selection.remove(Array(going), of: block)
            gone.formUnion(going)
            let anew = RowSelection(of: block) { !gone.contains($0) }
            #expect(selection.count == anew.count && selection.ranges == anew.ranges)
            #expect((0..<block.rows).allSatisfy { selection.contains($0) == anew.contains($0) })
        }
    }
}
