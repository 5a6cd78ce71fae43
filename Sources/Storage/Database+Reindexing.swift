package import FoundationEssentials
import GRDB
package import Knowledge

extension Database: ReindexStore {
    package func reindex(
        _ id: KnowledgeBaseID, with settings: IndexSettings, in scope: Scope
    ) async throws -> KnowledgeBase {
        let now = time
        let base = try await write { db in
            let base = try db.knowledgeBase(id, of: scope.tenant)
            guard base.settings != settings else { return base }
            try db.beginReindex(of: base, with: settings, for: scope.tenant, at: now)
            return try db.knowledgeBase(id, of: scope.tenant)
        }
        collector.wake()
        return base
    }

    package func documents(
        lackingIn lease: JobLease, after revision: Int64, limit: Int
    ) async throws -> ReindexStep? {
        try await read { db in
            guard let next = try db.generation(lease.job.generation), try db.isLeased(lease) else { return nil }
            let current = try db.currentGeneration(of: next.base)
            let (all, done) = (try db.figures(of: current.id), try db.figures(of: next.id))
            return ReindexStep(
                documents: try db.texts(lackingIn: next, of: current, after: revision, limit: limit),
                progress: JobProgress.Documents(total: max(all.documents, done.documents), done: done.documents),
                chunks: done.chunks)
        }
    }

    package func keep(
        _ contents: [(document: DocumentID, content: IndexedContent)], for lease: JobLease, at time: Date,
        progress: JobProgress
    ) async throws -> Bool {
        try await write { db in
            guard try db.renew(lease, at: time, progress) else { return false }
            guard let next = try db.generation(lease.job.generation) else {
                throw StorageError.damaged("\(lease.job.id) has lost its generation")
            }
            let current = try db.currentGeneration(of: next.base)
            for (document, content) in contents where try db.isLacking(document, in: next.id, of: current.id) {
                _ = try db.store(content, as: document, in: next)
            }
            // It gets on, so it is not these documents that workers die of.
            try db.execute(sql: "UPDATE job SET deaths = 0 WHERE id = ? AND deaths > 0", arguments: [lease.job.id.rawValue])
            try db.execute(sql: "DELETE FROM staged_vector WHERE job_id = ?", arguments: [lease.job.id.rawValue])
            return true
        }
    }

    package func changeOver(_ lease: JobLease) async throws -> ChangeOver {
        let now = time
        let outcome = try await write { db in
            guard let next = try db.generation(lease.job.generation), try db.isLeased(lease) else { return ChangeOver.lost }
            let current = try db.currentGeneration(of: next.base)
            guard try db.texts(lackingIn: next, of: current, after: 0, limit: 1).isEmpty else { return .incomplete }
            guard try db.end(lease, as: .completed, at: now) else { return .lost }
            try db.changeOver(from: current, to: next, at: now)
            try db.execute(
                sql: "UPDATE job SET documents_done = documents_total, chunks_done = chunks_total WHERE id = ?",
                arguments: [lease.job.id.rawValue])
            return .done
        }
        collector.wake()
        return outcome
    }

    package func discardGenerations(expiredAt time: Date) async throws {
        try await write { db in
            let expired = try String.fetchAll(
                db, sql: "SELECT id FROM knowledge_base WHERE expires_at <= ?", arguments: [time.milliseconds])
            for id in expired { try db.discard(KnowledgeBaseID(rawValue: id)) }
        }
        collector.wake()
    }
}

extension Connection {
    /// The re-index of a knowledge base that is not at its end, and what is kept of the last one.
    func changes(of base: KnowledgeBaseID) throws -> (Reindexing?, FormerIndex?) {
        let (next, former) = try otherGenerations(of: base)
        let job = try next.flatMap { next in
            try Row.fetchOne(
                self, sql: "SELECT * FROM job WHERE document_id = ? ORDER BY created_at DESC, id DESC LIMIT 1",
                arguments: [next.id.rawValue]
            ).map(Job.init(row:))
        }
        let expiry = try former.flatMap { former in
            try Int64.fetchOne(
                self, sql: "SELECT expires_at FROM knowledge_base WHERE id = ?", arguments: [former.id.rawValue])
        }
        return (
            next.flatMap { next in job.map { Reindexing(job: $0, settings: next.settings) } },
            former.flatMap { former in
                expiry.map { FormerIndex(settings: former.settings, keptUntil: Date(milliseconds: $0)) }
            }
        )
    }

    fileprivate func beginReindex(
        of base: KnowledgeBase, with settings: IndexSettings, for tenant: TenantID, at time: Date
    ) throws {
        if let reindexing = base.reindexing {
            if reindexing.settings == settings {
                // Under way, or to be tried again.
                return reindexing.job.status.isFinal ? try requeue(reindexing.job, at: time) : ()
            }
            guard reindexing.job.status.isFinal else {
                throw RequestError.conflict(
                    "The knowledge base '\(base.id)' is being re-indexed by the job '\(reindexing.job.id)'. "
                        + "Wait for its end, or cancel it.")
            }
        }
        let (next, former) = try otherGenerations(of: base.id)
        let known = [former, next].compactMap { $0 }.first { $0.settings == settings }
        // Two generations take twice the space, and three would take three times as much.
        for other in Set([next, former].compactMap { $0 }) where other != known { try discard(other.id) }
        let target = try known ?? addGeneration(of: base.id, with: settings, at: time)
        try execute(
            sql: "UPDATE knowledge_base SET next_id = ? WHERE id = ?",
            arguments: [target.id.rawValue, base.id.rawValue])
        try execute(sql: "UPDATE knowledge_base SET expires_at = NULL WHERE id = ?", arguments: [target.id.rawValue])
        try enqueue(
            Job(
                tenant: tenant, kind: .reindex, knowledgeBase: base.id,
                document: DocumentID(rawValue: target.id.rawValue), createdAt: time))
    }

    /// Whether a lease is good still.
    fileprivate func isLeased(_ lease: JobLease) throws -> Bool {
        let found = try Bool.fetchOne(
            self, sql: "SELECT 1 FROM job WHERE id = ? AND lease_token = ?",
            arguments: [lease.job.id.rawValue, lease.token])
        return found == true
    }

    /// How much a generation has.
    fileprivate func figures(of generation: KnowledgeBaseID) throws -> (documents: Int, chunks: Int) {
        let row = try Row.fetchOne(
            self, sql: "SELECT documents, chunks FROM keyword_base WHERE knowledge_base_id = ?",
            arguments: [generation.rawValue])
        return try row.map { (try $0.get("documents"), try $0.get("chunks")) } ?? (0, 0)
    }

    /// Documents that a generation has and the next one lacks, until they have `limit` chunks; at least one.
    fileprivate func texts(
        lackingIn next: Generation, of current: Generation, after revision: Int64, limit: Int
    ) throws -> [StoredText] {
        let rows = try Row.fetchCursor(
            self, sql: Self.lackingTexts,
            arguments: ["current": current.id.rawValue, "next": next.id.rawValue, "revision": revision])
        var texts: [StoredText] = []
        var count = 0
        while let row = try rows.next() {
            let chunks = try row.chunks().count
            if !texts.isEmpty, count + chunks > limit { break }
            count += chunks
            let own: Chunking = try row.json("chunking")
            texts.append(
                StoredText(
                    document: try row.id("document_id"), revision: try row.get("revision"),
                    file: try StoredFile(row: row), chunking: own == current.chunking ? next.chunking : own,
                    title: try row.find("title"), text: try row.text("text"),
                    layout: try row.find("layout", as: Data.self).map { [UInt8]($0) }))
        }
        return texts
    }

    private static let lackingTexts = """
        SELECT edition.document_id, edition.revision, first_chunk, last_chunk, document.chunking, document.title,
            CAST(text AS BLOB) AS text, layout, file.*
        FROM edition
        CROSS JOIN document ON document.id = edition.document_id
        LEFT JOIN document_text ON document_text.document_id = edition.document_id
        CROSS JOIN file ON file.id = document.file_id
        WHERE edition.knowledge_base_id = :current AND edition.revision > :revision AND NOT EXISTS (
            SELECT 1 FROM edition AS made
            WHERE made.document_id = edition.document_id AND made.knowledge_base_id = :next
        ) ORDER BY edition.revision
        """

    fileprivate func isLacking(_ document: DocumentID, in next: KnowledgeBaseID, of current: KnowledgeBaseID) throws -> Bool {
        let holders = try String.fetchSet(
            self, sql: "SELECT knowledge_base_id FROM edition WHERE document_id = ?", arguments: [document.rawValue])
        return holders.contains(current.rawValue) && !holders.contains(next.rawValue)
    }

    /// Puts one generation in another one's place, which is kept for a time.
    fileprivate func changeOver(from current: Generation, to next: Generation, at time: Date) throws {
        let base = current.base.rawValue
        try execute(
            sql: "UPDATE knowledge_base SET index_id = ?, next_id = NULL, former_id = ? WHERE id = ?",
            arguments: [next.id.rawValue, current.id.rawValue, base])
        try expire(current.id, at: time)
        // Filters by attributes know where chunks stand: these are others now.
        _ = try nextRevision(of: current.base)
        try execute(
            sql: "UPDATE document SET chunking = ? WHERE knowledge_base_id = ? AND chunking = ?",
            arguments: [try jsonText(next.chunking), base, try jsonText(current.chunking)])
        try execute(
            sql: """
                UPDATE document SET chunk_count = made.last_chunk - made.first_chunk + 1,
                    usage_bytes = usage_bytes - chunk_count * :before + (made.last_chunk - made.first_chunk + 1) * :after
                FROM edition AS made
                WHERE made.knowledge_base_id = :next AND made.document_id = document.id
                    AND document.knowledge_base_id = :base AND status = 'completed'
                """,
            arguments: [
                "before": current.embedding.vectorBytes, "after": next.embedding.vectorBytes,
                "next": next.id.rawValue, "base": base,
            ])
        // What is being embedded for the old generation is begun anew for the new one.
        try execute(
            sql: """
                UPDATE job SET status = 'queued', stage = 'queued', lease_token = NULL, lease_until = NULL,
                    attempts = MAX(0, attempts - 1), chunks_total = 0, chunks_done = 0, chunks_reused = 0, updated_at = ?
                WHERE knowledge_base_id = ? AND kind = 'ingest' AND status = 'running'
                """,
            arguments: [time.milliseconds, base])
    }
}
