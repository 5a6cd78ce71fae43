import FoundationEssentials
import GRDB
package import Knowledge

extension Database {
    /// Things that go in one call: more are for the next one.
    private static let expiredAtOnce = 1_000

    /// Removes files whose time is over, and knowledge bases that nobody has used for as long as they said, of all tenants.
    ///
    /// - Returns: The knowledge bases that are gone.
    package func removeExpired() async throws -> [KnowledgeBaseID] {
        let now = time
        let files = try await read { db in
            try Row.fetchAll(
                db, sql: "SELECT tenant_id, id FROM file WHERE expires_at <= ? ORDER BY expires_at LIMIT ?",
                arguments: [now.milliseconds, Self.expiredAtOnce]
            ).map { (tenant: try $0.id("tenant_id", as: TenantID.self), id: try $0.id("id", as: FileID.self)) }
        }
        for file in files {
            do {
                try await remove(file.id, in: Scope(tenant: file.tenant, role: .user))
            } catch RequestError.notFound {
                // Somebody has removed it in between.
            }
        }
        let bases = try await write { db in try db.removeExpiredBases(at: now, limit: Self.expiredAtOnce) }
        if !bases.isEmpty { collector.wake() }
        return bases
    }
}

extension Connection {
    /// Looks and removes in one transaction, so that what is used in between stays.
    fileprivate func removeExpiredBases(at time: Date, limit: Int) throws -> [KnowledgeBaseID] {
        let expired = try Row.fetchAll(
            self,
            sql: """
                SELECT tenant_id, id FROM knowledge_base_expiry JOIN knowledge_base ON id = knowledge_base_id
                WHERE last_active_at + days * 86400000 <= ? LIMIT ?
                """,
            arguments: [time.milliseconds, limit])
        var removed: [KnowledgeBaseID] = []
        for row in expired {
            let id: KnowledgeBaseID = try row.id("id")
            try remove(id, of: row.id("tenant_id"), at: time)
            removed.append(id)
        }
        return removed
    }
}
