import FoundationEssentials
import GRDB
import Knowledge
import Synchronization
import Testing

@testable import Storage

@Suite("A segment of an index")
struct SegmentTests {
    private static func segment(_ revision: Int64, parts: [Int]) -> NewSegment {
        NewSegment(
            throughRevision: revision, format: 7, rows: parts.count, byteCount: parts.reduce(0, +),
            partCount: parts.count
        ) { number in
            (0..<parts[number]).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ number + Int(revision)) }
        }
    }

    private static func read(_ segment: KeptSegment, of base: KnowledgeBaseID, _ world: World) async throws -> [[UInt8]?] {
        var parts: [[UInt8]?] = []
        for number in 0..<segment.partCount {
            parts.append(try await world.database.part(number, of: segment.id, in: base))
        }
        return parts
    }

    @Test("comes back as it was put, after any restart")
    func comesBack() async throws {
        var world = try World()
        let base = try await world.makeBase().id
        let segment = Self.segment(3, parts: [0, 1, 100_000, 17])
        let id = try #require(try await world.database.keep(segment, replacing: [], in: base))
        world = try await world.reopened()
        let kept = try await world.database.manifest(of: base).segments
        #expect(
            kept == [
                KeptSegment(id: id, throughRevision: 3, format: 7, rows: 4, partCount: 4, byteCount: 100_018)
            ])
        #expect(try await Self.read(kept[0], of: base, world) == (0..<segment.partCount).map(segment.part))
        for number in [-1, 4, 65_536, Int.max] {
            #expect(try await world.database.part(number, of: id, in: base) == nil)
        }
        let other = try await world.makeBase().id
        #expect(try await world.database.part(0, of: id, in: other) == nil)
    }

    @Test("takes the place of others in one step, and of none that is gone")
    func replaces() async throws {
        let world = try World()
        let base = try await world.makeBase().id
        var ids: [SegmentID] = []
        for revision in 1...3 {
            let segment = Self.segment(Int64(revision), parts: [5000])
            ids.append(try #require(try await world.database.keep(segment, replacing: [], in: base)))
        }
        let merged = Self.segment(2, parts: [10, 10])
        let id = try #require(try await world.database.keep(merged, replacing: [ids[0], ids[1]], in: base))
        #expect(try await world.database.manifest(of: base).segments.map(\.id) == [ids[2], id])
        #expect(try await world.database.part(0, of: ids[0], in: base) == nil)
        // Once more: what it would replace is not there.
        #expect(try await world.database.keep(merged, replacing: [ids[0]], in: base) == nil)
        #expect(try await world.database.manifest(of: base).segments.map(\.id) == [ids[2], id])
        await world.database.collector.finish()
        #expect(try await world.rows() == [2, 3])
    }

    @Test("is not there, and leaves nothing, when the process ended between two of its parts")
    func interrupted() async throws {
        var world = try World()
        let base = try await world.makeBase().id
        let id = try #require(try await world.database.keep(Self.segment(1, parts: [9]), replacing: [], in: base))
        // What a writer that was killed leaves: parts, and a segment that was not published.
        try await world.database.write { db in
            try db.execute(
                sql: """
                    INSERT INTO index_segment (id, knowledge_base_id, through_revision, format, rows, parts, bytes)
                    VALUES (77, ?, 2, 7, 2, 3, 20)
                    """,
                arguments: [base.rawValue])
            for part in 0..<2 {
                try db.execute(
                    sql: "INSERT INTO index_part (id, crc32, bytes) VALUES (?, 0, zeroblob(10))",
                    arguments: [77 << 16 | part])
            }
        }
        #expect(try await world.database.manifest(of: base).segments.map(\.id) == [id])
        #expect(try await world.database.part(0, of: SegmentID(77), in: base) == nil)
        world = try await world.reopened()
        await world.database.collector.finish()
        #expect(try await world.database.manifest(of: base).segments.map(\.id) == [id])
        #expect(try await world.rows() == [1, 1])
    }

    @Test("is not there, and leaves nothing, when its task was cancelled between two of its parts")
    func cancelled() async throws {
        let world = try World()
        let base = try await world.makeBase().id
        let keeping = Mutex<Task<SegmentID?, any Error>?>(nil)
        try await world.database.pool.writeWithoutTransaction { db in
            db.trace { event in
                guard case .statement(let statement) = event, statement.sql.contains("INTO index_part") else { return }
                keeping.withLock { $0?.cancel() }
            }
        }
        let task = keeping.withLock { keeping in
            let task = Task {
                try await world.database.keep(Self.segment(1, parts: [10, 10, 10]), replacing: [], in: base)
            }
            keeping = task
            return task
        }
        await #expect(throws: CancellationError.self) { try await task.value }
        await world.database.collector.finish()
        #expect(try await world.database.manifest(of: base).segments == [])
        #expect(try await world.rows() == [0, 0])
    }

    @Test("goes with its knowledge base, even while it is being written")
    func goesWithBase() async throws {
        let world = try World()
        let base = try await world.makeBase().id
        _ = try await world.database.keep(Self.segment(1, parts: [100, 100]), replacing: [], in: base)
        let begun = try await world.database.write { db in
            let begun = try db.begin(Self.segment(2, parts: [5, 5]), of: base)
            #expect(try db.add([1, 2, 3, 4, 5], 0, to: begun))
            return begun
        }
        try await world.database.remove(base, in: world.scope)
        try await world.database.write { db in
            let goesOn = try db.add([1, 2, 3, 4, 5], 1, to: begun)
            let isKept = try db.publish(begun, replacing: [], of: base)
            #expect(!goesOn && !isKept)
        }
        await world.database.collector.finish()
        #expect(try await world.rows() == [0, 0])
        #expect(try await world.database.keep(Self.segment(1, parts: [1]), replacing: [], in: base) == nil)
    }

    @Test("may be deleted by anybody at any time, as all that is derived")
    func isDerived() async throws {
        let world = try World()
        let base = try await world.makeBase().id
        let id = try #require(try await world.database.keep(Self.segment(1, parts: [100]), replacing: [], in: base))
        try await world.database.write { db in
            try db.execute(sql: "DELETE FROM index_part")
        }
        #expect(try await world.database.part(0, of: id, in: base) == nil)
        try await world.database.write { db in try db.execute(sql: "DELETE FROM index_segment") }
        #expect(try await world.database.manifest(of: base).segments == [])
        try await world.database.drop([id], in: base)
    }

    @Test("stands beside all completed documents, as of one revision")
    func manifestNamesDocuments() async throws {
        let world = try World()
        let base = try await world.makeBase().id
        var expected: [CompletedDocument] = []
        for number in 1...3 {
            let document = try await world.attach("text \(number)", to: base)
            try await world.complete(World.content(chunks: number))
            expected.append(
                CompletedDocument(document: document.id, revision: Int64(number), chunkCount: number))
        }
        _ = try await world.attach("waiting", to: base)
        let manifest = try await world.database.manifest(of: base)
        #expect(manifest.revision == 3)
        #expect(manifest.documents == expected)
    }
}

extension World {
    /// How many segments there are, unfinished ones included, and how many parts.
    fileprivate func rows() async throws -> [Int] {
        try await database.read { db in
            try ["index_segment", "index_part"].map { try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM \($0)") ?? 0 }
        }
    }
}
