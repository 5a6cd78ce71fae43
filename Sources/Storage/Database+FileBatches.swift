import FoundationEssentials
import GRDB
package import Knowledge

extension Database: FileBatchStore {
    package func addBatch(
        _ attachments: [Attachment], to base: KnowledgeBaseID, in scope: Scope
    ) async throws -> FileBatch {
        let now = time
        return try await write { db in
            let base = try db.knowledgeBase(base, of: scope.tenant)
            let id = FileBatchID.random()
            try db.execute(
                sql: "INSERT INTO file_batch (id, tenant_id, knowledge_base_id, created_at) VALUES (?, ?, ?, ?)",
                arguments: [id.rawValue, scope.tenant.rawValue, base.id.rawValue, now.milliseconds])
            for attachment in attachments {
                let document = try db.attach(attachment, to: base, of: scope.tenant, at: now)
                // The same file twice is one member.
                try db.execute(
                    sql: "INSERT OR IGNORE INTO file_batch_member (batch_id, file_id, document_id) VALUES (?, ?, ?)",
                    arguments: [id.rawValue, attachment.file.rawValue, document.id.rawValue])
            }
            let batch = try db.batch(id, of: base.id, tenant: scope.tenant)
            // One that has nothing to wait for ends here, and no document's end will tell of it.
            if batch.counts.inProgress == 0 { try db.tellEnd(of: batch, tenant: scope.tenant, at: now) }
            return batch
        }
    }

    package func batch(
        _ id: FileBatchID, of base: KnowledgeBaseID, in scope: Scope
    ) async throws -> FileBatch {
        try await read { db in try db.batch(id, of: base, tenant: scope.tenant) }
    }

    package func cancelBatch(
        _ id: FileBatchID, of base: KnowledgeBaseID, in scope: Scope
    ) async throws -> [JobID] {
        let now = time
        return try await write { db in
            _ = try db.batch(id, of: base, tenant: scope.tenant)
            let jobs = try Row.fetchAll(
                db,
                sql: """
                    SELECT DISTINCT job.* FROM file_batch_member AS member
                    JOIN job ON job.document_id = member.document_id AND job.status IN ('queued', 'running')
                    WHERE batch_id = ?
                    """,
                arguments: [id.rawValue]
            ).map(Job.init(row:))
            // One that has ended stays what it is.
            guard !jobs.isEmpty else { return [] }
            for job in jobs { try db.cancel(job, at: now) }
            try db.execute(sql: "UPDATE file_batch SET is_cancelled = 1 WHERE id = ?", arguments: [id.rawValue])
            return jobs.map(\.id)
        }
    }

    package func requeueBatch(
        _ id: FileBatchID, of base: KnowledgeBaseID, in scope: Scope
    ) async throws {
        let now = time
        try await write { db in
            _ = try db.batch(id, of: base, tenant: scope.tenant)
            let jobs = try Row.fetchAll(
                db,
                sql: """
                    SELECT DISTINCT job.* FROM file_batch_member AS member
                    JOIN document ON document.id = member.document_id AND document.knowledge_base_id = :base
                        AND document.status IN ('failed', 'cancelled')
                    JOIN job ON job.id = (
                        SELECT id FROM job WHERE document_id = member.document_id ORDER BY created_at DESC, id DESC LIMIT 1)
                    WHERE batch_id = :batch
                    """,
                arguments: ["base": base.rawValue, "batch": id.rawValue]
            ).map(Job.init(row:))
            for job in jobs { try db.requeue(job, at: now) }
            try db.execute(sql: "UPDATE file_batch SET is_cancelled = 0 WHERE id = ?", arguments: [id.rawValue])
        }
    }

    package func documents(
        ofBatch id: FileBatchID, of base: KnowledgeBaseID, status: String?, page: Page, in scope: Scope
    ) async throws -> Listing<Document> {
        // By file, since several files of a batch may be one document.
        let list = OrderedList(
            select: """
                SELECT * FROM (
                    SELECT file.id AS id, file.created_at AS created_at, member.document_id AS document_id
                    FROM file_batch_member AS member
                    JOIN file ON file.tenant_id = :tenant AND file.id = member.file_id
                    JOIN document ON document.id = member.document_id AND document.tenant_id = :tenant
                    WHERE batch_id = :batch AND (:status IS NULL OR document.status = :status)
                ) WHERE 1
                """,
            position: "SELECT created_at, id FROM file WHERE tenant_id = :tenant AND id = :cursor",
            arguments: ["tenant": scope.tenant.rawValue, "batch": id.rawValue, "status": status]
        )
        return try await read { [ends] db in
            _ = try db.batch(id, of: base, tenant: scope.tenant)
            return try list.page(page, in: db, ends) { row in
                try db.document(row.id("document_id"), of: scope.tenant, as: row.id("id"))
            }
        }
    }
}

extension Connection {
    /// A document as the one of some file, which may have been taken from it since.
    fileprivate func document(_ id: DocumentID, of tenant: TenantID, as file: FileID) throws -> Document {
        let row = try Row.fetchOne(
            self, sql: "SELECT * FROM document WHERE tenant_id = ? AND id = ?",
            arguments: [tenant.rawValue, id.rawValue])
        guard let row else { throw Document.missing(file) }
        var document = try Document(row: row)
        document.file = file
        return document
    }

    fileprivate func tellEnd(of batch: FileBatch, tenant: TenantID, at time: Date) throws {
        try execute(
            sql: """
                INSERT INTO webhook_delivery (url, event, tenant_id, knowledge_base_id, batch_id, not_before, created_at)
                SELECT url, event, :tenant, :base, :batch, :now, :now FROM webhook_event WHERE event = 'batch.completed'
                """,
            arguments: [
                "tenant": tenant.rawValue, "base": batch.knowledgeBase.rawValue, "batch": batch.id.rawValue,
                "now": time.milliseconds,
            ])
    }

    fileprivate func batch(
        _ id: FileBatchID, of base: KnowledgeBaseID, tenant: TenantID
    ) throws -> FileBatch {
        try requireKnowledgeBase(base, of: tenant)
        let row = try Row.fetchOne(
            self, sql: "SELECT * FROM file_batch WHERE tenant_id = ? AND knowledge_base_id = ? AND id = ?",
            arguments: [tenant.rawValue, base.rawValue, id.rawValue])
        guard let row else { throw RequestError.notFound("file batch", id: id.rawValue, parameter: nil) }
        let counts = try Row.fetchAll(
            self,
            sql: """
                SELECT COALESCE(status, 'cancelled') AS status, COUNT(*) AS count
                FROM file_batch_member AS member LEFT JOIN document ON document.id = member.document_id
                WHERE batch_id = ? GROUP BY 1
                """,
            arguments: [id.rawValue])
        var batch = FileBatch(
            id: id, knowledgeBase: base, counts: DocumentCounts(), isCancelled: try row.get("is_cancelled"),
            createdAt: try row.date("created_at"))
        for row in counts {
            let count: Int = try row.get("count")
            switch try row.get("status", as: String.self) {
            case "in_progress": batch.counts.inProgress = count
            case "completed": batch.counts.completed = count
            case "failed": batch.counts.failed = count
            default: batch.counts.cancelled = count
            }
        }
        return batch
    }
}
