import Knowledge
import Testing

@testable import Providers

@Suite("A turnstile")
struct TurnstileTests {
    @Test("lets in no more than its width, and in the end everybody")
    func width() async throws {
        let turnstile = Turnstile(width: 3)
        let inside = Shared((now: 0, most: 0, total: 0))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<200 {
                group.addTask {
                    try await turnstile.pass(number.isMultiple(of: 3) ? .urgent : .background) {
                        inside.withLock { $0 = ($0.now + 1, max($0.most, $0.now + 1), $0.total + 1) }
                        await Task.yield()
                        inside.withLock { $0.now -= 1 }
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(inside.withLock { $0.most <= 3 && $0.total == 200 && $0.now == 0 })
    }

    @Test("lets urgent work in first")
    func urgency() async throws {
        let turnstile = Turnstile(width: 1)
        let order = Shared<[String]>([])
        let blocker = AsyncStream<Void>.makeStream()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await turnstile.pass(.background) { for await _ in blocker.stream {} } }
            while turnstile.waiting.free > 0 { await Task.yield() }
            group.addTask { try await turnstile.pass(.background) { order.withLock { $0.append("background") } } }
            while turnstile.waiting.count < 1 { await Task.yield() }
            group.addTask { try await turnstile.pass(.urgent) { order.withLock { $0.append("urgent") } } }
            while turnstile.waiting.count < 2 { await Task.yield() }
            blocker.continuation.finish()
            try await group.waitForAll()
        }
        #expect(order.withLock { $0 } == ["urgent", "background"])
    }

    @Test("forgets who was cancelled while waiting, and passes the place on")
    func cancellation() async throws {
        let turnstile = Turnstile(width: 1)
        for _ in 0..<200 {
            let waiters = (0..<4).map { number in
                Task { try await turnstile.pass(.background) { number } }
            }
            for waiter in waiters.dropFirst() { waiter.cancel() }
            for waiter in waiters { _ = await waiter.result }
        }
        #expect(try await turnstile.pass(.urgent) { true })
        #expect(turnstile.waiting == (free: 1, count: 0))
    }
}
