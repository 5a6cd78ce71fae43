import FoundationEssentials
import GRDB
package import Knowledge

extension Database: KnowledgeBaseStore {
    package func add(_ base: KnowledgeBase, in scope: Scope) async throws {
        try await write { db in
            try db.admit(scope.tenant)
            try db.execute(
                sql: """
                    INSERT INTO knowledge_base (
                        id, tenant_id, name, summary, metadata, embedding_name, embedding_dimension,
                        embedding_max_tokens, embedding_fingerprint, chunking, created_at, last_active_at,
                        embedding_weight, minimum_score
                    ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    base.id.rawValue, scope.tenant.rawValue, base.name, base.summary, try jsonText(base.metadata),
                    base.embedding.name, base.embedding.dimension, base.embedding.maxTokens,
                    base.embedding.fingerprint, try jsonText(base.chunking), base.createdAt.milliseconds,
                    base.lastActiveAt.milliseconds, base.search.embeddingWeight, base.search.minimumScore,
                ]
            )
            try db.setExpiry(of: base)
        }
    }

    package func knowledgeBase(_ id: KnowledgeBaseID, in scope: Scope) async throws -> KnowledgeBase {
        try await read { db in try db.knowledgeBase(id, of: scope.tenant) }
    }

    package func knowledgeBases(_ ids: [KnowledgeBaseID], in scope: Scope) async throws -> [KnowledgeBase] {
        func question(_ id: KnowledgeBaseID) -> Remembered.Question { .base(id, scope.tenant) }
        let (known, moment) = remembered.look(for: ids.map(question), as: KnowledgeBase.self)
        let missing = ids.filter { known[question($0)] == nil }
        var read: [KnowledgeBaseID: KnowledgeBase] = [:]
        if !missing.isEmpty {
            for base in try await self.read({ db in try db.knowledgeBases(missing, of: scope.tenant) }) {
                remembered.keep(base, to: question(base.id), since: moment)
                read[base.id] = base
            }
        }
        return ids.compactMap { known[question($0)] ?? read[$0] }
    }

    package func knowledgeBases(page: Page, in scope: Scope) async throws -> Listing<KnowledgeBase> {
        let list = OrderedList(
            select: "\(KnowledgeBase.select) WHERE tenant_id = :tenant",
            position: "SELECT created_at, id FROM known_base WHERE tenant_id = :tenant AND id = :cursor",
            arguments: ["tenant": scope.tenant.rawValue]
        )
        return try await read { [ends] db in try list.page(page, in: db, ends, db.knowledgeBase) }
    }

    package func update(_ base: KnowledgeBase, in scope: Scope) async throws {
        let now = time
        try await write { db in
            try db.execute(
                sql: """
                    UPDATE knowledge_base SET name = ?, summary = ?, metadata = ?, last_active_at = ?,
                        embedding_weight = ?, minimum_score = ?
                    WHERE tenant_id = ? AND id = ?
                    """,
                arguments: [
                    base.name, base.summary, try jsonText(base.metadata), now.milliseconds,
                    base.search.embeddingWeight, base.search.minimumScore, scope.tenant.rawValue, base.id.rawValue,
                ]
            )
            guard db.changesCount > 0 else { throw KnowledgeBase.missing(base.id) }
            try db.setExpiry(of: base)
        }
    }

    package func touch(_ id: KnowledgeBaseID, in scope: Scope) async throws {
        let now = time
        try await write { db in
            try db.execute(
                sql: "UPDATE knowledge_base SET last_active_at = ? WHERE tenant_id = ? AND id = ?",
                arguments: [now.milliseconds, scope.tenant.rawValue, id.rawValue])
        }
    }

    package func remove(_ id: KnowledgeBaseID, in scope: Scope) async throws {
        let now = time
        try await write { db in
            try db.requireKnowledgeBase(id, of: scope.tenant)
            try db.remove(id, of: scope.tenant, at: now)
        }
        collector.wake()
    }
}

extension Connection {
    /// Takes a knowledge base out of everybody's sight, with its documents and jobs.
    func remove(_ id: KnowledgeBaseID, of tenant: TenantID, at time: Date) throws {
        try eraseDocuments(of: id)
        try execute(
            sql: "DELETE FROM knowledge_base WHERE tenant_id = ? AND id = ?",
            arguments: [tenant.rawValue, id.rawValue]
        )
        try execute(
            sql: """
                UPDATE job SET status = 'cancelled', lease_token = NULL, lease_until = NULL, updated_at = ?
                WHERE tenant_id = ? AND knowledge_base_id = ? AND status IN ('queued', 'running')
                """,
            arguments: [time.milliseconds, tenant.rawValue, id.rawValue]
        )
    }

    fileprivate func setExpiry(of base: KnowledgeBase) throws {
        guard let days = base.expiryDays else {
            return try execute(
                sql: "DELETE FROM knowledge_base_expiry WHERE knowledge_base_id = ?", arguments: [base.id.rawValue])
        }
        try execute(
            sql: "INSERT OR REPLACE INTO knowledge_base_expiry (knowledge_base_id, days) VALUES (?, ?)",
            arguments: [base.id.rawValue, days])
    }
}

extension Connection {
    /// A tenant's knowledge base, or `RequestError.notFound`.
    func knowledgeBase(_ id: KnowledgeBaseID, of tenant: TenantID) throws -> KnowledgeBase {
        let row = try Row.fetchOne(
            self, sql: "\(KnowledgeBase.select) WHERE tenant_id = ? AND id = ?",
            arguments: [tenant.rawValue, id.rawValue]
        )
        guard let row else { throw KnowledgeBase.missing(id) }
        return try knowledgeBase(row)
    }

    fileprivate func knowledgeBases(_ ids: [KnowledgeBaseID], of tenant: TenantID) throws -> [KnowledgeBase] {
        try Row.fetchAll(
            self,
            sql: "\(KnowledgeBase.select) WHERE tenant_id = :tenant AND id IN (SELECT value FROM json_each(:ids))",
            arguments: ["tenant": tenant.rawValue, "ids": try jsonText(ids.map(\.rawValue))]
        ).map(knowledgeBase)
    }

    /// From a row of `KnowledgeBase.select`.
    fileprivate func knowledgeBase(_ row: Row) throws -> KnowledgeBase {
        var base = try KnowledgeBase(row: row)
        if try row.find("next_id", as: String.self) != nil || row.find("former_id", as: String.self) != nil {
            (base.reindexing, base.former) = try changes(of: base.id)
        }
        return base
    }

    /// Throws `RequestError.notFound` unless the tenant has the knowledge base.
    func requireKnowledgeBase(_ id: KnowledgeBaseID, of tenant: TenantID) throws {
        let exists = try Bool.fetchOne(
            self, sql: "SELECT EXISTS (SELECT 1 FROM knowledge_base WHERE tenant_id = ? AND id = ?)",
            arguments: [tenant.rawValue, id.rawValue]
        )
        guard exists == true else { throw KnowledgeBase.missing(id) }
    }
}

extension KnowledgeBase {
    /// All columns and what is derived from the documents; counting reads one index and no document row.
    static let select = """
        SELECT known_base.*,
            (SELECT COUNT(*) FROM document WHERE knowledge_base_id = known_base.id AND status = 'in_progress')
                AS in_progress,
            (SELECT COUNT(*) FROM document WHERE knowledge_base_id = known_base.id AND status = 'completed')
                AS completed,
            (SELECT COUNT(*) FROM document WHERE knowledge_base_id = known_base.id AND status = 'failed')
                AS failed,
            (SELECT COUNT(*) FROM document WHERE knowledge_base_id = known_base.id AND status = 'cancelled')
                AS cancelled,
            (SELECT COALESCE(SUM(usage_bytes), 0) FROM document WHERE knowledge_base_id = known_base.id)
                AS usage_bytes,
            (SELECT days FROM knowledge_base_expiry WHERE knowledge_base_id = known_base.id) AS expiry_days
        FROM known_base
        """

    static func missing(_ id: KnowledgeBaseID) -> RequestError {
        .notFound("knowledge base", id: id.rawValue, parameter: nil)
    }

    fileprivate init(row: Row) throws {
        self.init(
            id: try row.id("id"), name: try row.get("name"), summary: try row.get("summary"),
            metadata: try row.json("metadata"), embedding: try EmbeddingModel(row: row),
            chunking: try row.json("chunking"), createdAt: try row.date("created_at"),
            lastActiveAt: try row.date("last_active_at"),
            counts: DocumentCounts(
                inProgress: try row.get("in_progress"), completed: try row.get("completed"),
                failed: try row.get("failed"), cancelled: try row.get("cancelled")
            ),
            usageBytes: try row.get("usage_bytes")
        )
        index = try row.id("index_id")
        expiryDays = try row.find("expiry_days")
        search.embeddingWeight = try row.find("embedding_weight")
        search.minimumScore = try row.find("minimum_score")
    }
}

extension EmbeddingModel {
    /// From the columns of a knowledge base.
    init(row: Row) throws {
        self.init(
            name: try row.get("embedding_name"), dimension: try row.get("embedding_dimension"),
            maxTokens: try row.get("embedding_max_tokens"), fingerprint: try row.get("embedding_fingerprint")
        )
    }
}
