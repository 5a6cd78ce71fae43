package import FoundationEssentials
package import Knowledge
package import Logging
import ServiceLifecycle
import Synchronization

/// Counts what each key uses, in memory, and writes it down once a second and at the end.
///
/// A crash loses a second at most: that is the price of no write for each answer.
package final class UsageLedger: Service {
    private static let interval = Duration.seconds(1)

    private let store: any UsageStore
    private let limits: RateLimits?
    private let logger: Logger
    private let pending = Mutex<[UsageAccount: UsageSum]>([:])

    /// - Parameter limits: Told of every token.
    package init(store: any UsageStore, limits: RateLimits? = nil, logger: Logger) {
        self.store = store
        self.limits = limits
        self.logger = logger
    }

    /// Counts one request. Returns at once.
    package func note(_ usage: TokenUsage, of model: String, in scope: Scope, at time: Date = Date()) {
        if !scope.isBackground { limits?.spend(usage.prompt + usage.completion, of: scope) }
        let account = UsageAccount(
            tenant: scope.tenant, key: scope.key, day: Self.day(of: time), model: model)
        let sum = UsageSum(requests: 1, promptTokens: usage.prompt, completionTokens: usage.completion)
        pending.withLock { $0[account, default: UsageSum()] += sum }
    }

    /// What was used, up to this moment: own use for users, the tenant's for its admins, and all for the operator's.
    package func usage(
        for scope: Scope, isOperator: Bool, key: KeyID?, days: ClosedRange<Int>, limit: Int
    ) async throws -> [(account: UsageAccount, sum: UsageSum)] {
        await writeDown()
        if scope.role == .admin {
            return try await store.usage(of: isOperator ? nil : scope.tenant, key: key, days: days, limit: limit)
        }
        guard key == nil || key == scope.key else {
            throw RequestError.forbidden("This key sees its own use only.")
        }
        return try await store.usage(of: scope.tenant, key: scope.key, days: days, limit: limit)
    }

    /// Writes down until the group shuts down, and then once more.
    package func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                try? await Task.sleep(for: Self.interval)  // throws only when cancelled, and then the loop ends
                await self.writeDown()
            }
        }
        await writeDown()
    }

    package func writeDown() async {
        let taken = pending.withLock { pending in
            defer { pending = [:] }
            return pending
        }
        guard !taken.isEmpty else { return }
        do {
            // Not cut short by the shutdown that it is part of.
            try await Task { try await store.add(taken) }.value
        } catch {
            logger.warning("usage could not be written down yet", metadata: ["error": "\(error)"])
            pending.withLock { pending in
                for (account, sum) in taken { pending[account, default: UsageSum()] += sum }
            }
        }
    }

    /// Days since 1970-01-01 in UTC.
    package static func day(of time: Date) -> Int { Int((time.timeIntervalSince1970 / 86_400).rounded(.down)) }
}

/// What all choices of one answer used, told to the ledger when nobody reads the answer any more: at its end, where it broke off, or when
/// the client has left.
final class UsageMeter: Sendable {
    private struct Reading {
        var exact: TokenUsage?
        var text = ""
    }

    /// By choice.
    private let readings: Mutex<[Reading]>
    private let estimate: UsageEstimate
    private let report: @Sendable (TokenUsage) -> Void

    init(_ estimate: UsageEstimate, choices: Int, report: @escaping @Sendable (TokenUsage) -> Void) {
        readings = Mutex(Array(repeating: Reading(), count: choices))
        self.estimate = estimate
        self.report = report
    }

    func see(_ event: ModelEvent, of choice: Int) {
        readings.withLock { readings in
            switch event {
            case .text(let text): if readings[choice].exact == nil { readings[choice].text += text }
            case .usage(let usage): readings[choice].exact = usage
            case .fields, .logprobs, .finish: break
            }
        }
    }

    deinit {
        let (estimate, report, readings) = (estimate, report, readings.withLock { $0 })
        let exact = readings.compactMap(\.exact)
        if exact.count == readings.count { return report(.ofChoices(exact)) }
        Task {
            var usages = exact
            for reading in readings where reading.exact == nil {
                // Counting runs on threads of its own; it fails only when cancelled, which this task never is.
                if let usage = try? await estimate(reading.text) { usages.append(usage) }
            }
            report(.ofChoices(usages))
        }
    }
}
