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
            // Each by itself: one that does not answer holds up nobody else.
            await withDiscardingTaskGroup { group in
                // Where nobody is to be told, too, the service lasts as long as the others.
                group.addTask { try? await gracefulShutdown() }
                for endpoint in endpoints.values { group.addTask { await tell(endpoint) } }
            }
        }
    }

    private func tell(_ endpoint: WebhookEndpoint) async {
        while !Task.isCancelled {
            do {
                let due = try await outbox.dueNotices(for: endpoint.url, at: Date(), limit: Self.atOnce)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for notice in due { group.addTask { try await deliver(notice, to: endpoint) } }
                    try await group.waitForAll()
                }
                guard due.isEmpty else { continue }
            } catch {
                // Without what was to be noted the same notices are due again: not at once.
                if !Task.isCancelled { logger.error("webhooks could not be settled", metadata: ["error": "\(error)"]) }
            }
            try? await Task.sleep(for: Self.tick)  // throws only when cancelled, and then the loop ends
        }
    }

    /// Throws where it could not be noted what became of the notice.
    private func deliver(_ notice: WebhookNotice, to endpoint: WebhookEndpoint) async throws {
        let trouble: String
        do {
            let body = try WebhookMessage(notice).body()
            // The same for every attempt, so that a receiver can tell what it has had.
            let id = "msg_\(notice.id)_\(notice.job?.rawValue ?? notice.batch?.rawValue ?? "")"
            let headers = endpoint.headers(id: id, seconds: Int(Date().timeIntervalSince1970), body: body)
            let status = try await sender.post(body, headers: headers, to: endpoint.url)
            trouble = (200..<300).contains(status) ? "" : "status \(status)"
        } catch {
            if Task.isCancelled { return }
            trouble = "\(error)"
        }
        if trouble.isEmpty {
            try await outbox.removeNotice(notice.id)
        } else {
            try await postpone(notice, because: trouble)
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
