import Knowledge
import Testing

@testable import Providers

@Suite("A model that fails every time is left alone")
struct CircuitBreakerTests {
    private let clock = Shared(ContinuousClock.now)
    private let breaker: CircuitBreaker
    private static let outage = UpstreamError.failed(provider: "p", status: 500)

    init() {
        let clock = clock
        breaker = CircuitBreaker(.init()) { clock.withLock { $0 } }
    }

    private func wait(_ seconds: Int) {
        clock.withLock { $0 = $0 + .seconds(seconds) }
    }

    private func fail(_ error: any Error = outage) async -> UpstreamError? {
        do {
            return try await breaker.pass(provider: "p") { throw error }
        } catch {
            return error as? UpstreamError
        }
    }

    @Test("after five failures in thirty seconds, for fifteen, and then is asked by one request")
    func opens() async throws {
        for _ in 0..<5 {
            #expect(!breaker.isOpen)
            #expect(await fail() == Self.outage)
        }
        #expect(await fail() == .resting(provider: "p", retryAfterSeconds: 16))
        wait(14)
        #expect(await fail() == .resting(provider: "p", retryAfterSeconds: 2))
        wait(1)
        // While the probe is on its way, nobody else is let through.
        try await breaker.pass(provider: "p") {
            #expect(await fail() == .resting(provider: "p", retryAfterSeconds: 1))
        }
        #expect(!breaker.isOpen)
        #expect(await fail() == Self.outage)
    }

    @Test("again where the probe fails, but not where nobody waited for it")
    func probes() async throws {
        for _ in 0..<5 { _ = await fail() }
        wait(15)
        #expect(await fail(CancellationError()) == nil)
        #expect(await fail() == Self.outage)
        #expect(breaker.isOpen)
        wait(15)
        #expect(await fail() == Self.outage)
    }

    @Test("not for failures far apart, nor for what the request or the account is to blame for")
    func stays() async throws {
        for _ in 0..<20 {
            #expect(await fail() == Self.outage)
            wait(10)
        }
        let others: [UpstreamError] = [
            .rejected(provider: "p", status: 400, message: ""), .unauthorized(provider: "p"),
            .rateLimited(provider: "p", retryAfterSeconds: nil), .failed(provider: "p", status: 302),
        ]
        for error in others + others { #expect(await fail(error) == error) }
        #expect(!breaker.isOpen)
    }

    @Test("never where the settings say so")
    func off() async throws {
        var rules = ProviderSettings.Breaker()
        rules.failures = 0
        let breaker = CircuitBreaker(rules)
        for _ in 0..<20 {
            await #expect(throws: Self.outage) { try await breaker.pass(provider: "p") { throw Self.outage } }
        }
    }
}

@Suite("Of equal models at several providers", .serialized)
struct EqualModelTests {
    private static let answer = Act.events([Chunk.text("b"), Chunk.finish("stop"), Chunk.done])

    /// The answer to a question about a model that `first` and a healthy server have, and how often each was asked.
    private func run(
        _ first: Act, times: Int = 1, patience: Duration = .seconds(60)
    ) async throws -> (events: [ModelEvent], error: (any Error)?, first: Int, second: Int) {
        let result = Shared<(events: [ModelEvent], error: (any Error)?, first: Int, second: Int)>(([], nil, 0, 0))
        try await FakeUpstream.run { _ in
            first
        } _: { broken, one in
            try await FakeUpstream.run { _ in
                Self.answer
            } _: { healthy, two in
                var (one, two) = (one, two)
                one.models = ["m"]
                one.retries.limit = 2
                one.timeouts.firstToken = patience
                two.models = []
                two.aliases = ["m": "theirs"]
                let registry = ModelRegistry(local: [], providers: [one, two].map(OpenAICompatibleProvider.init))
                for _ in 0..<times {
                    let answer = try await registry.languageModel(named: "m").events()
                    result.withLock { $0 = (answer.events, answer.error, broken.requests.count, healthy.requests.count) }
                }
                for request in healthy.requests { #expect(request.body.object?["model"] == "theirs") }
            }
        }
        return result.withLock { $0 }
    }

    @Test(
        "the next answers where the first cannot, which is not asked twice",
        arguments: [
            .answer(status: 500, ""), .answer(status: 429, ""), .answer(status: 401, ""), .answer(status: 404, ""),
            .answer(headers: ["content-type": "text/html"], ""), .answer(""), .answer(#"{"error": {"message": "no"}}"#),
            .events([]), .events([Chunk.text(of: ["error": ["message": "overloaded"]])]), .bytes([], then: .breakOff),
        ] as [Act])
    func failover(first: Act) async throws {
        let result = try await run(first)
        #expect(result.events == [.text("b"), .finish("stop")])
        #expect(result.error == nil)
        #expect((result.first, result.second) == (1, 1))
    }

    @Test("the next answers where the first begins and says nothing by its deadline")
    func silence() async throws {
        let result = try await run(.bytes([": wait\n\n"], then: .silence), patience: .milliseconds(100))
        #expect(result.events == [.text("b"), .finish("stop")])
        #expect((result.first, result.second) == (1, 1))
    }

    @Test("none but the first is asked what it refuses, or where its answer breaks off")
    func noFailover() async throws {
        let refused = try await run(.answer(status: 400, #"{"error": {"message": "no"}}"#))
        #expect(refused.error as? UpstreamError == .rejected(provider: "fake", status: 400, message: "no"))
        let broken = try await run(.bytes(["data: \(Chunk.text("a"))\n\n"], then: .breakOff))
        #expect(broken.events == [.text("a")])
        #expect(broken.error is UpstreamError)
        #expect((refused.second, broken.second) == (0, 0))
    }

    @Test("one that failed too often is asked last", arguments: [.answer(status: 503, ""), .events([])] as [Act])
    func resting(failure: Act) async throws {
        let result = try await run(failure, times: 9)
        #expect((result.first, result.second) == (5, 9))
    }
}
