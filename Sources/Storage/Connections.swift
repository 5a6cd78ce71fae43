import GRDB

/// How every connection to the database file is set up.
enum Connections {
    /// One writer and up to four readers, each with these settings from its first statement on.
    static var configuration: Configuration {
        var configuration = Configuration()
        configuration.label = "almanac.db"
        configuration.maximumReaderCount = 4
        configuration.foreignKeysEnabled = true
        configuration.prepareDatabase { db in
            // Here and not by `busyMode`, which GRDB replaces for readers.
            try db.execute(sql: "PRAGMA busy_timeout = 5000")
            // A mapped page that the disk cannot deliver is a SIGBUS, which nobody can catch.
            try db.execute(sql: "PRAGMA mmap_size = 0")
            // Look for damage when a page is read, not when it has done harm.
            try db.execute(sql: "PRAGMA cell_size_check = ON")
            // A schema that somebody tampered with runs no function with side effects.
            try db.execute(sql: "PRAGMA trusted_schema = OFF")
            // The log shrinks back to 64 MiB after a large transaction.
            try db.execute(sql: "PRAGMA journal_size_limit = 67108864")
            try db.execute(sql: "PRAGMA cache_size = -8192")
            try db.execute(sql: "PRAGMA synchronous = FULL")
            let value = try Int.fetchOne(db, sql: "PRAGMA synchronous") ?? -1
            guard value == 2 else { throw StorageError.notDurable(setting: "synchronous", value: "\(value)") }
        }
        return configuration
    }

    /// Makes the writer wait for the disk at every commit, and refuses to go on if it will not.
    ///
    /// GRDB sets `synchronous = NORMAL` after `prepareDatabase` when it opens a pool (7.10, `Database.setUpWALMode`);
    /// with that a power cut takes back commits that were acknowledged.
    static func makeDurable(_ db: Connection) throws {
        try db.execute(sql: "PRAGMA synchronous = FULL")
        for (setting, wanted) in [("journal_mode", "wal"), ("synchronous", "2"), ("foreign_keys", "1")] {
            let value = try DatabaseValue.fetchOne(db, sql: "PRAGMA \(setting)") ?? .null
            let text = Int.fromDatabaseValue(value).map(String.init) ?? String.fromDatabaseValue(value) ?? "nothing"
            guard text == wanted else { throw StorageError.notDurable(setting: setting, value: text) }
        }
    }
}
