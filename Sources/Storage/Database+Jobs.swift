package import FoundationEssentials
import GRDB
package import Knowledge

extension Database: JobStore {
    package func claim(at time: Date) async throws -> JobLease? {
        try await write { db in
            guard let row = try Row.fetchOne(db, sql: Self.nextJob, arguments: ["now": time.milliseconds]) else {
                return nil
            }
            var job = try Job(row: row)
            job.status = .running
            job.attempts += 1
            job.updatedAt = Date(milliseconds: time.milliseconds)
            let lease: JobLease
            do {
                lease = try db.lease(job)
            } catch StorageError.damaged(let what) {
                // It would be chosen again for ever, and nothing behind it.
                try db.giveUp(job, "What is stored about this document is damaged: \(what).", at: time)
                return nil
            }
            try db.execute(
                sql: "UPDATE job SET status = 'running', attempts = ?, lease_token = ?, updated_at = ? WHERE id = ?",
                arguments: [job.attempts, lease.token, time.milliseconds, job.id.rawValue]
            )
            try db.execute(
                sql: "UPDATE tenant SET last_claim = (SELECT MAX(last_claim) + 1 FROM tenant) WHERE id = ?",
                arguments: [job.tenant.rawValue]
            )
            return lease
        }
    }

    package func complete(_ lease: JobLease, with content: IndexedContent) async throws -> Bool {
        let now = time
        return try await write { db in
            guard try db.end(lease, as: .completed, at: now) else { return false }
            try db.store(content, as: lease.job.document, of: lease.job.knowledgeBase)
            return true
        }
    }

    package func fail(_ lease: JobLease, _ failure: DocumentFailure) async throws -> Bool {
        let now = time
        return try await write { db in
            guard try db.end(lease, as: .failed, message: failure.message, at: now) else { return false }
            try db.execute(
                sql: """
                    UPDATE document SET status = 'failed', failure_reason = ?, failure_message = ?
                    WHERE tenant_id = ? AND id = ?
                    """,
                arguments: [
                    failure.reason.rawValue, failure.message, lease.job.tenant.rawValue, lease.job.document.rawValue,
                ]
            )
            return true
        }
    }

    package func retry(_ lease: JobLease, notBefore time: Date, message: String) async throws -> Bool {
        let now = self.time
        return try await write { db in
            guard try db.end(lease, as: .queued, message: message, at: now) else { return false }
            try db.execute(
                sql: "UPDATE job SET not_before = ? WHERE id = ?",
                arguments: [time.milliseconds, lease.job.id.rawValue]
            )
            return true
        }
    }

    package func job(_ id: JobID, in scope: Scope) async throws -> Job {
        try await read { db in
            let row = try Row.fetchOne(
                db, sql: "SELECT * FROM job WHERE tenant_id = ? AND id = ?",
                arguments: [scope.tenant.rawValue, id.rawValue]
            )
            guard let row else { throw RequestError.notFound("job", id: id.rawValue, parameter: nil) }
            return try Job(row: row)
        }
    }

    package func jobs(page: Page, in scope: Scope) async throws -> Listing<Job> {
        let list = OrderedList(
            select: "SELECT * FROM job WHERE tenant_id = :tenant",
            position: "SELECT created_at, id FROM job WHERE tenant_id = :tenant AND id = $cursor",
            arguments: ["tenant": scope.tenant.rawValue]
        )
        return try await read { db in try list.page(page, in: db, Job.init(row:)) }
    }

    package func content(_ lease: JobLease) async throws -> Data {
        guard let data = try await onDisk({ [blobs] in try blobs.contents(of: lease.file.sha256) }) else {
            throw RequestError.notFound("file", id: lease.file.id.rawValue, parameter: nil)
        }
        return data
    }

    /// Of the tenants that have a job due, the one that has waited longest since its last; of its jobs, the oldest.
    private static let nextJob = """
        SELECT * FROM job WHERE status = 'queued' AND not_before <= :now AND tenant_id = (
            SELECT id FROM tenant WHERE EXISTS (
                SELECT 1 FROM job WHERE job.tenant_id = tenant.id AND status = 'queued' AND not_before <= :now
            ) ORDER BY last_claim, id LIMIT 1
        ) ORDER BY created_at, id LIMIT 1
        """
}

/// Runs of one job that may end with the process before it is given up.
private let maxDeadlyRuns = 3

extension Connection {
    /// Queues a document's indexing.
    func enqueue(_ document: Document, of tenant: TenantID, at time: Date) throws {
        try execute(
            sql: """
                INSERT INTO job (
                    id, tenant_id, kind, knowledge_base_id, document_id, status, not_before, created_at, updated_at
                ) VALUES (?, ?, ?, ?, ?, 'queued', ?, ?, ?)
                """,
            arguments: [
                JobID.random().rawValue, tenant.rawValue, Job.Kind.ingest.rawValue, document.knowledgeBase.rawValue,
                document.id.rawValue, time.milliseconds, time.milliseconds, time.milliseconds,
            ]
        )
    }

    /// Fails jobs under which the process has ended several times over, so that one document cannot keep it down.
    func failDeadlyJobs(at time: Date) throws {
        let rows = try Row.fetchAll(
            self, sql: "SELECT * FROM job WHERE status = 'running' AND attempts >= ?", arguments: [maxDeadlyRuns])
        for job in try rows.map(Job.init(row:)) {
            try giveUp(job, "The server ended \(job.attempts) times while it read this document.", at: time)
        }
    }

    /// Ends a job and its document for good.
    fileprivate func giveUp(_ job: Job, _ message: String, at time: Date) throws {
        try execute(
            sql: "UPDATE job SET status = 'failed', message = ?, lease_token = NULL, updated_at = ? WHERE id = ?",
            arguments: [message, time.milliseconds, job.id.rawValue]
        )
        try execute(
            sql: """
                UPDATE document SET status = 'failed', failure_reason = ?, failure_message = ?
                WHERE tenant_id = ? AND id = ? AND status = 'in_progress'
                """,
            arguments: [
                DocumentFailure.Reason.internalError.rawValue, message, job.tenant.rawValue, job.document.rawValue,
            ]
        )
    }

    /// A new lease with all that the job's worker needs to know.
    fileprivate func lease(_ job: Job) throws -> JobLease {
        let row = try Row.fetchOne(
            self,
            sql: """
                SELECT document.chunking, embedding_name, embedding_dimension, embedding_max_tokens,
                    embedding_fingerprint, file.*
                FROM document
                JOIN knowledge_base ON knowledge_base.id = document.knowledge_base_id
                JOIN file ON file.id = document.file_id
                WHERE document.tenant_id = ? AND document.id = ?
                """,
            arguments: [job.tenant.rawValue, job.document.rawValue]
        )
        guard let row else { throw StorageError.damaged("\(job.id) is queued for a document that is not there") }
        return JobLease(
            job: job, token: (0..<16).map { _ in UInt8.random(in: 0...255) }.hexadecimal,
            file: try StoredFile(row: row), chunking: try row.json("chunking"),
            embedding: try EmbeddingModel(row: row)
        )
    }

    /// Ends a run and its lease. False, with nothing written, if the lease is void.
    fileprivate func end(
        _ lease: JobLease, as status: Job.Status, message: String? = nil, at time: Date
    ) throws -> Bool {
        try execute(
            sql: """
                UPDATE job SET status = ?, message = ?, lease_token = NULL, updated_at = ?
                WHERE id = ? AND lease_token = ?
                """,
            arguments: [status.rawValue, message, time.milliseconds, lease.job.id.rawValue, lease.token]
        )
        return changesCount > 0
    }
}

extension Job {
    fileprivate init(row: Row) throws {
        self.init(
            id: try row.id("id"), tenant: try row.id("tenant_id"), kind: try row.choice("kind"),
            knowledgeBase: try row.id("knowledge_base_id"), document: try row.id("document_id"),
            status: try row.choice("status"), attempts: try row.get("attempts"), message: try row.find("message"),
            createdAt: try row.date("created_at"), updatedAt: try row.date("updated_at")
        )
    }
}
