import FoundationEssentials
package import Knowledge
package import Logging
import ServiceLifecycle

/// Works off batches of requests until the group shuts down. One that is interrupted goes on after the restart.
package struct BatchRunner: Service {
    /// Batches at the same time.
    private static let width = 4
    private static let tick = Duration.seconds(5)
    /// The rest before a batch is taken up again whose work failed for a reason of ours, such as a full disk.
    private static let rest = Duration.seconds(10)

    let queue: any RequestBatchQueue
    let work: WorkOffBatch
    let running: RunningBatches
    let wakeUp: WakeUp
    let logger: Logger

    package init(
        queue: any RequestBatchQueue, files: any FileStore, performer: any RequestPerformer, workers: Workers,
        running: RunningBatches, wakeUp: WakeUp, logger: Logger
    ) {
        self.queue = queue
        work = WorkOffBatch(queue: queue, files: files, performer: performer, workers: workers)
        self.running = running
        self.wakeUp = wakeUp
        self.logger = logger
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                group.addTask { await keepTicking() }
                wakeUp()
                for await _ in wakeUp.signals {
                    for batch in await next() {
                        let stop = running.begin(batch)
                        group.addTask {
                            await perform(batch, until: stop)
                            running.end(batch.id)
                            wakeUp()
                        }
                    }
                }
                group.cancelAll()
            }
        }
    }

    private func keepTicking() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: Self.tick)  // throws only when cancelled, and then the loop ends
            wakeUp()
        }
    }

    private func next() async -> [RequestBatch] {
        guard !Task.isCancelled else { return [] }
        do {
            let unfinished = try await queue.unfinishedRequestBatches()
            // Those that were cancelled by what knows nothing of this process's work, such as the end of their key.
            for batch in unfinished where batch.status == .cancelling { running.stop(batch.id) }
            return running.next(of: unfinished, width: Self.width)
        } catch {
            logger.error("no batch could be taken up", metadata: ["error": "\(error)"])
            return []
        }
    }

    /// Works on a batch until it ends, somebody stops it, or its time is over. How it then ends, the next run sees.
    private func perform(_ batch: RequestBatch, until stop: AsyncStream<Void>) async {
        var logger = logger
        logger[metadataKey: "batch"] = "\(batch.id)"
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await work(batch) }
                if batch.status != .cancelling, batch.expiresAt > Date() {
                    group.addTask { for await _ in stop {} }
                    group.addTask { try await Task.sleep(for: .seconds(batch.expiresAt.timeIntervalSinceNow)) }
                }
                defer { group.cancelAll() }
                try await group.next()
            }
            logger.info("batch of requests left")
        } catch is CancellationError {
            logger.info("batch of requests interrupted")
        } catch {
            logger.error("a batch of requests failed", metadata: ["error": "\(error)"])
            try? await Task.sleep(for: Self.rest)  // throws only when cancelled, and then the process ends
        }
    }
}
