package import FoundationEssentials
import GRDB
package import Knowledge

extension Database: JobStore {
    package func claim(at time: Date) async throws -> JobLease? {
        try await write { db in
            try db.takeBackLeases(endedBefore: time, at: time)
            guard let row = try Row.fetchOne(db, sql: Self.nextJob, arguments: ["now": time.milliseconds]) else {
                return nil
            }
            var job = try Job(row: row)
            job.status = .running
            job.progress.stage = .reading
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
                sql: """
                    UPDATE job SET status = 'running', stage = 'reading', attempts = ?, lease_token = ?, lease_until = ?,
                        updated_at = ?
                    WHERE id = ?
                    """,
                arguments: [
                    job.attempts, lease.token, time.addingTimeInterval(JobLease.seconds).milliseconds,
                    time.milliseconds, job.id.rawValue,
                ]
            )
            try db.execute(
                sql: "UPDATE tenant SET last_claim = (SELECT MAX(last_claim) + 1 FROM tenant) WHERE id = ?",
                arguments: [job.tenant.rawValue]
            )
            return lease
        }
    }

    package func renew(_ lease: JobLease, at time: Date, progress: JobProgress) async throws -> Bool {
        try await write { db in try db.renew(lease, at: time, progress) }
    }

    package func vectors(of chunks: [Chunk], for lease: JobLease) async throws -> [[Float]?] {
        try await read { db in
            try chunks.map { try db.vector(of: ChunkDigest($0, of: lease.job.knowledgeBase, lease.embedding), for: lease) }
        }
    }

    package func stage(
        _ vectors: [[Float]], of chunks: [Chunk], for lease: JobLease, at time: Date, progress: JobProgress
    ) async throws -> Bool {
        try await write { db in
            guard try db.renew(lease, at: time, progress) else { return false }
            // It gets on, so it is not the document that workers die of.
            try db.execute(sql: "UPDATE job SET deaths = 0 WHERE id = ? AND deaths > 0", arguments: [lease.job.id.rawValue])
            for (chunk, vector) in zip(chunks, vectors) {
                let digest = ChunkDigest(chunk, of: lease.job.knowledgeBase, lease.embedding)
                try db.stage(vector, digest, for: lease.job.id)
            }
            return true
        }
    }

    package func complete(_ lease: JobLease, with content: IndexedContent) async throws -> Bool {
        let now = time
        let isKept = try await write { db in
            guard try db.end(lease, as: .completed, at: now) else { return false }
            // First, so that an index that follows along step by step never has old and new together.
            try db.promote(lease.job.document, of: lease.job.tenant, at: now)
            try db.execute(
                sql: """
                    UPDATE job SET stage = 'storing', chunks_total = :all, chunks_done = :all,
                        chunks_reused = MIN(chunks_reused, :all)
                    WHERE id = :id
                    """,
                arguments: ["all": content.chunks.count, "id": lease.job.id.rawValue])
            try db.store(content, as: lease.job.document, of: lease.job.knowledgeBase)
            return true
        }
        // What was replaced. The document is stored, whatever comes of this.
        if isKept { try? await unlinkReleased() }
        return isKept
    }

    package func fail(_ lease: JobLease, _ failure: DocumentFailure) async throws -> Bool {
        let now = time
        return try await write { db in
            guard try db.end(lease, as: .failed, failure, at: now) else { return false }
            try db.execute(
                sql: """
                    UPDATE document SET status = 'failed', failure_reason = ?, failure_message = ?
                    WHERE tenant_id = ? AND id = ?
                    """,
                arguments: [
                    failure.reason.rawValue, failure.message, lease.job.tenant.rawValue, lease.job.document.rawValue,
                ]
            )
            if lease.job.kind == .reindex { try db.expire(lease.job.generation, at: now) }
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
        try await read { db in try db.job(id, of: scope.tenant) }
    }

    package func jobs(status: Job.Status?, page: Page, in scope: Scope) async throws -> Listing<Job> {
        let list = OrderedList(
            select: "SELECT * FROM job WHERE tenant_id = :tenant" + (status == nil ? "" : " AND status = :status"),
            position: "SELECT created_at, id FROM job WHERE tenant_id = :tenant AND id = :cursor",
            arguments: status.map { ["tenant": scope.tenant.rawValue, "status": $0.rawValue] }
                ?? ["tenant": scope.tenant.rawValue]
        )
        return try await read { [ends] db in try list.page(page, in: db, ends, Job.init(row:)) }
    }

    package func cancel(_ id: JobID, in scope: Scope) async throws -> Job {
        let now = time
        let job = try await write { db in
            let job = try db.job(id, of: scope.tenant)
            switch job.status {
            case .queued, .running: try db.cancel(job, at: now)
            case .cancelled: break
            case .completed, .failed: throw RequestError.conflict("The job '\(id)' has \(job.status.rawValue) already.")
            }
            return try db.job(id, of: scope.tenant)
        }
        collector.wake()
        return job
    }

    package func requeue(_ id: JobID, in scope: Scope) async throws -> Job {
        let now = time
        return try await write { db in
            let job = try db.job(id, of: scope.tenant)
            switch job.status {
            case .queued, .running: return job
            case .completed: throw RequestError.conflict("The job '\(id)' was completed.")
            case .failed, .cancelled: break
            }
            try db.requeue(job, at: now)
            return try db.job(id, of: scope.tenant)
        }
    }

    package func content(_ lease: JobLease) async throws -> Data {
        guard let file = lease.file, let data = try await onDisk({ [blobs] in try blobs.contents(of: file.sha256) }) else {
            throw RequestError.notFound("file", id: lease.file?.id.rawValue ?? "", parameter: nil)
        }
        return data
    }

    /// Of the tenants that have a job due, the one that has waited longest since its last; of its jobs, the oldest, but behind
    /// all others those that lost a worker.
    private static let nextJob = """
        SELECT * FROM job WHERE \(isDue) AND tenant_id = (
            SELECT id FROM tenant WHERE EXISTS (SELECT 1 FROM job WHERE job.tenant_id = tenant.id AND \(isDue))
            ORDER BY last_claim, id LIMIT 1
        ) ORDER BY deaths, created_at, id LIMIT 1
        """

    /// Re-indexes run one at a time, so that they leave room for documents; and documents wait while their knowledge base is
    /// about to change over, so that there is an end to what that waits for.
    private static let isDue = """
        job.status = 'queued' AND job.not_before <= :now AND NOT EXISTS (
            SELECT 1 FROM job AS other WHERE other.status = 'running' AND other.kind = 'reindex' AND (
                job.kind = 'reindex' OR (other.stage = 'storing' AND other.knowledge_base_id = job.knowledge_base_id)
            )
        )
        """
}
