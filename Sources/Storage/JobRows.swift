import FoundationEssentials
import GRDB
import Knowledge

// The job rows of a transaction.

/// Runs in a row of one job that may end with their worker before it is given up.
private let maxDeaths = 3
/// Jobs of one tenant that may wait at a time.
let maxQueuedJobs = 10_000

extension Connection {
    /// Queues a document's indexing.
    ///
    /// Throws `RequestError.tooMany` where the tenant has too many jobs waiting.
    func enqueue(_ document: Document, of tenant: TenantID, at time: Date) throws {
        let job = Job(tenant: tenant, knowledgeBase: document.knowledgeBase, document: document.id, createdAt: time)
        try enqueue(job)
    }

    func enqueue(_ job: Job) throws {
        try requireRoom(of: job.tenant)
        try execute(
            sql: """
                INSERT INTO job (
                    id, tenant_id, kind, knowledge_base_id, document_id, status, not_before, created_at, updated_at
                ) VALUES (?, ?, ?, ?, ?, 'queued', ?, ?, ?)
                """,
            arguments: [
                job.id.rawValue, job.tenant.rawValue, job.kind.rawValue, job.knowledgeBase.rawValue,
                job.document.rawValue, job.createdAt.milliseconds, job.createdAt.milliseconds,
                job.createdAt.milliseconds,
            ]
        )
    }

    /// Throws `RequestError.tooMany` where the tenant has too many jobs waiting.
    func requireRoom(of tenant: TenantID) throws {
        let isFull = try Bool.fetchOne(
            self,
            sql: "SELECT 1 FROM job WHERE tenant_id = ? AND status = 'queued' LIMIT 1 OFFSET ?",
            arguments: [tenant.rawValue, maxQueuedJobs - 1])
        guard isFull == nil else {
            throw RequestError.tooMany("There are \(maxQueuedJobs) documents waiting to be indexed. Send more when some are done.")
        }
    }

    /// A tenant's job, or `RequestError.notFound`.
    func job(_ id: JobID, of tenant: TenantID) throws -> Job {
        let row = try Row.fetchOne(
            self, sql: "SELECT * FROM job WHERE tenant_id = ? AND id = ?", arguments: [tenant.rawValue, id.rawValue])
        guard let row else { throw RequestError.notFound("job", id: id.rawValue, parameter: nil) }
        return try Job(row: row)
    }

    /// Queues the jobs of workers that are no more, and fails those that it happened to several times over, so that one
    /// document cannot keep the server down.
    ///
    /// - Parameter now: Only leases that ended before; nil for all, as when the process that gave them has ended.
    func takeBackLeases(endedBefore now: Date?, at time: Date) throws {
        let running = "SELECT * FROM job WHERE status = 'running'"
        let rows =
            if let now {
                try Row.fetchAll(self, sql: running + " AND lease_until <= ?", arguments: [now.milliseconds])
            } else {
                try Row.fetchAll(self, sql: running)
            }
        for row in rows {
            let job = try Job(row: row)
            let deaths: Int = try row.get("deaths") + 1
            guard deaths < maxDeaths else {
                let work = job.kind == .ingest ? ("read", "this document") : ("indexed", "this knowledge base anew")
                let message =
                    now == nil
                    ? "The server ended \(deaths) times while it \(work.0) \(work.1)."
                    : "Indexing \(work.1) came to a standstill \(deaths) times."
                try giveUp(job, message, at: time)
                continue
            }
            try execute(
                sql: """
                    UPDATE job SET status = 'queued', stage = 'queued', lease_token = NULL, lease_until = NULL,
                        deaths = ?, updated_at = ?
                    WHERE id = ?
                    """,
                arguments: [deaths, time.milliseconds, job.id.rawValue])
        }
    }

    /// Ends a job, and its document, for good.
    func giveUp(_ job: Job, _ message: String, at time: Date) throws {
        try execute(
            sql: """
                UPDATE job SET status = 'failed', reason = ?, message = ?, lease_token = NULL, lease_until = NULL,
                    updated_at = ?
                WHERE id = ?
                """,
            arguments: [
                DocumentFailure.Reason.internalError.rawValue, message, time.milliseconds, job.id.rawValue,
            ]
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
        if job.kind == .reindex { try expire(job.generation, at: time) }
    }

    /// Cancels a live job and, where it is not indexed, its document.
    func cancel(_ job: Job, at time: Date) throws {
        try execute(
            sql: """
                UPDATE job SET status = 'cancelled', lease_token = NULL, lease_until = NULL, updated_at = ?
                WHERE tenant_id = ? AND id = ?
                """,
            arguments: [time.milliseconds, job.tenant.rawValue, job.id.rawValue]
        )
        try execute(
            sql: """
                UPDATE document SET status = 'cancelled'
                WHERE tenant_id = ? AND id = ? AND status = 'in_progress'
                """,
            arguments: [job.tenant.rawValue, job.document.rawValue]
        )
        if job.kind == .reindex { try abandon(job.generation, at: time) }
    }

    /// Queues a failed or cancelled job again: a document from the beginning, since its vectors went when the job ended; a
    /// re-index with what it has not done yet.
    ///
    /// Throws `RequestError.conflict` where its document is gone or was taken up by another job.
    func requeue(_ job: Job, at time: Date) throws {
        try requireRoom(of: job.tenant)
        switch job.kind {
        case .ingest:
            try execute(
                sql: """
                    UPDATE document SET status = 'in_progress', failure_reason = NULL, failure_message = NULL
                    WHERE tenant_id = ? AND id = ? AND status IN ('failed', 'cancelled')
                    """,
                arguments: [job.tenant.rawValue, job.document.rawValue])
            guard changesCount == 1 else {
                throw RequestError.conflict("The document of the job '\(job.id)' is gone, or another job has taken it up.")
            }
        case .reindex:
            guard try takeUp(job.generation, of: job.knowledgeBase) else {
                throw RequestError.conflict(
                    "What the job '\(job.id)' had made is gone. Change the knowledge base again for a new job.")
            }
        }
        try execute(
            sql: """
                UPDATE job SET status = 'queued', stage = 'queued', attempts = 0, deaths = 0, reason = NULL,
                    message = NULL, documents_total = NULL, documents_done = NULL, chunks_total = 0, chunks_done = 0,
                    chunks_reused = 0, not_before = ?, updated_at = ?
                WHERE id = ?
                """,
            arguments: [time.milliseconds, time.milliseconds, job.id.rawValue])
    }

    /// A new lease with all that the job's worker needs to know.
    func lease(_ job: Job) throws -> JobLease {
        let token = (0..<16).map { _ in UInt8.random(in: 0...255) }.hexadecimal
        switch job.kind {
        case .ingest:
            let row = try Row.fetchOne(
                self,
                sql: """
                    SELECT document.chunking, embedding_name, embedding_dimension, embedding_max_tokens,
                        embedding_fingerprint, file.*
                    FROM document
                    JOIN known_base ON known_base.id = document.knowledge_base_id
                    JOIN file ON file.id = document.file_id
                    WHERE document.tenant_id = ? AND document.id = ?
                    """,
                arguments: [job.tenant.rawValue, job.document.rawValue]
            )
            guard let row else { throw StorageError.damaged("\(job.id) is queued for a document that is not there") }
            return JobLease(
                job: job, token: token, file: try StoredFile(row: row), chunking: try row.json("chunking"),
                embedding: try EmbeddingModel(row: row))
        case .reindex:
            guard let generation = try generation(job.generation) else {
                throw StorageError.damaged("\(job.id) is queued for a generation that is not there")
            }
            return JobLease(
                job: job, token: token, file: nil, chunking: generation.chunking, embedding: generation.embedding)
        }
    }

    /// Prolongs a lease and notes the progress. False, with nothing written, if the lease is void.
    func renew(_ lease: JobLease, at time: Date, _ progress: JobProgress) throws -> Bool {
        try execute(
            sql: """
                UPDATE job SET lease_until = ?, stage = ?, pages = ?, documents_total = ?, documents_done = ?,
                    chunks_total = ?, chunks_done = ?, chunks_reused = ?, updated_at = ?
                WHERE id = ? AND lease_token = ?
                """,
            arguments: [
                time.addingTimeInterval(JobLease.seconds).milliseconds, progress.stage.rawValue, progress.pages,
                progress.documents?.total, progress.documents?.done, progress.chunks, progress.done, progress.reused,
                time.milliseconds, lease.job.id.rawValue, lease.token,
            ]
        )
        return changesCount > 0
    }

    /// Ends a run and its lease. False, with nothing written, if the lease is void.
    func end(
        _ lease: JobLease, as status: Job.Status, _ failure: DocumentFailure? = nil, message: String? = nil,
        at time: Date
    ) throws -> Bool {
        try execute(
            sql: """
                UPDATE job SET status = ?, reason = ?, message = ?, lease_token = NULL, lease_until = NULL, deaths = 0,
                    stage = CASE ? WHEN 'queued' THEN 'queued' ELSE stage END, updated_at = ?
                WHERE id = ? AND lease_token = ?
                """,
            arguments: [
                status.rawValue, failure?.reason.rawValue, failure?.message ?? message, status.rawValue,
                time.milliseconds, lease.job.id.rawValue, lease.token,
            ]
        )
        return changesCount > 0
    }
}

extension Job {
    init(row: Row) throws {
        self.init(
            id: try row.id("id"), tenant: try row.id("tenant_id"), kind: try row.choice("kind"),
            knowledgeBase: try row.id("knowledge_base_id"), document: try row.id("document_id"),
            status: try row.choice("status"),
            progress: JobProgress(
                stage: try row.choice("stage"), pages: try row.find("pages"),
                documents: try row.find("documents_total").map {
                    JobProgress.Documents(total: $0, done: try row.get("documents_done"))
                },
                chunks: try row.get("chunks_total"), done: try row.get("chunks_done"),
                reused: try row.get("chunks_reused")),
            attempts: try row.get("attempts"),
            reason: try row.find("reason", as: String.self).flatMap(DocumentFailure.Reason.init(rawValue:)),
            message: try row.find("message"), createdAt: try row.date("created_at"),
            updatedAt: try row.date("updated_at")
        )
    }
}
