import FoundationEssentials
import Knowledge
import NIOHTTP1
import Testing

@testable import Providers

@Suite("A request is sent again", .serialized)
struct RetryTests {
    /// Refuses with these, one after the other, and answers from then on.
    private func run(
        _ refusals: [Act], firstDelay: Duration = .milliseconds(1),
        _ test: @Sendable (FakeUpstream, (events: [ModelEvent], error: (any Error)?)) -> Void
    ) async throws {
        let count = Shared(-1)
        try await FakeUpstream.run { _ in
            let number = count.withLock { count in
                count += 1
                return count
            }
            return refusals.indices.contains(number)
                ? refusals[number] : .events([Chunk.text("a"), Chunk.finish("stop"), Chunk.done])
        } _: { upstream, settings in
            var settings = settings
            settings.retries.limit = 2
            settings.retries.firstDelay = firstDelay
            test(upstream, await OpenAICompatibleProvider(settings).languageModel(named: "m").events())
        }
    }

    private static func refusal(_ status: Int, _ headers: [String: String] = [:], _ body: String = "") -> Act {
        .answer(status: status, headers: headers, body)
    }

    @Test("where that may help, and answers then", arguments: [408, 409, 429, 500, 502, 503, 504, 529])
    func transient(status: Int) async throws {
        try await run([Self.refusal(status), Self.refusal(status, ["retry-after-ms": "2"])]) { upstream, answer in
            #expect(answer.events == [.text("a"), .finish("stop")])
            #expect(upstream.requests.count == 3)
            #expect(Set(upstream.requests.map { text(of: $0.body).count }).count == 1)
        }
    }

    @Test("twice and no more")
    func limit() async throws {
        try await run(Array(repeating: Self.refusal(503), count: 9)) { upstream, answer in
            #expect(answer.error as? UpstreamError == .failed(provider: "fake", status: 503))
            #expect(upstream.requests.count == 3)
        }
    }

    @Test(
        "never where it cannot help",
        arguments: [
            refusal(400), refusal(401), refusal(403), refusal(404), refusal(413), refusal(422),
            refusal(500, [:], #"{"error": {"message": "input (600 tokens) is too large to process"}}"#),
            refusal(302), refusal(429, ["retry-after": "3"]), refusal(503, ["retry-after": "60"]),
            refusal(429, [:], #"{"error": {"message": "pay", "code": "insufficient_quota"}}"#),
            .answer(headers: ["content-type": "text/html"], ""),
            .bytes(["data: \(Chunk.text("a"))\n\n"], then: .breakOff), .bytes([], then: .breakOff),
            .events([Chunk.text(of: ["error": ["message": "overloaded"]])]),
        ])
    func permanent(act: Act) async throws {
        try await run([act]) { upstream, answer in
            #expect(answer.error is UpstreamError)
            #expect(upstream.requests.count == 1)
        }
    }

    @Test("never when the wait would outlast the deadline for the first token")
    func deadline() async throws {
        try await run([Self.refusal(503)], firstDelay: .seconds(300)) { upstream, answer in
            #expect(answer.error as? UpstreamError == .failed(provider: "fake", status: 503))
            #expect(upstream.requests.count == 1)
        }
    }

    @Test("after a delay that doubles, half of it chance, and never before the server wishes")
    func delays() {
        var rules = ProviderSettings.Retries()
        rules.limit = 3
        var failure = Failure(error: .failed(provider: "fake", status: 503), remedy: .again)
        for _ in 0..<100 {
            var schedule = RetrySchedule(rules)
            for longest in [0.5, 1, 2] {
                let delay = schedule.next(after: failure) ?? .zero
                #expect(delay >= .seconds(longest / 2) && delay <= .seconds(longest))
            }
            #expect(schedule.next(after: failure) == nil)
        }
        failure.retryAfter = .seconds(2)
        var schedule = RetrySchedule(rules)
        #expect(schedule.next(after: failure) == .seconds(2))
    }

    @Test(
        "by a date that a server gives",
        arguments: [
            ("Sun, 06 Nov 1994 08:49:37 GMT", 37.0), ("Sun, 06 Nov 1994 08:48:00 GMT", 0),
            ("Mon, 07 Nov 9994 08:49:37 GMT", 86_400), ("Sun, 06 Nov 1994 25:49:37 GMT", nil),
            ("Sun, 99 Nov 1994 08:49:37 GMT", nil), ("Sunday, 06-Nov-94 08:49:37 GMT", nil), ("", nil), ("nan", nil),
        ])
    func date(value: String, seconds: Double?) {
        // 1994-11-06 08:49:00 UTC
        let now = Date(timeIntervalSince1970: 784_111_740)
        let wait = RetryAfter.duration(in: ["retry-after": value], now: now)
        #expect(wait == seconds.map { .seconds($0) })
    }
}
