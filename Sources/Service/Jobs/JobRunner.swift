import FoundationEssentials
package import Knowledge
package import Logging
import ServiceLifecycle
import Synchronization

/// Tells the job runner that there may be something to do. Many signals at once are one.
package struct WakeUp: Sendable {
    let signals: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    package init() {
        (signals, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    package func callAsFunction() { continuation.yield() }
}

/// Works off the queue until the group shuts down. A job that is interrupted stays queued and is done after the restart.
package struct JobRunner: Service {
    /// Runs of one job that fail for no known reason before it is given up.
    private static let maxAttempts = 5
    /// Runs of one job that fail for what passes with time before it is given up: by then it was tried for about a day.
    /// Counted instead of its age, which says nothing of a job that has waited behind others or was queued again.
    private static let maxPatience = 130
    /// The longest wait for a job whose retry falls due while nothing else happens.
    private static let tick = Duration.seconds(1)
    /// Between two signs of life of a job; a lease outlives three that fail.
    private static let heartbeat = Duration.seconds(15)

    let jobs: any JobStore
    let ingest: IngestDocument
    let reindex: ReindexKnowledgeBase
    let running: RunningJobs
    let wakeUp: WakeUp
    /// Jobs at the same time.
    let width: Int
    let logger: Logger

    package init(
        jobs: any JobStore, ingest: IngestDocument, reindex: ReindexKnowledgeBase, running: RunningJobs, wakeUp: WakeUp,
        width: Int, logger: Logger
    ) {
        self.jobs = jobs
        self.ingest = ingest
        self.reindex = reindex
        self.running = running
        self.wakeUp = wakeUp
        self.width = width
        self.logger = logger
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                group.addTask { await keepTicking() }
                let busy = Busy()
                wakeUp()
                for await _ in wakeUp.signals {
                    while busy.count < width, let lease = await next() {
                        busy.add(1)
                        group.addTask {
                            await perform(lease)
                            busy.add(-1)
                            wakeUp()
                        }
                    }
                }
                group.cancelAll()
            }
        }
    }

    /// How many jobs run.
    private final class Busy: Sendable {
        private let jobs = Atomic(0)
        var count: Int { jobs.load(ordering: .acquiring) }
        func add(_ change: Int) { jobs.add(change, ordering: .acquiringAndReleasing) }
    }

    private func keepTicking() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: Self.tick)  // throws only when cancelled, and then the loop ends
            wakeUp()
        }
    }

    private func next() async -> JobLease? {
        guard !Task.isCancelled else { return nil }
        do {
            return try await jobs.claim(at: Date())
        } catch {
            logger.error("no job could be claimed", metadata: ["error": "\(error)"])
            return nil
        }
    }

    /// Runs a job until it ends, somebody stops it, or its lease is lost.
    private func perform(_ lease: JobLease) async {
        let run = running.begin(lease)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await work(run) }
            group.addTask { await run.untilStopped() }
            group.addTask { await keepAlive(run) }
            await group.next()
            group.cancelAll()
        }
        running.end(run)
    }

    /// Ends when the lease is lost: another worker has the job then, or it was cancelled.
    private func keepAlive(_ run: JobRun) async {
        while true {
            do {
                try await Task.sleep(for: Self.heartbeat)
                guard try await jobs.renew(run.lease, at: Date(), progress: run.progress) else { return }
            } catch {
                if Task.isCancelled { return }
                logger.warning("a job's lease could not be renewed", metadata: ["error": "\(error)"])
            }
        }
    }

    private func work(_ run: JobRun) async {
        let lease = run.lease
        var logger = logger
        logger[metadataKey: "job"] = "\(lease.job.id)"
        logger[metadataKey: "document"] = "\(lease.job.document)"
        do {
            guard let file = lease.file else {
                try await reindex(run)
                return logger.info("knowledge base indexed anew", metadata: ["base": "\(lease.job.knowledgeBase)"])
            }
            let content = try await ingest(run, file, keepingVectorsIn: jobs)
            let isKept = try await jobs.complete(lease, with: content)
            logger.info(
                "document indexed",
                metadata: ["chunks": "\(content.chunks.count)", "cut": "\(run.cutChunks)", "kept": "\(isKept)"])
        } catch {
            await settle(lease, after: error, logger)
        }
    }

    /// A document at fault fails, an interrupted job is left for the next start, all else is tried again for a while.
    private func settle(_ lease: JobLease, after error: any Error, _ logger: Logger) async {
        do {
            switch error {
            case let failure as DocumentFailure:
                logger.info("document refused", metadata: ["reason": "\(failure.reason.rawValue)"])
                _ = try await jobs.fail(lease, failure)
            case is CancellationError:
                // Cancelled, or the process is ending. Then the job still counts as running; the next start queues it.
                logger.info("job interrupted")
            default:
                logger.warning("job failed", metadata: ["attempt": "\(lease.job.attempts)", "error": "\(error)"])
                try await tryAgain(lease, after: error)
            }
        } catch {
            // The lease runs out with the process; the job is queued again at the next start.
            logger.error("a job could not be settled", metadata: ["error": "\(error)"])
        }
    }

    private func tryAgain(_ lease: JobLease, after error: any Error) async throws {
        let trouble = Self.trouble(error)
        guard lease.job.attempts < (trouble.passes ? Self.maxPatience : Self.maxAttempts) else {
            _ = try await jobs.fail(lease, trouble.failure)
            return
        }
        let due = Date() + Backoff.seconds(afterAttempts: lease.job.attempts)
        _ = try await jobs.retry(lease, notBefore: due, message: trouble.failure.message)
    }

    /// What to tell people of an error, and whether it will pass with time. The log has the error itself, which may name
    /// what is nobody's business outside.
    private static func trouble(_ error: any Error) -> (failure: DocumentFailure, passes: Bool) {
        switch error {
        case UpstreamError.rejected(let provider, _, let message):
            (DocumentFailure(.embeddingFailed, "The embedding server '\(provider)' refused the text: \(message)"), false)
        case UpstreamError.unauthorized(let provider):
            (DocumentFailure(.embeddingFailed, "The embedding server '\(provider)' refuses this server's key."), false)
        case UpstreamError.garbage, UpstreamError.contextExceeded:
            (DocumentFailure(.embeddingFailed, "The embedding server does not answer as it should."), false)
        case is UpstreamError:
            (DocumentFailure(.embeddingFailed, "The embedding server cannot be reached, or has too much to do."), true)
        case RequestError.conflict(let message):
            (DocumentFailure(.embeddingFailed, message), false)
        case let error as any StoreFailure where error.consequence != .broken:
            (DocumentFailure(.internalError, "The server has no space left, or its database is busy."), true)
        default:
            (DocumentFailure(.internalError, "Indexing failed. The server's log says why, under this document's id."), false)
        }
    }
}
