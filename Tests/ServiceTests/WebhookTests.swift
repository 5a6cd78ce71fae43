import Foundation
import Logging
import Synchronization
import Testing

@testable import Knowledge
@testable import Service

@Suite("Webhooks", .timeLimit(.minutes(1)))
struct WebhookTests {
    @Test("are signed as Standard Webhooks asks for")
    func signature() throws {
        let endpoint = try #require(
            WebhookEndpoint(url: "http://x", secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", events: []))
        let headers = endpoint.headers(
            id: "msg_p5jXN8AQM9LWM0D4loKWxJek", seconds: 1_614_265_330, body: Data(#"{"test": 2432232314}"#.utf8))
        // The example of the specification's reference libraries.
        #expect(headers.contains { $0 == ("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=") })
        #expect(headers.contains { $0 == ("webhook-timestamp", "1614265330") })
        for secret in ["short", "whsec_c2hvcnQ=", "whsec_not base64 at all, whatever"] {
            #expect(WebhookEndpoint(url: "http://x", secret: secret, events: []) == nil)
        }
    }

    /// Notices in memory that are due at once, whatever was asked: these tests do not wait.
    private final class Outbox: WebhookOutbox {
        private let state: Mutex<[WebhookNotice]>
        let ends: AsyncStream<String>
        private let report: AsyncStream<String>.Continuation

        init(_ notices: [WebhookNotice]) {
            state = Mutex(notices)
            (ends, report) = AsyncStream.makeStream()
        }

        func subscribe(_ events: [String: Set<WebhookEvent>]) async throws {}
        func dueNotices(for url: String, at time: Date, limit: Int) async throws -> [WebhookNotice] {
            state.withLock { Array($0.filter { $0.url == url }.prefix(limit)) }
        }
        func removeNotice(_ id: Int64) async throws {
            state.withLock { $0.removeAll { $0.id == id } }
            report.yield("heard \(id)")
        }
        func postponeNotice(_ id: Int64, until time: Date?) async throws {
            state.withLock { notices in
                for index in notices.indices where notices[index].id == id { notices[index].attempts += 1 }
                if time == nil { notices.removeAll { $0.id == id } }
            }
            if time == nil { report.yield("given up \(id)") }
        }
    }

    /// Answers each message as its number says, and notes the ids it saw.
    private final class Receiver: WebhookSender {
        let ids = Mutex<[String: Int]>([:])
        func post(_ body: Data, headers: [(String, String)], to url: String) async throws -> Int {
            let id = headers.first { $0.0 == "webhook-id" }?.1 ?? ""
            let seen = ids.withLock { ids in
                ids[id, default: 0] += 1
                return ids[id, default: 0]
            }
            if url == "http://dead" {
                for await _ in AsyncStream<Void>.makeStream().stream {}
                throw CancellationError()
            }
            if id.hasPrefix("msg_1_") { return 204 }
            if id.hasPrefix("msg_2_") { return 500 }
            if seen < 4 { throw CocoaError(.fileReadUnknown) }
            return 200
        }
    }

    @Test("are told until they are heard, under one id, or given up after twenty attempts, each for itself")
    func retries() async throws {
        let notices = (1...23).map {
            WebhookNotice(
                id: $0, url: $0 <= 3 ? "http://x" : "http://dead", event: .jobFailed, knowledgeBase: .random(),
                job: .random(), time: Date())
        }
        let (outbox, receiver) = (Outbox(notices), Receiver())
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let endpoints = ["http://x", "http://dead"].compactMap {
            WebhookEndpoint(url: $0, secret: String(repeating: "k", count: 24), events: [.jobFailed])
        }
        let webhooks = DeliverWebhooks(outbox: outbox, endpoints: endpoints, sender: receiver, logger: logger)
        await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await webhooks.run() }
            var ends: Set<String> = []
            for await end in outbox.ends.prefix(3) { ends.insert(end) }
            #expect(ends == ["heard 1", "given up 2", "heard 3"])
            group.cancelAll()
        }
        let seen = receiver.ids.withLock { $0.values.sorted() }
        #expect(seen.suffix(2) == [4, 20] && seen.dropLast(2).allSatisfy { $0 == 1 })
    }
}
