import GRDB
package import Knowledge

/// What went wrong below the stores: the disk, the database file, or content that must not be stored. Callers' mistakes
/// are `RequestError`s.
package enum StorageError: Error, Hashable, Sendable {
    /// Another process, or another `Database` of this one, has the directory open.
    case locked(directory: String)
    /// A newer program has written the database: it has a migration that this one does not know.
    case newerDatabase(migration: String)
    /// A migration that the database has applied reads differently in this program.
    case changedMigration(String)
    /// SQLite would not promise what it must: the pragma and the value it reads back.
    case notDurable(setting: String, value: String)
    /// Stored bytes are not what was stored. Names what, in words.
    case damaged(String)
    case diskFull
    /// The database stayed locked for the whole busy timeout.
    case busy
    /// What indexing yielded cannot be stored: nothing in it, or vectors that do not fit. Names what.
    case invalidContent(String)
    /// The upload was admitted or discarded, or a write to it failed.
    case uploadEnded
    /// Any other failure of the disk or of SQLite, with its own words.
    case failed(String)
}

extension StorageError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .locked(let directory):
            "The data directory \(directory) is in use by another almanac. Stop it first, or choose another with --data."
        case .newerDatabase(let migration):
            "The database was written by a newer almanac: it has the migration \(migration), which this one lacks. "
                + "Use that version, or restore a backup made before it."
        case .changedMigration(let name):
            "The migration \(name) that the database has applied is not the one in this program. Use the version of "
                + "almanac that made the database."
        case .notDurable(let setting, let value):
            "SQLite does not keep \(setting): it reads back \(value). Commits would not survive a power cut."
        case .damaged(let what): "Stored data is damaged: \(what). Restore it from a backup."
        case .diskFull: "The disk is full. Free some space; nothing of this change was stored."
        case .busy: "The database stayed locked for too long."
        case .invalidContent(let what): "This content cannot be stored: \(what)."
        case .uploadEnded: "The upload has ended."
        case .failed(let reason): "Storage failed: \(reason)."
        }
    }
}

extension StorageError {
    /// The same failure in this target's words; errors that already speak to callers pass unchanged.
    static func translating(_ error: any Error) -> any Error {
        guard let error = error as? DatabaseError else { return error }
        return switch error.resultCode {
        case .SQLITE_FULL: StorageError.diskFull
        case .SQLITE_BUSY: StorageError.busy
        case .SQLITE_CORRUPT, .SQLITE_NOTADB: StorageError.damaged(error.description)
        // GRDB leaves bound values out of the description.
        default: StorageError.failed(error.description)
        }
    }
}

extension StorageError: StoreFailure {
    package var consequence: StoreConsequence {
        switch self {
        case .diskFull: .full
        case .busy: .busy
        default: .broken
        }
    }
}
