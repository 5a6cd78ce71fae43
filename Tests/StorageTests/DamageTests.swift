import FoundationEssentials
import GRDB
import Knowledge
import TestSupport
import Testing

@testable import Storage

@Suite("A full or damaged disk")
struct DamageTests {
    @Test("is an error that leaves everything as it was, and is over when there is space again")
    func fullDisk() async throws {
        let world = try World()
        let base = try await world.makeBase()
        _ = try await world.attach("text", to: base.id)
        let lease = try #require(try await world.database.claim(at: world.later))
        let content = World.content(chunks: 2000)
        let before = try await world.database.dump()
        // SQLite says of a file that may not grow what it says of a full disk.
        try await world.limitPages(1)
        await #expect(throws: StorageError.diskFull) { try await world.database.complete(lease, with: content) }
        #expect(try await world.database.dump() == before)
        try await world.database.checkHealth()
        try await world.limitPages(1_000_000)
        #expect(try await world.database.complete(lease, with: content))
    }

    @Test("is over for the next who reads, where a read failed halfway through its rows")
    func failedRead() async throws {
        let world = try World()
        _ = try await world.makeBase()
        _ = try await world.makeBase()
        let sql = "SELECT id FROM knowledge_base"
        await #expect(throws: StorageError.diskFull) {
            try await world.database.reading { reader in
                _ = try reader.query(sql).next()
                throw StorageError.diskFull
            }
        }
        _ = try await world.makeBase()
        let count = try await world.database.reading { reader in
            let row = try reader.query("SELECT COUNT(*) FROM knowledge_base WHERE id <> '(erased)'")
            defer { row.end() }
            return try row.next() ? row.int(0) : 0
        }
        #expect(count == 3)
    }

    @Test("gives errors or true answers, and never ends the process, wherever a bit has flipped", arguments: 0..<24)
    func flippedBits(_ seed: UInt64) async throws {
        let things = try await Things()
        try await things.world.database.close()
        var random = SplitMix64(state: seed)
        let path = "\(things.world.directory.path)/almanac.db"
        var bytes = try Data(contentsOf: URL(filePath: path))
        for _ in 0..<16 {
            let position = Int.random(in: 0..<bytes.count, using: &random)
            bytes[position] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        }
        try bytes.write(to: URL(filePath: path))

        // What may throw is thrown away here on purpose: only a crash or a false answer would be a failure.
        guard let world = try? World(in: things.world.directory) else { return }
        var damaged = things
        damaged.world = world
        for call in ScopedCall.all {
            _ = try? await call.finds(damaged, world.scope)
        }
        _ = try? await world.attach("more", to: things.base.id)
        try? await world.complete(World.content())
        if let changes = try? await world.database.changes(in: things.base.id, after: 0, limit: 100) {
            let expected = World.content().vectors.flatMap(\.self)
            #expect(changes.added.allSatisfy { $0.vectors == expected })
        }
    }
}

extension World {
    /// Lets the database file have no more pages than these; fewer than it has mean those it has.
    fileprivate func limitPages(_ count: Int) async throws {
        try await database.pool.writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA max_page_count = \(count)")
        }
    }
}
