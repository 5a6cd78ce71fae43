import Knowledge
import Testing

@testable import Vectors

/// Kinds of vectors that an index meets, and some that somebody might send to break it.
enum VectorKind: String, CaseIterable, Sendable {
    case random, clustered, duplicates, tiny, mixedLengths, nearQuery, oneDimension, notNumbers, zeros, shifted

    /// `count` vectors and a query.
    func make(_ count: Int, _ dimension: Int, _ generator: inout SeededGenerator) -> (rows: [[Float]], query: [Float]) {
        let query = [Float].random(dimension, using: &generator).unit
        let centres = (0..<5).map { _ in [Float].random(dimension, using: &generator).unit }
        func row(_ number: Int) -> [Float] {
            let random = [Float].random(dimension, using: &generator).unit
            switch self {
            case .random: return random
            case .clustered: return zip(centres[number % 5], random).map { $0 + 0.4 * $1 }.unit
            case .duplicates: return centres[number % 5]
            case .tiny: return random.map { $0 * Float(sign: .plus, exponent: -20 * (number % 9), significand: 1) }
            case .mixedLengths: return random.map { $0 * Float(1 + number % 7 * number % 13) }
            case .nearQuery: return zip(query, random).map { $0 + 1e-6 * $1 }
            case .oneDimension: return random.indices.map { $0 == number % dimension ? 1 : 0 }
            case .notNumbers: return number % 10 == 0 ? random.map { _ in [.nan, .infinity][number / 10 % 2] } : random
            case .zeros: return number % 2 == 0 ? random : random.map { _ in 0 }
            case .shifted: return zip(centres[0], random).map { 3 * $0 + 0.1 * $1 }.unit
            }
        }
        return ((0..<count).map(row), self == .clustered ? zip(centres[2], query).map { $0 + 0.3 * $1 }.unit : query)
    }
}

@Suite("An exact search finds what float32 brute force finds")
struct ExactSearchTests {
    private let workers = Workers(count: 1, name: "test")
    private let base = KnowledgeBaseID.random()

    @Test(
        "to the last bit, with every instruction set", arguments: IndexKernels.all.map(\.name), VectorKind.allCases)
    func equalsBruteForce(_ kernel: String, _ kind: VectorKind) async throws {
        let kernels = try #require(IndexKernels.named(kernel))
        var generator = SeededGenerator(UInt64(kind.rawValue.utf8.reduce(0) { $0 &* 31 &+ Int($1) } & 0xFFFF))
        for dimension in [1, 2, 7, 63, 64, 100, 129, 384, 1_000] {
            let count = dimension > 200 ? 150 : 500
            let (rows, query) = kind.make(count, dimension, &generator)
            let store = LoggedStore()
            // In several documents and segments.
            for start in stride(from: 0, to: count, by: 90) {
                let some = start..<min(start + 90, count)
                store.put(
                    DocumentVectors(
                        document: DocumentID(rawValue: "doc_\(start)"), chunks: some.map { ChunkID(Int64($0)) },
                        vectors: some.flatMap { rows[$0] }),
                    in: base)
            }
            var truth = BruteForce(queries: [query], limit: 25, kernels: kernels)
            truth.add(rows.flatMap { $0 }, chunks: rows.indices.map { ChunkID(Int64($0)) })
            let index = VectorIndex(store: store, workers: workers, kernels: kernels)
            for limit in [1, 10, 25] {
                let found = try await index.search(
                    NeighbourSearch(query: query, bases: [base], limit: limit, precision: .exact))
                #expect(found.report.isExact)
                #expect(found.neighbours.map(\.chunk) == truth.nearest[0].prefix(limit).map(\.chunk))
                #expect(
                    found.neighbours.map(\.similarity)
                        == truth.nearest[0].prefix(limit).map { min(max($0.similarity, -1), 1) })
            }
        }
    }

    @Test("for queries of nothing, and in thousands of dimensions")
    func edges() async throws {
        var generator = SeededGenerator(3)
        for dimension in [64, 4_096] {
            let (rows, query) = VectorKind.random.make(60, dimension, &generator)
            let store = LoggedStore()
            store.put(
                DocumentVectors(
                    document: .random(), chunks: rows.indices.map { ChunkID(Int64($0)) }, vectors: rows.flatMap { $0 }),
                in: base)
            let index = VectorIndex(store: store, workers: workers)
            for query in [query, query.map { _ in 0 }, query.map { $0 * 1e30 }, query.map { $0 * 1e-30 }] {
                var truth = BruteForce(queries: [query], limit: 9)
                truth.add(rows.flatMap { $0 }, chunks: rows.indices.map { ChunkID(Int64($0)) })
                let found = try await index.search(query, in: [base], documents: nil, limit: 9)
                #expect(found.map(\.chunk) == truth.nearest[0].map(\.chunk))
            }
            #expect(try await index.search(query, in: [base], documents: nil, limit: 0).isEmpty)
            #expect(try await index.search(query, in: [base], documents: [], limit: 5).isEmpty)
            #expect(try await index.search(query, in: [base], documents: nil, limit: 100).count == 60)
        }
    }
}
