package import FoundationEssentials
import GRDB
package import Knowledge

// Notices are written by triggers, in the transactions that they tell of.

extension Database: WebhookOutbox {
    package func subscribe(_ events: [String: Set<WebhookEvent>]) async throws {
        try await write { db in
            try db.execute(sql: "DELETE FROM webhook_event")
            for (url, events) in events {
                for event in events {
                    try db.execute(
                        sql: "INSERT INTO webhook_event (url, event) VALUES (?, ?)", arguments: [url, event.rawValue])
                }
            }
            try db.execute(sql: "DELETE FROM webhook_delivery WHERE url NOT IN (SELECT url FROM webhook_event)")
        }
    }

    package func dueNotices(for url: String, at time: Date, limit: Int) async throws -> [WebhookNotice] {
        try await read { db in
            try Row.fetchAll(
                db,
                sql: "SELECT * FROM webhook_delivery WHERE url = ? AND not_before <= ? ORDER BY not_before LIMIT ?",
                arguments: [url, time.milliseconds, limit]
            ).map { row in
                let created: Int64 = try row.get("created_at")
                return WebhookNotice(
                    id: try row.get("id"), url: try row.get("url"), event: try row.choice("event"),
                    knowledgeBase: try row.id("knowledge_base_id"),
                    document: try row.find("document_id").map(DocumentID.init(rawValue:)),
                    job: try row.find("job_id").map(JobID.init(rawValue:)),
                    batch: try row.find("batch_id").map(FileBatchID.init(rawValue:)),
                    reason: try row.find("reason"), message: try row.find("message"), attempts: try row.get("attempts"),
                    // A batch ends with a document's row, which has no time of its own.
                    time: created > 0 ? Date(milliseconds: created) : time)
            }
        }
    }

    package func removeNotice(_ id: Int64) async throws {
        try await write { db in try db.execute(sql: "DELETE FROM webhook_delivery WHERE id = ?", arguments: [id]) }
    }

    package func postponeNotice(_ id: Int64, until time: Date?) async throws {
        try await write { db in
            try db.execute(
                sql: "UPDATE webhook_delivery SET attempts = attempts + 1, not_before = ? WHERE id = ?",
                arguments: [time?.milliseconds, id])
        }
    }
}
