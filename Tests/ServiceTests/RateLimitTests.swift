import Knowledge
import Synchronization
import Testing

@testable import Service

@Suite("A key's limits")
struct RateLimitTests {
    private let start = ContinuousClock.now
    private let clock = Clock()

    private final class Clock: Sendable {
        private let instant = Mutex(ContinuousClock.now)
        var now: ContinuousClock.Instant {
            get { instant.withLock { $0 } }
            set { instant.withLock { $0 = newValue } }
        }
    }

    private func limits(requests: Int? = nil, tokens: Int? = nil) -> RateLimits {
        clock.now = start
        return RateLimits(requestsPerMinute: requests, tokensPerMinute: tokens) { [clock] in clock.now }
    }

    private func scope(_ key: String) -> Scope {
        Scope(tenant: TenantID(rawValue: "t"), role: .user, key: KeyID(rawValue: key))
    }

    @Test("admit in any minute what they say and what was left over before, each key for itself")
    func requests() throws {
        let limits = limits(requests: 6)
        var admitted: [Int] = []
        for second in 0..<180 {
            clock.now = start + .seconds(second)
            while (try? limits.admit(scope("a"))) != nil { admitted.append(second) }
        }
        // Six at once, and then one in ten seconds.
        #expect(admitted == [0, 0, 0, 0, 0] + Array(stride(from: 0, to: 180, by: 10)))
        #expect(limits.standing(of: scope("b")).requests?.remaining == 6)
        #expect(limits.standing(of: scope("a")).tokens == nil)
    }

    @Test("say when to come again, and that is when they admit again")
    func tokens() throws {
        let limits = limits(tokens: 600)
        try limits.admit(scope("a"))
        limits.spend(700, of: scope("a"))
        let standing = try #require(limits.standing(of: scope("a")).tokens)
        #expect(standing == RateLimits.Standing(limit: 600, remaining: 0, reset: .seconds(70)))
        let error = #expect(throws: RequestError.self) { try limits.admit(scope("a")) }
        guard case .tooMany(_, let seconds) = error else { throw try #require(error) }
        #expect(seconds == 11)
        clock.now = start + .seconds(seconds - 1)
        #expect(throws: RequestError.self) { try limits.admit(scope("a")) }
        clock.now = start + .seconds(seconds)
        try limits.admit(scope("a"))
        // However much an answer was, it is made up for within a minute.
        clock.now = start
        limits.spend(1_000_000, of: scope("b"))
        clock.now = start + .seconds(61)
        try limits.admit(scope("b"))
    }
}
