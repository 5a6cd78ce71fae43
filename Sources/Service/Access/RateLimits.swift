package import Knowledge
import Synchronization

/// How much each key may ask of the models in a minute: two buckets a key, one of requests and one of tokens, that fill
/// evenly and are full after a minute (ITU-T I.371).
package final class RateLimits: Sendable {
    /// Where a key stands, as OpenAI's `x-ratelimit-…` headers tell it.
    package struct Standing: Hashable, Sendable {
        package var limit: Int
        package var remaining: Int
        /// Until all of the limit is there again.
        package var reset: Duration
    }

    private struct Owner: Hashable {
        var tenant: TenantID
        var key: KeyID?
    }

    /// Kept as the moment at which it is full again, so that nothing is rounded (the generic cell rate algorithm).
    private struct Bucket {
        private static let minute = Duration.seconds(60)

        var limit: Int
        var fullAt: ContinuousClock.Instant

        private var timeForOne: Duration { Self.minute / limit }

        mutating func take(_ count: Int, at now: ContinuousClock.Instant) {
            // One answer may cost more than there is in a minute; nobody waits longer than another minute for that.
            fullAt = min(max(fullAt, now) + timeForOne * count, now + Self.minute * 2)
        }

        /// How long until one can be taken.
        func wait(at now: ContinuousClock.Instant) -> Duration {
            max(.zero, fullAt - now + timeForOne - Self.minute)
        }

        func standing(at now: ContinuousClock.Instant) -> Standing {
            let reset = max(.zero, fullAt - now)
            return Standing(limit: limit, remaining: max(0, Int((Self.minute - reset) / timeForOne)), reset: reset)
        }
    }

    private struct Account {
        var requests: Bucket?
        var tokens: Bucket?
    }

    private let requestsPerMinute: Int?
    private let tokensPerMinute: Int?
    private let now: @Sendable () -> ContinuousClock.Instant
    private let accounts = Mutex<[Owner: Account]>([:])

    /// - Parameters:
    ///   - requestsPerMinute: nil for as many as there are to be had; so with tokens.
    ///   - now: What time it is.
    package init(
        requestsPerMinute: Int?, tokensPerMinute: Int?, now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }
    ) {
        self.now = now
        self.requestsPerMinute = requestsPerMinute
        self.tokensPerMinute = tokensPerMinute
    }

    /// Counts a request.
    ///
    /// - Throws: `RequestError.tooMany` with when to come again. Tokens are known only afterwards, so that a key's last
    ///   answer may go beyond its limit; the next is admitted once that is made up for.
    package func admit(_ scope: Scope) throws {
        try change(scope) { account, now in
            let wait = max(account.requests?.wait(at: now) ?? .zero, account.tokens?.wait(at: now) ?? .zero)
            guard wait == .zero else {
                throw RequestError.tooMany(
                    "This key has used up what it may ask in a minute.", retryAfter: Int((wait / .seconds(1)).rounded(.up)))
            }
            account.requests?.take(1, at: now)
        }
    }

    /// Counts the tokens of an answer.
    package func spend(_ tokens: Int, of scope: Scope) {
        change(scope) { account, now in account.tokens?.take(tokens, at: now) }
    }

    /// Where the caller stands; nil for what has no limit.
    package func standing(of scope: Scope) -> (requests: Standing?, tokens: Standing?) {
        change(scope) { account, now in (account.requests?.standing(at: now), account.tokens?.standing(at: now)) }
    }

    private func change<Result: Sendable>(
        _ scope: Scope, _ body: (inout Account, ContinuousClock.Instant) throws -> Result
    ) rethrows -> Result {
        let now = now()
        return try accounts.withLock { accounts in
            var account =
                accounts[Owner(tenant: scope.tenant, key: scope.key)]
                ?? Account(
                    requests: requestsPerMinute.map { Bucket(limit: $0, fullAt: now) },
                    tokens: tokensPerMinute.map { Bucket(limit: $0, fullAt: now) })
            defer { accounts[Owner(tenant: scope.tenant, key: scope.key)] = account }
            return try body(&account, now)
        }
    }
}
