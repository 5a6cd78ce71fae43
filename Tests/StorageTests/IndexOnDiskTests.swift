import GRDB
import Knowledge
import Testing
import Vectors

@testable import Storage

@Suite("The index over the database")
struct IndexOnDiskTests {
    /// What a search must find.
    private struct Library {
        var vectors: [DocumentID: [[Float]]] = [:]
        var files: [DocumentID: FileID] = [:]

        func nearest(_ query: [Float], _ count: Int, among documents: Set<DocumentID>?) -> [Float] {
            let all = vectors.filter { documents?.contains($0.key) ?? true }.values.joined()
            return Array(all.map { zip($0, query).reduce(0) { $0 + $1.0 * $1.1 } }.sorted(by: >).prefix(count))
        }
    }

    private static func index(_ world: World) -> VectorIndex {
        var limits = IndexLimits()
        (limits.sealRows, limits.segmentRows) = (8, 40)
        limits.floatBytes = 0
        return VectorIndex(
            store: world.database, segments: world.database, workers: Workers(count: 2, name: "test"), limits: limits)
    }

    private static func unit(_ random: inout SplitMix64) -> [Float] {
        let vector = (0..<16).map { _ in Float.random(in: -1...1, using: &random) }
        let length = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return vector.map { $0 / length }
    }

    @Test("finds what comparing with every vector finds, after any history, restart and loss of segments", arguments: 0..<4)
    func followsEveryHistory(_ seed: UInt64) async throws {
        var random = SplitMix64(state: seed)
        var world = try World()
        let base = try await world.makeBase(dimension: 16).id
        var library = Library()
        var index = Self.index(world)
        for step in 0..<60 {
            switch Int.random(in: 0..<12, using: &random) {
            case 0..<6:
                let document = try await world.attach("text \(step)", to: base)
                var content = World.content(chunks: Int.random(in: 1...12, using: &random), dimension: 16)
                content.vectors = content.vectors.map { _ in Self.unit(&random) }
                try await world.complete(content)
                library.vectors[document.id] = content.vectors
                library.files[document.id] = document.file
            case 6, 7:
                let present = library.files.keys.sorted { $0.rawValue < $1.rawValue }
                guard let victim = present.randomElement(using: &random), let file = library.files[victim] else { continue }
                try await world.database.remove(file, from: base, in: world.scope)
                library.vectors[victim] = nil
                library.files[victim] = nil
            case 8:
                try await index.settle(base)
            case 9:
                world = Bool.random(using: &random) ? try await world.reopened() : try await world.restarted()
                index = Self.index(world)
            case 10:
                try await world.database.write { db in
                    try db.execute(sql: "DELETE FROM index_part WHERE id % 2 = 0")
                }
            default:
                try await world.database.write { db in try db.execute(sql: "DELETE FROM index_segment") }
                index = Self.index(world)
            }
            let query = Self.unit(&random)
            let some = Set(library.vectors.keys.filter { _ in Bool.random() })
            for documents in [nil, some] {
                let found = try await index.search(
                    NeighbourSearch(
                        query: query, bases: [base], documents: documents.map { DocumentFilter($0) }, limit: 10))
                let expected = library.nearest(query, 10, among: documents)
                #expect(found.neighbours.count == expected.count)
                for (neighbour, similarity) in zip(found.neighbours, expected) {
                    #expect(abs(neighbour.similarity - similarity) < 1e-5)
                    #expect(documents?.contains(neighbour.document) ?? true)
                }
            }
        }
        try await index.settle(base)
        let audit = SegmentAudit(store: world.database, workers: Workers(count: 1, name: "test"))
        let depth = CheckDepth(readsFiles: false) { try await audit.problem(with: $1, of: $0) }
        let report = try await world.database.check(depth, mends: true)
        #expect(report.problems.allSatisfy { $0.part == .segments && $0.isMended })
        #expect(try await world.database.check(depth, mends: false).problems == [])
    }

    @Test("finds all but a vector that was lost after its codes were kept, and says whose it was")
    func survivesLoss() async throws {
        let world = try World()
        let base = try await world.makeBase(dimension: 16).id
        var documents: [DocumentID] = []
        for number in 0..<8 {
            documents.append(try await world.attach("text \(number)", to: base).id)
            try await world.complete(World.content(chunks: 2, dimension: 16, seed: Float(number)))
        }
        try await Self.index(world).settle(base)
        try await world.database.write { try $0.execute(sql: "DELETE FROM chunk_vector WHERE chunk_id = 3") }
        let query = [Float](repeating: 0.25, count: 16)
        let found = try await Self.index(world).search(NeighbourSearch(query: query, bases: [base], limit: 100))
        #expect(Set(found.neighbours.map(\.chunk.rawValue)) == Set(1...16).subtracting([3]))
        #expect(world.damage.all == [.damaged("a vector of \(documents[1])")])
        #expect(try await world.database.vectors(of: [ChunkID(3), ChunkID(99)], in: base) == [[], nil])
    }

    @Test("finds all chunks but the one whose vector is damaged, and says whose it is", arguments: [false, true])
    func survivesDamage(afterSealing: Bool) async throws {
        var world = try World()
        let base = try await world.makeBase(dimension: 16).id
        var documents: [DocumentID] = []
        for number in 0..<8 {
            documents.append(try await world.attach("text \(number)", to: base).id)
            try await world.complete(World.content(chunks: 2, dimension: 16, seed: Float(number)))
        }
        var index = Self.index(world)
        if afterSealing {
            try await index.settle(base)
            #expect(try await world.database.manifest(of: base).segments.count > 0)
        }
        try await world.database.write { db in
            try db.execute(sql: "UPDATE chunk_vector SET vector = zeroblob(64) WHERE chunk_id = 3")
        }
        for round in 0..<2 {
            let query = [Float](repeating: 0.25, count: 16)
            let found = try await index.search(NeighbourSearch(query: query, bases: [base], limit: 100)).neighbours
            #expect(Set(found.map(\.chunk.rawValue)) == Set(1...16).subtracting([3]))
            // What was left out of a segment is not looked at again, but by a check.
            if round == 0 { #expect(world.damage.all == [.damaged("a vector of \(documents[1])")]) }
            let problems = try await world.database.check(.quick, mends: false).problems.map(\.what)
            #expect(problems == ["a vector of \(documents[1])"])
            try await index.settle(base)
            world = try await world.reopened()
            index = Self.index(world)
        }
    }
}
