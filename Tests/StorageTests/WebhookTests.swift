import FoundationEssentials
import Knowledge
import Testing

@testable import Storage

@Suite("Webhook notices")
struct WebhookTests {
    private func due(_ world: World, at time: Date? = nil) async throws -> [WebhookNotice] {
        var notices: [WebhookNotice] = []
        for url in ["http://all", "http://some"] {
            notices += try await world.database.dueNotices(for: url, at: time ?? world.later, limit: 99)
        }
        return notices
    }

    private func events(_ world: World) async throws -> [String] {
        try await due(world).map(\.event.rawValue).sorted()
    }

    @Test("are written with what they tell of, for those who want them, and outlive the process")
    func told() async throws {
        let world = try World()
        try await world.database.subscribe([
            "http://all": Set(WebhookEvent.allCases), "http://some": [.documentFailed],
        ])
        let base = try await world.makeBase()
        let (one, two) = (try await world.upload("one"), try await world.upload("two"))
        let attachments = [one, two].map { Attachment(file: $0.id) }
        let batch = try await world.database.addBatch(attachments, to: base.id, in: world.scope)
        #expect(try await events(world).isEmpty)
        try await world.complete(World.content())
        #expect(try await events(world) == ["document.completed", "job.completed"])
        let lease = try #require(try await world.database.claim(at: world.later))
        #expect(try await world.database.fail(lease, DocumentFailure(.empty, "Nothing.")))

        let next = try await world.reopened()
        #expect(
            try await events(next) == [
                "batch.completed", "document.completed", "document.failed", "document.failed", "job.completed", "job.failed",
            ])
        let notices = try await due(next)
        let failed = try #require(notices.first { $0.url == "http://some" })
        #expect(failed.job == lease.job.id && failed.reason == "empty" && failed.message == "Nothing.")
        #expect(notices.first { $0.event == .batchCompleted }?.batch == batch.id)

        for notice in notices where notice.url == "http://all" { try await next.database.removeNotice(notice.id) }
        try await next.database.postponeNotice(failed.id, until: world.later + 5)
        #expect(try await events(next).isEmpty)
        #expect(try await due(next, at: world.later + 5).map(\.attempts) == [1])
        try await next.database.subscribe(["http://all": Set(WebhookEvent.allCases)])
        #expect(try await due(next, at: world.later + 5).isEmpty)
        // A batch of what is there already has nothing to wait for.
        let indexed = lease.file?.id == one.id ? two : one
        _ = try await next.database.addBatch([Attachment(file: indexed.id)], to: base.id, in: world.scope)
        #expect(try await events(next) == ["batch.completed"])
    }

    @Test("tell the end of a batch whose last unfinished file is removed, and not that of one which goes with its knowledge base")
    func removalEndsBatches() async throws {
        let world = try World()
        try await world.database.subscribe(["http://all": [.batchCompleted]])
        let base = try await world.makeBase()
        let files = [try await world.upload("one"), try await world.upload("two")]
        let batch = try await world.database.addBatch(
            files.map { Attachment(file: $0.id) }, to: base.id, in: world.scope)
        try await world.database.remove(files[0].id, from: base.id, in: world.scope)
        #expect(try await due(world).isEmpty)
        try await world.database.remove(files[1].id, from: base.id, in: world.scope)
        #expect(try await due(world).map(\.batch) == [batch.id])

        let other = try await world.makeBase()
        _ = try await world.database.addBatch(files.map { Attachment(file: $0.id) }, to: other.id, in: world.scope)
        try await world.database.remove(other.id, in: world.scope)
        #expect(try await due(world).map(\.batch) == [batch.id])
    }
}
