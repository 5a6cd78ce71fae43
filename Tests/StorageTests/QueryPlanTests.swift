import FoundationEssentials
import GRDB
import Knowledge
import Synchronization
import Testing

@testable import Storage

@Suite("Every query")
struct QueryPlanTests {
    /// Notes the SQL of every statement that runs.
    private final class Statements: Sendable {
        private let texts = Mutex<Set<String>>([])
        var all: Set<String> { texts.withLock { $0 } }

        func note(_ event: GRDB.Database.TraceEvent) {
            guard case .statement(let statement) = event else { return }
            let sql = statement.sql
            _ = texts.withLock { $0.insert(sql) }
        }
    }

    @Test("finds its rows by an index that fits it, whatever the number of rows")
    func usesIndexes() async throws {
        let statements = Statements()
        let things = try await Things()
        let database = things.world.database
        // One reader serves calls that come one after the other.
        try await database.pool.read { $0.trace { statements.note($0) } }
        try await database.pool.writeWithoutTransaction { $0.trace { statements.note($0) } }
        for call in ScopedCall.all where !call.name.hasPrefix("remove") {
            #expect(try await call.finds(things, things.world.scope))
        }
        _ = try await things.world.attach("more", to: things.base.id)
        try await things.world.complete(World.content())
        _ = try await database.documents(
            of: things.base.id, status: nil, page: Page(after: things.file.rawValue), in: things.world.scope)
        _ = try await database.changes(in: things.base.id, after: 0, limit: 1)
        for call in ScopedCall.all where call.name.hasPrefix("remove") {
            _ = try await call.finds(things, things.world.scope)
        }

        let queries = statements.all.filter { sql in
            ["SELECT", "UPDATE", "DELETE", "INSERT"].contains { sql.hasPrefix($0) } && !sql.contains("sqlite_")
        }
        #expect(queries.count > 30)
        for sql in queries {
            for step in try await plan(of: sql, in: database) {
                #expect(!isSlow(step), "\(step) in \(sql)")
            }
        }
    }

    private func plan(of sql: String, in database: Storage.Database) async throws -> [String] {
        try await database.read { db in
            let statement = try db.makeStatement(sql: "EXPLAIN QUERY PLAN \(sql)")
            statement.setUncheckedArguments(StatementArguments())
            return try Row.fetchAll(statement).map { $0["detail"] as String }
        }
    }

    /// Whether a step reads a whole table, or all documents of a tenant.
    private func isSlow(_ step: String) -> Bool {
        // Tenants are few, so are running jobs, webhooks and parts of segments, what waits to be unlinked or erased was just removed, and the others are the caller's own lists.
        let short = ["SCAN tenant", "SCAN other USING INDEX job_leased", "SCAN unlinking", "SCAN erasure", "SCAN index_part", "SCAN webhook_event", "SCAN wanted", "SCAN base", "SCAN json_each", "SCAN CONSTANT ROW"]
        if step.hasPrefix("SCAN"), !short.contains(where: step.hasPrefix) { return true }
        return step.contains("document_by_file (tenant_id=?)")
    }
}
