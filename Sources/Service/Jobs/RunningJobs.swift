import Knowledge
import Synchronization

/// The jobs that run in this process, and those who watch jobs.
package final class RunningJobs: Sendable {
    private struct State {
        var runs: [JobID: JobRun] = [:]
        var watchers: [JobID: [Int: AsyncStream<Void>.Continuation]] = [:]
        var next = 0
    }

    private let state = Mutex(State())

    package init() {}

    func begin(_ lease: JobLease) -> JobRun {
        let id = lease.job.id
        let run = JobRun(lease) { [weak self] in self?.announce(id) }
        state.withLock { $0.runs[id] = run }
        announce(id)
        return run
    }

    func end(_ run: JobRun) {
        let id = run.lease.job.id
        // A later run of the same job stays.
        state.withLock { if $0.runs[id] === run { $0.runs[id] = nil } }
        announce(id)
    }

    func run(_ id: JobID) -> JobRun? { state.withLock { $0.runs[id] } }

    /// Tells watchers that there is something new about a job. Many signals at once are one.
    func announce(_ id: JobID) {
        let watchers = state.withLock { $0.watchers[id].map { Array($0.values) } ?? [] }
        for watcher in watchers { watcher.yield() }
    }

    /// A signal for every change of a job, until the stream is dropped.
    func changes(of id: JobID) -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let number = state.withLock { state in
            state.next += 1
            state.watchers[id, default: [:]][state.next] = continuation
            return state.next
        }
        continuation.onTermination = { [weak self] _ in
            self?.state.withLock { state in
                state.watchers[id]?[number] = nil
                if state.watchers[id]?.isEmpty == true { state.watchers[id] = nil }
            }
        }
        return stream
    }
}
