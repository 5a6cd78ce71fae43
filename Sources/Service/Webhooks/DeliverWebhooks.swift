import FoundationEssentials
package import Knowledge
package import Logging
import ServiceLifecycle

/// Tells webhooks what they want to know, beside all other work, until each has heard it.
package struct DeliverWebhooks: Service {
    /// A message that was told in vain so often is given up: by then about a day has passed.
    private static let maxAttempts = 20
    /// The longest wait between two attempts, in seconds.
    private static let longestWait = 3.0 * 3_600
    private static let tick = Duration.seconds(1)
    private static let atOnce = 16

    let outbox: any WebhookOutbox
    let endpoints: [String: WebhookEndpoint]
    let sender: any WebhookSender
    let logger: Logger

    package init(outbox: any WebhookOutbox, endpoints: [WebhookEndpoint], sender: any WebhookSender, logger: Logger) {
        self.outbox = outbox
        self.endpoints = Dictionary(endpoints.map { ($0.url, $0) }, uniquingKeysWith: { _, last in last })
        self.sender = sender
        self.logger = logger
    }

    package func run() async throws {
        try await outbox.subscribe(endpoints.mapValues(\.events))
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                // One that found nothing, or could not look, waits.
                if await deliverDue() == 0 { try? await Task.sleep(for: Self.tick) }
            }
        }
    }

    /// - Returns: How many notices were due.
    private func deliverDue() async -> Int {
        guard !endpoints.isEmpty else { return 0 }
        do {
            let due = try await outbox.dueNotices(at: Date(), limit: Self.atOnce)
            await withDiscardingTaskGroup { group in
                for notice in due { group.addTask { await deliver(notice) } }
            }
            return due.count
        } catch {
            logger.error("webhooks could not be looked up", metadata: ["error": "\(error)"])
            return 0
        }
    }

    private func deliver(_ notice: WebhookNotice) async {
        guard let endpoint = endpoints[notice.url] else { return }
        do {
            let body = try WebhookMessage(notice).body()
            // The same for every attempt, so that a receiver can tell what it has had.
            let id = "msg_\(notice.id)_\(notice.job?.rawValue ?? notice.batch?.rawValue ?? "")"
            let headers = endpoint.headers(id: id, seconds: Int(Date().timeIntervalSince1970), body: body)
            let status = try await sender.post(body, headers: headers, to: endpoint.url)
            if (200..<300).contains(status) { return try await outbox.removeNotice(notice.id) }
            try await postpone(notice, because: "status \(status)")
        } catch {
            if Task.isCancelled { return }
            // Tried again then, or at the next start where even this cannot be written.
            try? await postpone(notice, because: "\(error)")
        }
    }

    private func postpone(_ notice: WebhookNotice, because reason: String) async throws {
        let isOver = notice.attempts + 1 >= Self.maxAttempts
        logger.warning(
            isOver ? "a webhook was given up" : "a webhook was not heard",
            metadata: ["event": "\(notice.event.rawValue)", "attempt": "\(notice.attempts + 1)", "reason": "\(reason)"])
        let wait = Backoff.seconds(afterAttempts: notice.attempts, cap: Self.longestWait)
        try await outbox.postponeNotice(notice.id, until: isOver ? nil : Date() + wait)
    }
}

/// The body of a notice: `{"type", "timestamp", "data"}`.
private struct WebhookMessage: Encodable {
    private struct Data: Encodable {
        var knowledgebase_id: String
        var document_id: String?
        var job_id: String?
        var batch_id: String?
        var reason: String?
        var message: String?
    }

    private let type: String
    private let timestamp: String
    private let data: Data

    init(_ notice: WebhookNotice) {
        type = notice.event.rawValue
        timestamp = notice.time.formatted(.iso8601)
        data = Data(
            knowledgebase_id: notice.knowledgeBase.rawValue, document_id: notice.document?.rawValue,
            job_id: notice.job?.rawValue, batch_id: notice.batch?.rawValue, reason: notice.reason,
            message: notice.message)
    }

    func body() throws -> FoundationEssentials.Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(self)
    }
}
