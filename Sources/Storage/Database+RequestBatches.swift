package import FoundationEssentials
import GRDB
package import Knowledge

/// Batches of one tenant that may be unfinished at a time.
private let maxUnfinished = 100

extension Database: RequestBatchStore {
    package func add(_ batch: RequestBatch, in scope: Scope) async throws {
        let metadata = try jsonText(batch.metadata)
        try await write { db in
            _ = try db.file(batch.inputFile, of: scope.tenant)
            let isFull = try Bool.fetchOne(
                db,
                sql: "SELECT 1 FROM request_batch WHERE tenant_id = ? AND \(unfinished) LIMIT 1 OFFSET ?",
                arguments: [scope.tenant.rawValue, maxUnfinished - 1])
            guard isFull == nil else {
                throw RequestError.tooMany("There are \(maxUnfinished) batches at work. Send more when some are done.")
            }
            try db.execute(
                sql: """
                    INSERT INTO request_batch (
                        id, tenant_id, key_id, endpoint, input_file_id, metadata, status, created_at, expires_at,
                        output_lifetime
                    ) VALUES (?, ?, ?, ?, ?, ?, 'validating', ?, ?, ?)
                    """,
                arguments: [
                    batch.id.rawValue, scope.tenant.rawValue, batch.key?.rawValue, batch.endpoint.rawValue,
                    batch.inputFile.rawValue, metadata, batch.createdAt.milliseconds, batch.expiresAt.milliseconds,
                    batch.outputLifetime.map(Int64.init(seconds:)),
                ])
        }
    }

    package func requestBatch(_ id: RequestBatchID, in scope: Scope) async throws -> RequestBatch {
        try await read { db in try db.requestBatch(id, of: scope.tenant) }
    }

    package func requestBatches(page: Page, in scope: Scope) async throws -> Listing<RequestBatch> {
        let list = OrderedList(
            select: "SELECT * FROM request_batch WHERE tenant_id = :tenant",
            position: "SELECT created_at, id FROM request_batch WHERE tenant_id = :tenant AND id = :cursor",
            arguments: ["tenant": scope.tenant.rawValue])
        return try await read { [ends] db in try list.page(page, in: db, ends, RequestBatch.init(row:)) }
    }

    package func cancelRequestBatch(_ id: RequestBatchID, in scope: Scope) async throws -> RequestBatch {
        let now = time
        return try await write { db in
            let batch = try db.requestBatch(id, of: scope.tenant)
            switch batch.status {
            case .cancelling, .cancelled: return batch
            case .completed, .failed, .expired:
                throw RequestError.conflict("The batch '\(id)' has \(batch.status.rawValue) already.")
            case .validating, .inProgress, .finalizing:
                try db.advance(id, to: .cancelling, at: now)
                return try db.requestBatch(id, of: scope.tenant)
            }
        }
    }
}

extension Database: RequestBatchQueue {
    package func unfinishedRequestBatches() async throws -> [RequestBatch] {
        try await read { db in
            try Row.fetchAll(
                db, sql: "SELECT * FROM request_batch WHERE \(unfinished) ORDER BY created_at, id LIMIT 1000"
            ).map(RequestBatch.init(row:))
        }
    }

    package func beginWork(on id: RequestBatchID) async throws -> (batch: RequestBatch, deaths: Int)? {
        try await write { db in
            let row = try Row.fetchOne(
                db, sql: "SELECT * FROM request_batch WHERE id = ? AND \(unfinished)", arguments: [id.rawValue])
            guard let row else { return nil }
            try db.execute(
                sql: "UPDATE request_batch SET deaths = deaths + 1 WHERE id = ?", arguments: [id.rawValue])
            return (try RequestBatch(row: row), try row.get("deaths"))
        }
    }

    package func leaveWork(on id: RequestBatchID) async throws {
        try await write { db in
            try db.execute(
                sql: "UPDATE request_batch SET deaths = MAX(deaths - 1, 0) WHERE id = ?", arguments: [id.rawValue])
        }
    }

    package func advance(_ id: RequestBatchID, to status: RequestBatch.Status, total: Int?) async throws {
        let now = time
        try await write { db in
            try db.advance(id, to: status, at: now)
            try db.execute(
                sql: "UPDATE request_batch SET lines_total = COALESCE(?, lines_total) WHERE id = ? AND \(unfinished)",
                arguments: [total, id.rawValue])
        }
    }

    package func finishedLines(of id: RequestBatchID) async throws -> Set<Int> {
        try await read { db in
            try Int.fetchSet(
                db, sql: "SELECT line FROM request_batch_result WHERE batch_id = ?", arguments: [id.rawValue])
        }
    }

    package func keep(_ result: RequestResult, of id: RequestBatchID) async throws {
        try await write { db in
            try db.execute(
                sql: """
                    INSERT OR IGNORE INTO request_batch_result (batch_id, line, is_success, reply)
                    SELECT id, ?, ?, ? FROM request_batch WHERE id = ? AND \(unfinished)
                    """,
                arguments: [result.line, result.isSuccess, result.reply, id.rawValue])
            guard db.changesCount > 0 else { return }
            try db.execute(
                sql: """
                    UPDATE request_batch SET deaths = 0, lines_completed = lines_completed + ?,
                        lines_failed = lines_failed + ?, input_tokens = input_tokens + ?,
                        output_tokens = output_tokens + ?
                    WHERE id = ?
                    """,
                arguments: [
                    result.isSuccess ? 1 : 0, result.isSuccess ? 0 : 1, result.usage?.prompt ?? 0,
                    result.usage?.completion ?? 0, id.rawValue,
                ])
        }
    }

    package func results(of id: RequestBatchID, after line: Int, limit: Int) async throws -> [RequestResult] {
        try await read { db in
            try Row.fetchAll(
                db,
                sql: "SELECT * FROM request_batch_result WHERE batch_id = ? AND line > ? ORDER BY line LIMIT ?",
                arguments: [id.rawValue, line, limit]
            ).map { row in
                RequestResult(
                    line: try row.get("line"), isSuccess: try row.get("is_success"), reply: try row.get("reply"))
            }
        }
    }

    package func finish(_ id: RequestBatchID, as outcome: RequestBatchOutcome) async throws {
        let (now, problems) = (time, try jsonText(outcome.problems))
        let batch = try await read { db in
            try Row.fetchOne(db, sql: "SELECT * FROM request_batch WHERE id = ?", arguments: [id.rawValue])
                .map(RequestBatch.init(row:))
        }
        guard let batch else { throw RequestError.notFound("batch", id: id.rawValue, parameter: nil) }
        let arrivals = [(outcome.output, "output"), (outcome.errors, "error")].compactMap { upload, kind in
            upload.map {
                Arrival(
                    upload: $0, name: "\(id)_\(kind).jsonl", purpose: "batch_output", lifetime: batch.outputLifetime)
            }
        }
        let (status, hasOutput) = (outcome.status, outcome.output != nil)
        _ = try await admit(arrivals, of: batch.tenant) { files, db in
            try db.advance(id, to: status, at: now)
            guard db.changesCount > 0 else { throw RequestError.conflict("The batch '\(id)' has ended already.") }
            var files = files[...]
            let output = hasOutput ? files.popFirst() : nil
            try db.execute(
                sql: "UPDATE request_batch SET problems = ?, output_file_id = ?, error_file_id = ? WHERE id = ?",
                arguments: [problems, output?.id.rawValue, files.first?.id.rawValue, id.rawValue])
            try db.execute(sql: "DELETE FROM request_batch_result WHERE batch_id = ?", arguments: [id.rawValue])
        }
    }

    /// The bytes of a batch's input, or less of them at the end; none behind it.
    ///
    /// Throws `RequestError.notFound` where the file is gone.
    package func input(of batch: RequestBatch, at offset: Int, count: Int) async throws -> Data {
        let file = try await read { db in try db.file(batch.inputFile, of: batch.tenant) }
        let bytes = try await onDisk { [blobs] in try blobs.bytes(of: file.sha256, at: offset, count: count) }
        guard let bytes else { throw RequestError.notFound("file", id: file.id.rawValue, parameter: nil) }
        return bytes
    }
}

/// The condition of batches that are not at their end, as the index has it.
private let unfinished = "status IN ('validating', 'in_progress', 'finalizing', 'cancelling')"

extension Connection {
    /// A tenant's batch, or `RequestError.notFound`.
    fileprivate func requestBatch(_ id: RequestBatchID, of tenant: TenantID) throws -> RequestBatch {
        let row = try Row.fetchOne(
            self, sql: "SELECT * FROM request_batch WHERE tenant_id = ? AND id = ?",
            arguments: [tenant.rawValue, id.rawValue])
        guard let row else { throw RequestError.notFound("batch", id: id.rawValue, parameter: nil) }
        return try RequestBatch(row: row)
    }

    /// Has the batches of a key end with what is done.
    func cancelRequestBatches(of key: KeyID, at time: Date) throws {
        try execute(
            sql: """
                UPDATE request_batch SET status = 'cancelling', cancelling_at = ?
                WHERE key_id = ? AND \(unfinished) AND status <> 'cancelling'
                """,
            arguments: [time.milliseconds, key.rawValue])
    }

    /// Brings a batch into a state and notes when; one that has ended, or is to be cancelled, does not go back to work.
    fileprivate func advance(_ id: RequestBatchID, to status: RequestBatch.Status, at time: Date) throws {
        let isWork = status == .inProgress || status == .finalizing
        try execute(
            sql: """
                UPDATE request_batch SET status = :status, \(status.rawValue)_at = :now
                WHERE id = :id AND \(unfinished)\(isWork ? " AND status <> 'cancelling'" : "")
                """,
            arguments: ["status": status.rawValue, "now": time.milliseconds, "id": id.rawValue])
    }
}

extension RequestBatch {
    fileprivate init(row: Row) throws {
        var reachedAt: [Status: Date] = [:]
        for status in Status.allCases where status != .validating {
            reachedAt[status] = try row.find("\(status.rawValue)_at").map(Date.init(milliseconds:))
        }
        self.init(
            id: try row.id("id"), tenant: try row.id("tenant_id"),
            key: try row.find("key_id").map(KeyID.init(rawValue:)), endpoint: try row.choice("endpoint"),
            inputFile: try row.id("input_file_id"), metadata: try row.json("metadata"),
            status: try row.choice("status"),
            counts: Counts(
                total: try row.get("lines_total"), completed: try row.get("lines_completed"),
                failed: try row.get("lines_failed")),
            usage: TokenUsage(prompt: try row.get("input_tokens"), completion: try row.get("output_tokens")),
            problems: try row.json("problems"), outputFile: try row.find("output_file_id").map(FileID.init(rawValue:)),
            errorFile: try row.find("error_file_id").map(FileID.init(rawValue:)),
            createdAt: try row.date("created_at"), expiresAt: try row.date("expires_at"), reachedAt: reachedAt,
            outputLifetime: try row.seconds("output_lifetime"))
    }
}
