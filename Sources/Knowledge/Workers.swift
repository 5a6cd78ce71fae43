import Dispatch
import Foundation
import Synchronization

/// A fixed number of threads for work that computes or waits for a disk, so that it never holds up the cooperative pool.
///
/// `urgent` work overtakes `background` work that has not begun. Work that has begun is not interrupted.
///
/// A task can also run on them as a whole, by `withTaskExecutorPreference`: then what it has run on workers, these or others,
/// it does itself, without going to another thread and back.
package final class Workers: TaskExecutor {
    package enum Priority: Sendable { case urgent, background }

    private struct Queues {
        var urgent: [@Sendable () -> Void] = []
        var background: [@Sendable () -> Void] = []
        var urgentHead = 0
        var backgroundHead = 0

        var waiting: Int { urgent.count - urgentHead + background.count - backgroundHead }

        mutating func next() -> (@Sendable () -> Void)? {
            Self.pop(&urgent, &urgentHead) ?? Self.pop(&background, &backgroundHead)
        }

        /// First in, first out; the served part is dropped once it is half of the array, so that a pop costs O(1).
        private static func pop(_ queue: inout [@Sendable () -> Void], _ head: inout Int) -> (@Sendable () -> Void)? {
            guard head < queue.count else { return nil }
            defer {
                head += 1
                if head * 2 > queue.count {
                    queue.removeFirst(head)
                    head = 0
                }
            }
            return queue[head]
        }
    }

    private final class State: Sendable {
        let queues = Mutex(Queues())
        let available = DispatchSemaphore(value: 0)
    }

    private let state = State()
    /// How many threads there are.
    package let count: Int

    /// Starts the threads; they end when the object goes away.
    ///
    /// - Parameter niceness: How far they make room for others, from 0 to 19, as the system understands it.
    package init(count: Int, name: String, niceness: Int32 = 0) {
        self.count = max(1, count)
        let state = state
        for number in 1...self.count {
            let thread = Thread {
                OwnThread.mark()
                #if os(Linux)
                    // There it is the thread's own. Where it is not granted, everything works as well.
                    if niceness > 0 { _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, niceness) }
                #endif
                while true {
                    state.available.wait()
                    guard let work = state.queues.withLock({ $0.next() }) else { return }
                    work()
                }
            }
            thread.name = "\(name)-\(number)"
            thread.stackSize = 8 << 20
            thread.start()
        }
    }

    /// Whether this is a thread of any workers, on which long work may be done at once.
    package static var areHere: Bool { OwnThread.isMarked }

    /// Work that has not begun.
    var waiting: Int { state.queues.withLock { $0.waiting } }

    deinit {
        for _ in 0..<count { state.available.signal() }
    }

    /// Runs `work` on one of the threads, or, urgent work, where it is if that is a thread of any workers, and returns what it
    /// returns.
    ///
    /// - Throws: `CancellationError` if the task was cancelled before the work began, else what `work` throws.
    package func run<Value: Sendable>(
        _ priority: Priority = .urgent, _ work: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        if priority == .urgent && Self.areHere {
            try Task.checkCancellation()
            return try work()
        }
        let cancelled = Flag()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                submit(priority) {
                    if cancelled.isRaised {
                        continuation.resume(throwing: CancellationError())
                    } else {
                        continuation.resume(with: Result(catching: work))
                    }
                }
            }
        } onCancel: {
            cancelled.raise()
        }
    }

    /// Leaves `work` to one of the threads and returns at once. It runs even where nobody waits for it any more.
    package func submit(_ priority: Priority, _ work: @escaping @Sendable () -> Void) {
        state.queues.withLock { queues in
            switch priority {
            case .urgent: queues.urgent.append(work)
            case .background: queues.background.append(work)
            }
        }
        state.available.signal()
    }

    /// Runs the next stretch of a task.
    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        submit(.urgent) { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }

    /// Runs both at once, `second` on a thread of its own, and waits for them.
    ///
    /// - Throws: What `first` throws, else what `second` throws.
    package static func both<First, Second: Sendable>(
        _ first: () throws -> First, and second: @escaping @Sendable () throws -> Second
    ) throws -> (First, Second) {
        let outcome = Mutex<Result<Second, any Error>?>(nil)
        let isOver = DispatchSemaphore(value: 0)
        Thread.detachNewThread {
            let result = Result(catching: second)
            outcome.withLock { $0 = result }
            isOver.signal()
        }
        let one = Result(catching: first)
        isOver.wait()
        guard let other = outcome.withLock({ $0 }) else { preconditionFailure("signalled without a result") }
        return (try one.get(), try other.get())
    }

    /// Tells the threads of workers from all others, which are not to be held up.
    private enum OwnThread {
        private static let key: pthread_key_t = {
            var key = pthread_key_t()
            pthread_key_create(&key, nil)
            return key
        }()

        static func mark() { pthread_setspecific(key, UnsafeRawPointer(bitPattern: 1)) }
        static var isMarked: Bool { pthread_getspecific(key) != nil }
    }

    private final class Flag: Sendable {
        private let raised = Atomic(false)
        var isRaised: Bool { raised.load(ordering: .acquiring) }
        func raise() { raised.store(true, ordering: .releasing) }
    }
}
