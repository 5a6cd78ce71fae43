import Synchronization

/// Does in steps, behind everything else, what a change has left to be done: `step` returns whether there is more.
///
/// What it works off is in the database, so that the next start finds what the end of a process keeps it from.
final class Collector: Sendable {
    private struct State {
        var isWanted = false
        var isClosed = false
        var work: Task<Void, Never>?
    }

    private let step: @Sendable () async throws -> Bool
    private let state = Mutex(State())

    init(step: @escaping @Sendable () async throws -> Bool) {
        self.step = step
    }

    /// Sees to it that there is looked for work after this call.
    func wake() {
        state.withLock { state in
            state.isWanted = true
            guard state.work == nil, !state.isClosed else { return }
            state.work = Task { await run() }
        }
    }

    /// Waits until there is nothing left to do, or it cannot be done.
    func finish() async {
        while let work = state.withLock({ $0.work }) { await work.value }
    }

    /// Ends after the step under way, for good.
    func close() async {
        let work = state.withLock { state in
            state.isClosed = true
            return state.work
        }
        await work?.value
    }

    private func run() async {
        while takeUp() {
            // What fails now, as on a full disk, is tried again after the next change, or at the next start.
            while (try? await step()) == true, !state.withLock({ $0.isClosed }) {}
        }
    }

    private func takeUp() -> Bool {
        state.withLock { state in
            guard state.isWanted, !state.isClosed else {
                state.work = nil
                return false
            }
            state.isWanted = false
            return true
        }
    }
}
