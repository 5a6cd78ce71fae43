import Knowledge
import Synchronization

/// The batches that are worked on in this process, each once.
package final class RunningBatches: Sendable {
    private struct Run {
        var tenant: TenantID
        var stop: AsyncStream<Void>.Continuation
    }

    private let runs = Mutex<[RequestBatchID: Run]>([:])

    package init() {}

    /// A stream that ends when the work is to stop.
    func begin(_ batch: RequestBatch) -> AsyncStream<Void> {
        let (stream, stop) = AsyncStream<Void>.makeStream()
        runs.withLock { $0[batch.id] = Run(tenant: batch.tenant, stop: stop) }
        return stream
    }

    func end(_ id: RequestBatchID) { runs.withLock { $0[id] = nil } }

    func stop(_ id: RequestBatchID) { runs.withLock { $0[id]?.stop.finish() } }

    /// Which of these batches to begin with now: those that only have to end, and of the others as many as fit, first
    /// of the tenants that have the fewest at work.
    ///
    /// - Parameter batches: Oldest first.
    func next(of batches: [RequestBatch], width: Int) -> [RequestBatch] {
        runs.withLock { runs in
            var load = Dictionary(grouping: runs.values, by: \.tenant).mapValues(\.count)
            var waiting = batches.filter { runs[$0.id] == nil }
            var chosen = waiting.filter { $0.status == .cancelling }
            waiting.removeAll { $0.status == .cancelling }
            var room = width - runs.count
            while room > 0, let first = waiting.indices.min(by: { place($0, waiting, load) < place($1, waiting, load) })
            {
                let batch = waiting.remove(at: first)
                load[batch.tenant, default: 0] += 1
                chosen.append(batch)
                room -= 1
            }
            return chosen
        }
    }

    private func place(_ index: Int, _ batches: [RequestBatch], _ load: [TenantID: Int]) -> (Int, Int) {
        (load[batches[index].tenant] ?? 0, index)
    }
}
