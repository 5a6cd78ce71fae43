import Knowledge
import Synchronization

/// Keeps requests from a model that fails every time, so that nobody waits for deadlines that will pass, and tries it again
/// with one request after a rest (the circuit breaker of Nygard's "Release It!").
///
/// Counts exchanges up to the first piece of the answer, retries included: their failures to connect, deadlines, statuses
/// of 500 and more, and answers that are none. What a server refuses is no failure of the server.
final class CircuitBreaker: Sendable {
    private struct State {
        /// Since the last success, at most as many as open the breaker.
        var failures: [ContinuousClock.Instant] = []
        /// Until when nobody is let through; then one is, as a probe.
        var opensAt: ContinuousClock.Instant?
        var isProbing = false
    }

    private let rules: ProviderSettings.Breaker
    private let now: @Sendable () -> ContinuousClock.Instant
    private let state = Mutex(State())

    init(_ rules: ProviderSettings.Breaker, now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }) {
        self.rules = rules
        self.now = now
    }

    /// Whether a request would be refused now.
    var isOpen: Bool {
        state.withLock { state in
            guard let opensAt = state.opensAt else { return false }
            return state.isProbing || now() < opensAt
        }
    }

    /// Does the work, unless the model rests.
    ///
    /// - Throws: `UpstreamError.resting`, or what the work throws.
    func pass<Value: Sendable>(
        provider: String, _ work: @Sendable () async throws -> Value
    ) async throws -> Value {
        if let rest = admit() { throw UpstreamError.resting(provider: provider, retryAfterSeconds: rest) }
        do {
            let value = try await work()
            note(isFailure: false)
            return value
        } catch let error as UpstreamError {
            note(isFailure: error.isOutage)
            throw error
        } catch {
            // Nobody waited for the answer any more, which says nothing about the server.
            state.withLock { $0.isProbing = false }
            throw error
        }
    }

    /// - Returns: `nil` to let a request through, else the seconds after which to come again.
    private func admit() -> Int? {
        state.withLock { state in
            guard let opensAt = state.opensAt else { return nil }
            let wait = now().duration(to: opensAt)
            if wait > .zero { return Int(wait.components.seconds) + 1 }
            if state.isProbing { return 1 }
            state.isProbing = true
            return nil
        }
    }

    private func note(isFailure: Bool) {
        state.withLock { state in
            guard isFailure, rules.failures > 0 else {
                state = State()
                return
            }
            let now = now()
            state.failures.removeAll { $0 + rules.window < now }
            state.failures.append(now)
            if state.isProbing || state.failures.count >= rules.failures {
                state = State(opensAt: now + rules.rest)
            }
        }
    }
}

extension UpstreamError {
    /// Whether the server is to blame, and not the request, the credentials or the rate of requests.
    var isOutage: Bool {
        switch self {
        case .unreachable, .timedOut, .garbage: true
        case .failed(_, let status): status >= 500
        case .rejected, .contextExceeded, .unauthorized, .rateLimited, .resting: false
        }
    }

    /// Whether another server with the same model may answer where this one did not.
    var isWorthAskingElsewhere: Bool {
        switch self {
        case .rejected(_, let status, _): status == 404
        case .contextExceeded: false
        case .unreachable, .timedOut, .garbage, .failed, .unauthorized, .rateLimited, .resting: true
        }
    }
}
