package import FoundationEssentials

/// What webhooks can be told of.
package enum WebhookEvent: String, Sendable, CaseIterable {
    case documentCompleted = "document.completed"
    case documentFailed = "document.failed"
    case jobCompleted = "job.completed"
    case jobFailed = "job.failed"
    case jobCancelled = "job.cancelled"
    case batchCompleted = "batch.completed"
}

/// Something that a webhook is to be told. As durable as what it tells of.
package struct WebhookNotice: Hashable, Sendable {
    package var id: Int64
    package var url: String
    package var event: WebhookEvent
    package var knowledgeBase: KnowledgeBaseID
    package var document: DocumentID?
    package var job: JobID?
    package var batch: FileBatchID?
    package var reason: String?
    package var message: String?
    /// How often it was told in vain.
    package var attempts: Int
    /// When it happened.
    package var time: Date

    package init(
        id: Int64, url: String, event: WebhookEvent, knowledgeBase: KnowledgeBaseID, document: DocumentID? = nil,
        job: JobID? = nil, batch: FileBatchID? = nil, reason: String? = nil, message: String? = nil, attempts: Int = 0,
        time: Date
    ) {
        self.id = id
        self.url = url
        self.event = event
        self.knowledgeBase = knowledgeBase
        self.document = document
        self.job = job
        self.batch = batch
        self.reason = reason
        self.message = message
        self.attempts = attempts
        self.time = time
    }
}

/// The notices that wait to be delivered.
package protocol WebhookOutbox: Sendable {
    /// From now on, so many urls are told of such events; what waits for other urls is thrown away.
    func subscribe(_ events: [String: Set<WebhookEvent>]) async throws
    /// The notices for one url that are due, those that have waited longest first.
    func dueNotices(for url: String, at time: Date, limit: Int) async throws -> [WebhookNotice]
    /// The notice was heard.
    func removeNotice(_ id: Int64) async throws
    /// The notice was told in vain: again then, or for nil never; it is kept, so that people can see it.
    func postponeNotice(_ id: Int64, until time: Date?) async throws
}
