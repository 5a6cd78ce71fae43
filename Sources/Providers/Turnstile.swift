import Knowledge
import Synchronization

/// Lets so many in at a time; the others wait, urgent ones first, else in the order they came.
final class Turnstile: Sendable {
    private struct Waiter {
        var id: UInt64
        var continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var free: Int
        var nextID: UInt64 = 0
        var urgent: [Waiter] = []
        var background: [Waiter] = []
        /// Cancelled before they began to wait.
        var cancelled: Set<UInt64> = []

        mutating func next() -> Waiter? {
            if !urgent.isEmpty { return urgent.removeFirst() }
            return background.isEmpty ? nil : background.removeFirst()
        }

        mutating func remove(_ id: UInt64) -> Waiter? {
            if let index = urgent.firstIndex(where: { $0.id == id }) { return urgent.remove(at: index) }
            return background.firstIndex { $0.id == id }.map { background.remove(at: $0) }
        }
    }

    private let state: Mutex<State>

    init(width: Int) {
        state = Mutex(State(free: width))
    }

    /// Does the work once it is let in.
    ///
    /// - Throws: `CancellationError` if the task was cancelled while it waited, else what the work throws.
    func pass<Value: Sendable>(
        _ priority: Workers.Priority, _ work: @Sendable () async throws -> Value
    ) async throws -> Value {
        try await enter(priority)
        defer { leave() }
        return try await work()
    }

    /// How many more may enter, and how many wait to.
    var waiting: (free: Int, count: Int) {
        state.withLock { ($0.free, $0.urgent.count + $0.background.count) }
    }

    private func enter(_ priority: Workers.Priority) async throws {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let result: Result<Void, any Error>? = state.withLock { state in
                    if state.cancelled.remove(id) != nil { return .failure(CancellationError()) }
                    guard state.free == 0 else {
                        state.free -= 1
                        return .success(())
                    }
                    let waiter = Waiter(id: id, continuation: continuation)
                    if priority == .urgent { state.urgent.append(waiter) } else { state.background.append(waiter) }
                    return nil
                }
                if let result { continuation.resume(with: result) }
            }
        } onCancel: {
            let waiter = state.withLock { state -> Waiter? in
                let waiter = state.remove(id)
                if waiter == nil { state.cancelled.insert(id) }
                return waiter
            }
            waiter?.continuation.resume(throwing: CancellationError())
        }
        // A cancellation that came too late for the queue left its mark.
        state.withLock { _ = $0.cancelled.remove(id) }
    }

    private func leave() {
        let waiter = state.withLock { state -> Waiter? in
            guard let waiter = state.next() else {
                state.free += 1
                return nil
            }
            return waiter
        }
        waiter?.continuation.resume()
    }
}
