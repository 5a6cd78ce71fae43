import Foundation
import Synchronization

/// Ends a child from another thread, at any time and no longer than it is ours.
///
/// Between `arm` and `disarm` the process has not been waited for, so that its id cannot mean anybody else.
final class KillSwitch: Sendable {
    private struct State {
        var child: pid_t?
        var isPulled = false
    }

    private let state = Mutex(State())

    var isPulled: Bool { state.withLock(\.isPulled) }

    /// Kills the child and its process group, now or as soon as there is one.
    func pull() {
        state.withLock { state in
            state.isPulled = true
            if let child = state.child { kill(-child, SIGKILL) }
        }
    }

    func arm(_ child: pid_t) {
        state.withLock { state in
            state.child = child
            if state.isPulled { kill(-child, SIGKILL) }
        }
    }

    func disarm() { state.withLock { $0.child = nil } }
}
