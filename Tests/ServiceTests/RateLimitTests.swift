import Knowledge
import Testing

@testable import Service

@Suite("A key's limits")
struct RateLimitTests {
    private let start = ContinuousClock.now

    private func scope(_ key: String) -> Scope {
        Scope(tenant: TenantID(rawValue: "t"), role: .user, key: KeyID(rawValue: key))
    }

    @Test("admit in any minute what they say and what was left over before, each key for itself")
    func requests() throws {
        let limits = RateLimits(requestsPerMinute: 6, tokensPerMinute: nil)
        var admitted: [Int] = []
        for second in 0..<180 {
            let now = start + .seconds(second)
            while (try? limits.admit(scope("a"), at: now)) != nil { admitted.append(second) }
        }
        // Six at once, and then one in ten seconds.
        #expect(admitted == [0, 0, 0, 0, 0] + Array(stride(from: 0, to: 180, by: 10)))
        #expect(limits.standing(of: scope("b"), at: start).requests?.remaining == 6)
        #expect(limits.standing(of: scope("a"), at: start).tokens == nil)
    }

    @Test("say when to come again, and that is when they admit again")
    func tokens() throws {
        let limits = RateLimits(requestsPerMinute: nil, tokensPerMinute: 600)
        try limits.admit(scope("a"), at: start)
        limits.spend(700, of: scope("a"), at: start)
        let standing = try #require(limits.standing(of: scope("a"), at: start).tokens)
        #expect(standing == RateLimits.Standing(limit: 600, remaining: 0, reset: .seconds(70)))
        let error = #expect(throws: RequestError.self) { try limits.admit(scope("a"), at: start) }
        guard case .tooMany(_, let seconds) = error else { throw try #require(error) }
        #expect(seconds == 11)
        #expect(throws: RequestError.self) { try limits.admit(scope("a"), at: start + .seconds(seconds - 1)) }
        try limits.admit(scope("a"), at: start + .seconds(seconds))
        // However much an answer was, it is made up for within a minute.
        limits.spend(1_000_000, of: scope("b"), at: start)
        try limits.admit(scope("b"), at: start + .seconds(61))
    }
}
