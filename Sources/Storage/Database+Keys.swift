package import FoundationEssentials
import GRDB
package import Knowledge

extension Database: KeyStore {
    package func key(digest: String) async throws -> APIKey? {
        try await remembered.answer(to: .key(digest: digest)) {
            try await read { db in
                try Row.fetchOne(
                    db, sql: "SELECT * FROM api_key WHERE digest = ? AND revoked_at IS NULL", arguments: [digest]
                ).map(APIKey.init(row:))
            }
        }
    }

    package func add(_ key: APIKey) async throws {
        try await write { db in
            try db.admit(key.tenant)
            try db.execute(
                sql: """
                    INSERT INTO api_key (id, tenant_id, name, role, digest, hint, created_at, revoked_at)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                    ON CONFLICT (digest) DO NOTHING
                    """,
                arguments: [
                    key.id.rawValue, key.tenant.rawValue, key.name, key.role.rawValue, key.digest, key.hint,
                    key.createdAt.milliseconds, key.revokedAt?.milliseconds,
                ]
            )
        }
    }

    package func keys(of tenant: TenantID?) async throws -> [APIKey] {
        try await read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT * FROM api_key WHERE :tenant IS NULL OR tenant_id = :tenant ORDER BY created_at, id
                    """,
                arguments: ["tenant": tenant?.rawValue]
            ).map(APIKey.init(row:))
        }
    }

    package func revoke(_ id: KeyID, of tenant: TenantID?, at time: Date) async throws {
        try await write { db in
            try db.execute(
                sql: """
                    UPDATE api_key SET revoked_at = COALESCE(revoked_at, :now)
                    WHERE id = :id AND (:tenant IS NULL OR tenant_id = :tenant)
                    """,
                arguments: ["now": time.milliseconds, "id": id.rawValue, "tenant": tenant?.rawValue]
            )
            guard db.changesCount > 0 else { throw RequestError.notFound("key", id: id.rawValue, parameter: nil) }
            try db.cancelRequestBatches(of: id, at: time)
        }
    }
}

extension Connection {
    /// Writes the tenant's row where it is new. A scope is proof enough: authentication alone makes them.
    func admit(_ tenant: TenantID) throws {
        try execute(sql: "INSERT OR IGNORE INTO tenant (id) VALUES (?)", arguments: [tenant.rawValue])
    }
}

extension APIKey {
    fileprivate init(row: Row) throws {
        self.init(
            id: try row.id("id"), name: try row.get("name"), tenant: try row.id("tenant_id"),
            role: try row.choice("role"), digest: try row.get("digest"), hint: try row.get("hint"),
            createdAt: try row.date("created_at"),
            revokedAt: try row.find("revoked_at", as: Int64.self).map(Date.init(milliseconds:))
        )
    }
}
