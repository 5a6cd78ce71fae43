import FoundationEssentials
package import Knowledge
import Synchronization

/// A job that runs: how far it is, who wants to know, and whether it is to stop. Safe to use from any thread.
package final class JobRun: Sendable {
    package let lease: JobLease
    private let onChange: @Sendable () -> Void
    private let state: Mutex<State>
    private let stops: AsyncStream<Void>
    private let stopped: AsyncStream<Void>.Continuation

    private struct State {
        var progress: JobProgress
        var changedAt: Date
        /// Chunks of a re-index that were stored before the present step.
        var stored = 0
        /// Those of them that were not embedded.
        var reused = 0
        var embeddingBegan: ContinuousClock.Instant?
        /// Chunks that this run has embedded itself.
        var embedded = 0
        /// Those of them whose ends the embedding model did not take.
        var cut = 0
    }

    init(_ lease: JobLease, onChange: @escaping @Sendable () -> Void) {
        self.lease = lease
        self.onChange = onChange
        state = Mutex(State(progress: lease.job.progress, changedAt: lease.job.updatedAt))
        (stops, stopped) = AsyncStream.makeStream()
    }

    package var progress: JobProgress { state.withLock { $0.progress } }

    /// Chunks embedded by this run that were longer than the embedding model takes, so that their ends are found by words alone.
    var cutChunks: Int { state.withLock { $0.cut } }

    /// The job as its row has it, with what is known better here.
    func overlay(_ job: Job) -> Job {
        guard job.status == .running else { return job }
        var job = job
        state.withLock { state in
            job.progress = state.progress
            job.updatedAt = max(job.updatedAt, state.changedAt)
        }
        return job
    }

    func enter(_ stage: JobProgress.Stage) {
        change { $0.progress.stage = stage }
    }

    /// A step of a re-index begins: so much is stored. What goes in between makes no number fall.
    func begin(_ documents: JobProgress.Documents, storedChunks: Int) {
        change { state in
            let (known, progress) = (state.progress.documents, state.progress)
            let done = max(known?.done ?? 0, documents.done)
            state.progress.documents = JobProgress.Documents(total: max(known?.total ?? 0, documents.total, done), done: done)
            state.stored = max(state.stored, storedChunks)
            state.reused = progress.reused
            state.progress.done = max(progress.done, state.stored)
            state.progress.chunks = max(progress.chunks, state.progress.done)
        }
    }

    /// The document was read and cut, or those of a step. A run after another one cuts them the same way, so that nothing
    /// falls.
    func foundChunks(_ count: Int, pages: Int?) {
        change { state in
            state.progress.chunks = max(state.progress.chunks, state.stored + count)
            state.progress.pages = pages ?? state.progress.pages
        }
    }

    /// So many of the chunks have vectors already; the others are embedded from now on.
    func knew(_ count: Int) {
        change { state in
            // What an earlier run of this job has done is no reuse.
            if state.progress.done <= state.stored { state.progress.reused = state.reused + count }
            state.progress.done = max(state.progress.done, state.stored + count)
            state.embeddingBegan = state.embeddingBegan ?? .now
        }
    }

    /// What the progress will be once `count` more chunks are on disk.
    func progress(embedding count: Int) -> JobProgress { state.withLock { Self.progress($0, embedding: count) } }

    func embedded(_ count: Int) {
        change { state in
            state.progress = Self.progress(state, embedding: count)
            state.embedded += count
        }
    }

    func cut(_ count: Int) { state.withLock { $0.cut += count } }

    private static func progress(_ state: State, embedding count: Int) -> JobProgress {
        var progress = state.progress
        progress.done = min(progress.chunks, progress.done + count)
        if let began = state.embeddingBegan {
            let seconds = (ContinuousClock.now - began) / .seconds(1)
            if seconds > 0 { progress.chunksPerSecond = Double(state.embedded + count) / seconds }
        }
        return progress
    }

    private func change(_ change: (inout State) -> Void) {
        state.withLock { state in
            change(&state)
            // Strictly later than the change before, which readers tell apart by it.
            state.changedAt = max(Date(), state.changedAt.addingTimeInterval(0.001))
        }
        onChange()
    }

    /// Ends the run at its next step.
    func stop() { stopped.finish() }

    /// Returns when the run is to stop, or the task is cancelled.
    func untilStopped() async { for await _ in stops {} }
}
