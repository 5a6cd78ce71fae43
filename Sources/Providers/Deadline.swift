import Knowledge

/// A point in time by which something must have come, and what that is.
struct Deadline: Sendable {
    var instant: ContinuousClock.Instant
    /// As in `UpstreamError.timedOut`.
    var waitingFor: String

    /// The earlier of two.
    func or(_ other: Deadline) -> Deadline { other.instant < instant ? other : self }
}

/// The deadlines of one exchange, set when it begins.
struct Deadlines: Sendable {
    /// For everything up to the first piece of the answer, retries included.
    let firstToken: Deadline
    private let total: Deadline
    private let gap: Duration

    init(_ timeouts: ProviderSettings.Timeouts) {
        let now = ContinuousClock.now
        total = Deadline(instant: now + timeouts.total.clamped, waitingFor: "total")
        firstToken = Deadline(instant: now + timeouts.firstToken.clamped, waitingFor: "first token").or(total)
        gap = timeouts.gap.clamped
    }

    /// For the next sign of life, if somebody has been waiting for it since `start`.
    func nextToken(since start: ContinuousClock.Instant) -> Deadline {
        Deadline(instant: start + gap, waitingFor: "next token").or(total)
    }
}

/// Does the work, or cancels it and throws `UpstreamError.timedOut`.
///
/// - Returns: When the work has ended, one way or the other, so it must end soon after cancellation.
func withDeadline<Value: Sendable>(
    _ deadline: Deadline, provider: String, _ work: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    try await withThrowingTaskGroup(of: Value.self) { group in
        defer { group.cancelAll() }
        group.addTask(operation: work)
        group.addTask {
            try await Task.sleep(until: deadline.instant, clock: .continuous)
            throw UpstreamError.timedOut(provider: provider, waitingFor: deadline.waitingFor)
        }
        guard let value = try await group.next() else { throw CancellationError() }
        return value
    }
}
