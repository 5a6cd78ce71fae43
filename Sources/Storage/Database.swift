package import FoundationEssentials
import GRDB
import Knowledge
import Synchronization

/// A data directory that this process alone has open: `almanac.db`, and originals in `files/ab/abcd…` by SHA-256.
///
/// It is every store there is; each port has its own file, and each of a port's writes is one transaction that is on
/// disk when the call returns. Missing things are `RequestError.notFound`, all else is `StorageError`.
package final class Database: Sendable {
    let pool: DatabasePool
    let blobs: BlobFolder
    /// Threads for what waits on the disk outside GRDB's own queues.
    let disk = Workers(count: 4, name: "disk")
    /// Threads for what searches read, where they run on none of their own: no upload that waits to write is in front of them.
    private let lookups = Workers(count: 4, name: "reader")
    /// Erases what was removed.
    let collector: Collector
    /// For what searches read, and for vectors and segments.
    let readers: Readers
    let remembered = Remembered()
    let filters = DocumentFilters()
    let postings = PostingCache()
    let ends = PageEnds()
    private let now: @Sendable () -> Date
    private let onDamage: @Sendable (StorageError) -> Void
    /// What was told of already.
    private let told = Mutex<Set<StorageError>>([])
    private let lock: DirectoryLock

    private init(
        pool: DatabasePool, blobs: BlobFolder, lock: DirectoryLock, now: @escaping @Sendable () -> Date,
        onDamage: @escaping @Sendable (StorageError) -> Void
    ) {
        self.pool = pool
        readers = Readers(path: pool.path)
        self.onDamage = onDamage
        self.blobs = blobs
        self.lock = lock
        self.now = now
        pool.add(transactionObserver: remembered, extent: .databaseLifetime)
        collector = Collector { try await pool.write { try $0.eraseStep() || $0.eraseSegmentPart() } }
    }

    /// Opens a data directory, making it where it is not, and brings its schema up to date.
    ///
    /// Waits for the disk; meant for the start of a process. Jobs that were running are queued again and unfinished
    /// uploads are thrown away, since nobody who began them can still be there.
    /// - Parameters:
    ///   - now: What new rows take as their time.
    ///   - onDamage: Told, once of each, of damage that is left out and does not fail what was asked for.
    /// - Throws: `StorageError`, `.locked` if it is open already.
    package static func open(
        directory: String, now: @escaping @Sendable () -> Date = { Date() },
        onDamage: @escaping @Sendable (StorageError) -> Void = { _ in }
    ) throws -> Database {
        do {
            return try open(
                directory: directory, migrations: SchemaMigration.embedded, now: now, onDamage: onDamage)
        } catch {
            throw StorageError.translating(error)
        }
    }

    static func open(
        directory: String, migrations: [SchemaMigration], now: @escaping @Sendable () -> Date,
        onDamage: @escaping @Sendable (StorageError) -> Void = { _ in }
    ) throws -> Database {
        try makePath(directory)
        let lock = try DirectoryLock(directory: directory)
        let blobs = try BlobFolder(directory: directory)
        let pool = try DatabasePool(path: "\(directory)/almanac.db", configuration: Connections.configuration)
        try pool.writeWithoutTransaction { db in
            try Connections.makeDurable(db)
            try SchemaMigration.apply(migrations, to: db, at: now())
            try db.inTransaction(.immediate) {
                try db.updateKeywords()
                return .commit
            }
        }
        try FileSystem.synchronizeDirectory(directory)
        let database = Database(pool: pool, blobs: blobs, lock: lock, now: now, onDamage: onDamage)
        try database.recover()
        database.collector.wake()
        return database
    }

    /// Writes all of the log into the database file and closes it. Every later call fails, but a second `close`.
    ///
    /// Only tidiness: what was acknowledged is safe without it.
    package func close() async throws {
        await collector.close()
        try await onDisk { [self] in
            // What is still running was interrupted and did not fail: that run does not count.
            try? pool.writeWithoutTransaction { db in
                try db.execute(
                    sql: """
                        UPDATE job SET status = 'queued', stage = 'queued', lease_token = NULL, lease_until = NULL,
                            attempts = MAX(0, attempts - 1)
                        WHERE status = 'running'
                        """)
                // The same of batches: a beginning that ends in good order says nothing against the batch.
                try db.execute(sql: "UPDATE request_batch SET deaths = deaths - 1 WHERE deaths > 0")
            }
            // A reader that is still at work keeps the log; the next start reads it. By SQL, since GRDB's own call
            // crashes on a connection that is closed already.
            readers.close()
            try? pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA wal_checkpoint(TRUNCATE)") }
            try drop()
        }
    }

    /// Lets go of the directory and settles nothing, as the end of a killed process does.
    func drop() throws {
        readers.close()
        try pool.close()
        lock.release()
    }

    /// Puts right what a process that ended in the middle of work left behind.
    private func recover() throws {
        let unlinked = try pool.write { db in
            try db.takeBackLeases(endedBefore: nil, at: time)
            try db.execute(sql: "DELETE FROM removal")
            try db.dropUnfinishedSegments()
            return try String.fetchAll(
                db, sql: "SELECT sha256 FROM unlinking WHERE sha256 NOT IN (SELECT sha256 FROM file)")
        }
        for sha256 in unlinked { try blobs.remove(sha256) }
        let parts = try pool.write { db in
            try db.execute(sql: "DELETE FROM unlinking")
            return try String.fetchSet(db, sql: "SELECT id FROM upload_part")
        }
        try blobs.keepParts(parts)
    }

    /// `mkdir -p`, for this user alone.
    private static func makePath(_ directory: String) throws {
        var isDirectory = false
        if FileManager.default.fileExists(atPath: directory, isDirectory: &isDirectory), isDirectory { return }
        do {
            try FileManager.default.createDirectory(
                atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw StorageError.failed("cannot make the directory \(directory): \(error)")
        }
    }
}

// MARK: - How the stores work with it

extension Database {
    /// The time that new rows take, in the precision that a row keeps.
    var time: Date { Date(milliseconds: now().milliseconds) }

    /// Runs queries that see one state of the database.
    func read<Value: Sendable>(_ queries: @escaping @Sendable (Connection) throws -> Value) async throws -> Value {
        do {
            return try await pool.read(queries)
        } catch {
            throw StorageError.translating(error)
        }
    }

    /// Runs a transaction. A throw, or the cancelling of the task before the commit, leaves nothing written.
    func write<Value: Sendable>(_ updates: @escaping @Sendable (Connection) throws -> Value) async throws -> Value {
        do {
            return try await pool.write(updates)
        } catch {
            throw StorageError.translating(error)
        }
    }

    /// The same for what searches read, and for vectors and segments. What has begun is not cancelled.
    func reading<Value: Sendable>(_ queries: @escaping @Sendable (Reader) throws -> Value) async throws -> Value {
        try await Self.run(on: lookups) { [readers] in try readers.read(queries) }
    }

    /// Tells whoever looks after the database of damage that a call left out.
    func tell(of damage: StorageError) {
        if told.withLock({ $0.insert(damage).inserted }) { onDamage(damage) }
    }

    /// Runs work with files on a thread that may wait for them. It is not cancelled once it has begun, so that rows and
    /// files change together.
    func onDisk<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await Self.run(on: disk, work)
    }

    private static func run<Value: Sendable>(
        on threads: Workers, _ work: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        do {
            return try await threads.run(.urgent, work)
        } catch {
            throw StorageError.translating(error)
        }
    }
}
