import CAssets
import Crypto
import FoundationEssentials
import GRDB

/// A step of the schema: one SQL file of `Migrations/sqlite`, carried by the binary.
struct SchemaMigration: Hashable, Sendable {
    var name: String
    var sql: String

    /// SHA-256 of the text, 64 hexadecimal digits.
    var sha256: String { SHA256.hash(data: Data(sql.utf8)).hexadecimal }

    /// All that the binary carries, in order.
    static let embedded: [SchemaMigration] = (0..<asset_sqlite_migration_count()).map { index in
        let asset = asset_sqlite_migration(index)
        let bytes = UnsafeBufferPointer(start: asset.bytes, count: asset.length)
        return SchemaMigration(name: String(cString: asset.name), sql: String(decoding: bytes, as: UTF8.self))
    }

    /// Brings a database to the last of these migrations, each in a transaction with its row in the `migration` table.
    ///
    /// Refuses, with nothing written, a database that has applied anything but a beginning of the list.
    static func apply(_ migrations: [SchemaMigration], to db: Connection, at time: Date) throws {
        let applied = try applied(in: db)
        for (number, done) in applied.enumerated() {
            guard let migration = migrations.first(where: { $0.name == done.name }) else {
                throw StorageError.newerDatabase(migration: done.name)
            }
            guard migrations[number] == migration, migration.sha256 == done.sha256 else {
                throw StorageError.changedMigration(done.name)
            }
        }
        for migration in migrations.dropFirst(applied.count) {
            try db.inTransaction(.immediate) {
                try db.execute(sql: Self.table)
                try db.execute(sql: migration.sql)
                try db.execute(
                    sql: "INSERT INTO migration (name, sha256, applied_at) VALUES (?, ?, ?)",
                    arguments: [migration.name, migration.sha256, time.milliseconds]
                )
                return .commit
            }
        }
    }

    private static let table = """
        CREATE TABLE IF NOT EXISTS migration (
            name       TEXT PRIMARY KEY NOT NULL,
            sha256     TEXT NOT NULL,
            applied_at INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID
        """

    private static func applied(in db: Connection) throws -> [(name: String, sha256: String)] {
        guard try db.tableExists("migration") else { return [] }
        return try Row.fetchAll(db, sql: "SELECT name, sha256 FROM migration ORDER BY name")
            .map { (try $0.get("name"), try $0.get("sha256")) }
    }
}

extension Sequence<UInt8> {
    /// Two lower-case digits for each byte.
    var hexadecimal: String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
