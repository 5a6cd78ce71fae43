import FoundationEssentials
import GRDB

/// What is in a database and how it is set up, for people who look after it.
package struct DatabaseSummary: Hashable, Sendable, Codable {
    package var knowledgeBases: Int
    package var documents: Int
    /// Those of removed documents included, until they are erased.
    package var chunks: Int
    package var files: Int
    /// Queued or running.
    package var liveJobs: Int
    /// Of the database file, without its log and the originals.
    package var databaseBytes: Int
    /// The last migration applied.
    package var schema: String
    package var sqliteVersion: String
    /// SQLite's `synchronous` of the connection that writes; 2 is FULL, and nothing else is safe.
    package var synchronous: Int
}

extension Database {
    /// Reads a row; throws `StorageError` where that does not work.
    package func checkHealth() async throws {
        _ = try await read { db in try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM migration") }
    }

    /// Counts rows and reads settings back. Reads whole indexes: not for every request.
    package func summary() async throws -> DatabaseSummary {
        do {
            let synchronous = try await pool.writeWithoutTransaction { db in
                try Int.fetchOne(db, sql: "PRAGMA synchronous")
            }
            return try await read { db in
                func number(_ sql: String) throws -> Int { try Int.fetchOne(db, sql: sql) ?? 0 }
                return DatabaseSummary(
                    knowledgeBases: try number("SELECT COUNT(*) FROM knowledge_base WHERE tenant_id <> '(erased)'"),
                    documents: try number("SELECT COUNT(*) FROM document WHERE tenant_id <> '(erased)'"),
                    chunks: try number("SELECT COUNT(*) FROM chunk"),
                    files: try number("SELECT COUNT(*) FROM file WHERE tenant_id <> '(erased)'"),
                    liveJobs: try number("SELECT COUNT(*) FROM job WHERE status IN ('queued', 'running')"),
                    databaseBytes: try number("PRAGMA page_count") * number("PRAGMA page_size"),
                    schema: try String.fetchOne(db, sql: "SELECT MAX(name) FROM migration") ?? "",
                    sqliteVersion: try String.fetchOne(db, sql: "SELECT sqlite_version()") ?? "",
                    synchronous: synchronous ?? -1
                )
            }
        } catch {
            throw StorageError.translating(error)
        }
    }
}
