package import FoundationEssentials
package import Logging
import ServiceLifecycle

/// Throws away, about once a minute, what is kept for a time only: parts of uploads that were never completed, files and
/// knowledge bases that were to expire, responses that were stored a month ago, indexes that were replaced a week ago, and
/// in memory what nobody has searched for some minutes.
package struct CollectExpired: Service {
    private static let tick = Duration.seconds(60)
    /// As long as OpenAI keeps them.
    private static let responseLifetime: TimeInterval = 30 * 24 * 3_600
    private static let idleTime = Duration.seconds(300)

    let expireUploads: @Sendable () async throws -> Void
    let removeExpired: @Sendable () async throws -> Void
    let removeResponses: @Sendable (_ before: Date) async throws -> Void
    let discardIndexes: @Sendable (_ expiredAt: Date) async throws -> Void
    let releaseIndexes: @Sendable (_ unusedSince: ContinuousClock.Instant) -> Void
    let logger: Logger

    package init(
        expireUploads: @escaping @Sendable () async throws -> Void,
        removeExpired: @escaping @Sendable () async throws -> Void,
        removeResponses: @escaping @Sendable (_ before: Date) async throws -> Void,
        discardIndexes: @escaping @Sendable (_ expiredAt: Date) async throws -> Void,
        releaseIndexes: @escaping @Sendable (_ unusedSince: ContinuousClock.Instant) -> Void, logger: Logger
    ) {
        self.expireUploads = expireUploads
        self.removeExpired = removeExpired
        self.removeResponses = removeResponses
        self.discardIndexes = discardIndexes
        self.releaseIndexes = releaseIndexes
        self.logger = logger
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                releaseIndexes(.now - Self.idleTime)
                do {
                    try await expireUploads()
                    try await removeExpired()
                    try await removeResponses(Date() - Self.responseLifetime)
                    try await discardIndexes(Date())
                } catch {
                    if !Task.isCancelled { logger.error("nothing could be collected", metadata: ["error": "\(error)"]) }
                }
                try? await Task.sleep(for: Self.tick)  // throws only when cancelled, and then the loop ends
            }
        }
    }
}
