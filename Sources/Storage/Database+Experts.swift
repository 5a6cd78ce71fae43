import GRDB
package import Knowledge

extension Database: ExpertStore {
    package func add(_ expert: Expert, in scope: Scope) async throws {
        try await write { db in
            try db.admit(scope.tenant)
            try db.execute(
                sql: """
                    INSERT INTO expert (id, tenant_id, title, summary, settings, created_at) VALUES (?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    expert.id.rawValue, scope.tenant.rawValue, expert.title, expert.summary,
                    try jsonText(expert.settings), expert.createdAt.milliseconds,
                ]
            )
        }
    }

    package func expert(_ id: ExpertID, in scope: Scope) async throws -> Expert {
        try await read { db in
            let row = try Row.fetchOne(
                db, sql: "SELECT * FROM expert WHERE tenant_id = ? AND id = ?",
                arguments: [scope.tenant.rawValue, id.rawValue]
            )
            guard let row else { throw Self.missing(id) }
            return try Expert(row: row)
        }
    }

    package func experts(in scope: Scope) async throws -> [Expert] {
        try await read { db in
            try Row.fetchAll(
                db, sql: "SELECT * FROM expert WHERE tenant_id = ? ORDER BY created_at, id LIMIT ?",
                arguments: [scope.tenant.rawValue, OrderedList.longest]
            ).map(Expert.init(row:))
        }
    }

    package func update(_ expert: Expert, in scope: Scope) async throws {
        try await write { db in
            try db.execute(
                sql: "UPDATE expert SET title = ?, summary = ?, settings = ? WHERE tenant_id = ? AND id = ?",
                arguments: [
                    expert.title, expert.summary, try jsonText(expert.settings), scope.tenant.rawValue,
                    expert.id.rawValue,
                ]
            )
            guard db.changesCount > 0 else { throw Self.missing(expert.id) }
        }
    }

    package func remove(_ id: ExpertID, in scope: Scope) async throws {
        try await write { db in
            try db.execute(
                sql: "DELETE FROM expert WHERE tenant_id = ? AND id = ?",
                arguments: [scope.tenant.rawValue, id.rawValue]
            )
            guard db.changesCount > 0 else { throw Self.missing(id) }
        }
    }

    private static func missing(_ id: ExpertID) -> RequestError {
        .notFound("expert", id: id.rawValue, parameter: nil)
    }
}

extension Expert {
    fileprivate init(row: Row) throws {
        self.init(
            id: try row.id("id"), title: try row.get("title"), summary: try row.get("summary"),
            settings: try row.json("settings"), createdAt: try row.date("created_at")
        )
    }
}
