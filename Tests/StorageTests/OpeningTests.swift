import FoundationEssentials
import GRDB
import Knowledge
import TestSupport
import Testing

@testable import Storage

@Suite("Opening a data directory")
struct OpeningTests {
    @Test("makes every commit wait for the disk")
    func writerIsDurable() async throws {
        let world = try World()
        let settings = try await world.database.pool.writeWithoutTransaction { db in
            try Settings(db)
        }
        #expect(settings == .expected)
        #expect(try await world.database.summary().synchronous == 2)
    }

    @Test("sets up every reader in the same way")
    func readersAreSetUp() async throws {
        let world = try World()
        let pool = world.database.pool
        // Each read holds its connection until all four have theirs, on threads that are there for it.
        let threads = Workers(count: 4, name: "readers")
        let settings = try await withThrowingTaskGroup(of: Settings.self) { group in
            let together = Rendezvous(4)
            for _ in 0..<4 {
                group.addTask {
                    try await threads.run {
                        try pool.read { db in
                            together.meet()
                            return try Settings(db)
                        }
                    }
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(settings == Array(repeating: .expected, count: 4))
    }

    @Test("is refused while another has it open, and works once that is closed")
    func locks() async throws {
        let directory = try TemporaryDirectory()
        let first = try World(in: directory)
        #expect(throws: StorageError.locked(directory: directory.path)) { try World(in: directory) }
        try await first.database.close()
        let second = try World(in: directory)
        try await second.database.checkHealth()
    }

    @Test("twice changes nothing")
    func migratesOnce() async throws {
        let world = try World()
        let schema = try await world.database.schema()
        let again = try await world.reopened()
        #expect(try await again.database.schema() == schema)
    }

    @Test("refuses the database of a newer program, and leaves it as it is")
    func refusesNewer() async throws {
        let directory = try TemporaryDirectory()
        let newest = SchemaMigration(name: "9999_future.sql", sql: "CREATE TABLE future (id INTEGER) STRICT;")
        let newer = try Storage.Database.open(
            directory: directory.path, migrations: SchemaMigration.embedded + [newest], now: { Date() })
        let schema = try await newer.schema()
        try await newer.close()
        #expect(throws: StorageError.newerDatabase(migration: "9999_future.sql")) { try World(in: directory) }
        let back = try Storage.Database.open(
            directory: directory.path, migrations: SchemaMigration.embedded + [newest], now: { Date() })
        #expect(try await back.schema() == schema)
    }

    @Test("refuses a database whose migrations read differently")
    func refusesChanged() async throws {
        let directory = try TemporaryDirectory()
        var changed = SchemaMigration.embedded
        changed[0].sql += "\n-- edited"
        let other = try Storage.Database.open(directory: directory.path, migrations: changed, now: { Date() })
        try await other.close()
        #expect(throws: StorageError.changedMigration("0001_initial.sql")) { try World(in: directory) }
    }

    @Test("leaves no trace of a migration that fails half-way")
    func migrationIsAtomic() async throws {
        let world = try World()
        let schema = try await world.database.schema()
        try await world.database.close()
        let broken = SchemaMigration(name: "0002_broken.sql", sql: "CREATE TABLE half (id INTEGER) STRICT; NONSENSE;")
        #expect(throws: (any Error).self) {
            try Storage.Database.open(
                directory: world.directory.path, migrations: SchemaMigration.embedded + [broken], now: { Date() })
        }
        let back = try World(in: world.directory)
        #expect(try await back.database.schema() == schema)
    }

    @Test("says that a file which is no database is damaged")
    func refusesGarbage() throws {
        let directory = try TemporaryDirectory()
        try FileManager.default.createDirectory(atPath: directory.path, withIntermediateDirectories: true)
        let garbage = Data(repeating: 0x41, count: 8192)
        try garbage.write(to: URL(filePath: "\(directory.path)/almanac.db"))
        #expect {
            try World(in: directory)
        } throws: { error in
            if case StorageError.damaged = error { true } else { false }
        }
    }

    @Test("carries exactly the files of Migrations/sqlite")
    func embedsTheFolder() throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "Migrations/sqlite")
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        let files = try names.map { name in
            SchemaMigration(
                name: name, sql: String(decoding: try Data(contentsOf: folder.appending(path: name)), as: UTF8.self))
        }
        #expect(SchemaMigration.embedded == files)
    }
}

/// The settings that durability and safety rest on, as a connection reads them back.
private struct Settings: Hashable, Sendable {
    var values: [String: String] = [:]

    static let expected = Settings(values: [
        "journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "5000", "mmap_size": "0",
        "cell_size_check": "1", "trusted_schema": "0", "journal_size_limit": "67108864",
    ])

    init(values: [String: String]) { self.values = values }

    init(_ db: GRDB.Database) throws {
        for name in Self.expected.values.keys {
            let value = try DatabaseValue.fetchOne(db, sql: "PRAGMA \(name)") ?? .null
            values[name] = Int.fromDatabaseValue(value).map(String.init) ?? String.fromDatabaseValue(value)
        }
    }
}

extension Storage.Database {
    /// The schema and what was applied.
    fileprivate func schema() async throws -> [String] {
        try await read { db in
            try String.fetchAll(db, sql: "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name")
                + String.fetchAll(db, sql: "SELECT name || sha256 || applied_at FROM migration ORDER BY name")
        }
    }
}

@Suite("Closing a data directory")
struct ClosingTests {
    @Test("leaves one file with everything in it, and later calls get an error")
    func leavesOneFile() async throws {
        let world = try World()
        let file = try await world.upload("text")
        try await world.database.close()
        try await world.database.close()
        await #expect(throws: (any Error).self) { try await world.database.checkHealth() }
        await #expect(throws: (any Error).self) { try await world.upload("more") }
        let names = try FileManager.default.contentsOfDirectory(atPath: world.directory.path)
        #expect(Set(names) == ["almanac.db", "files", "lock", "parts", "uploads"])
        #expect(try await World(in: world.directory).database.file(file.id, in: world.scope) == file)
    }
}
