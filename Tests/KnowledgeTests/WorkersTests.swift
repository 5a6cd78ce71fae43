import Dispatch
import Synchronization
import Testing

@testable import Knowledge

@Suite("Workers")
struct WorkersTests {
    @Test("give back what the work returns or throws")
    func results() async throws {
        struct Failure: Error {}
        let workers = Workers(count: 2, name: "test")
        #expect(try await workers.run { 42 } == 42)
        await #expect(throws: Failure.self) { try await workers.run { throw Failure() } }
    }

    @Test("let urgent work overtake what waits, and keep the order within each kind")
    func urgency() async throws {
        let workers = Workers(count: 1, name: "test")
        let order = Order()
        let gate = DispatchSemaphore(value: 0)
        let started = AsyncStream<Void>.makeStream()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await workers.run {
                    started.continuation.finish()
                    gate.wait()
                }
            }
            for await _ in started.stream {}
            for name in ["b1", "b2"] { await queue(name, .background, workers, order, &group) }
            for name in ["u1", "u2"] { await queue(name, .urgent, workers, order, &group) }
            gate.signal()
            try await group.waitForAll()
        }
        #expect(order.names == ["u1", "u2", "b1", "b2"])
    }

    /// Adds a task and waits until its work stands in the queue.
    private func queue(
        _ name: String, _ priority: Workers.Priority, _ workers: Workers, _ order: Order,
        _ group: inout ThrowingTaskGroup<Void, any Error>
    ) async {
        let before = workers.waiting
        group.addTask { try await workers.run(priority) { order.add(name) } }
        while workers.waiting == before { await Task.yield() }
    }

    /// What ran, in sequence.
    private final class Order: Sendable {
        private let state = Mutex<[String]>([])
        var names: [String] { state.withLock { $0 } }
        func add(_ name: String) { state.withLock { $0.append(name) } }
    }

    @Test("run a task as a whole, with what it would run on others, and still begin nothing for one that is cancelled")
    func wholeTasks() async throws {
        let (workers, others) = (Workers(count: 1, name: "test"), Workers(count: 1, name: "others"))
        let gate = DispatchSemaphore(value: 0)
        // While this runs, nothing else does on the others.
        let started = AsyncStream<Void>.makeStream()
        let occupied = Task {
            try await others.run {
                started.continuation.finish()
                gate.wait()
            }
        }
        for await _ in started.stream {}
        #expect(!Workers.areHere)
        let task = Task {
            try await withTaskExecutorPreference(workers) {
                async let child = workers.run { Workers.areHere }
                let found = try await (others.run { Workers.areHere }, child)
                withUnsafeCurrentTask { $0?.cancel() }
                await #expect(throws: CancellationError.self) { try await others.run { Issue.record("ran") } }
                return (found.0, Workers.areHere, found.1)
            }
        }
        let (ranHere, isHere, childRan) = try await task.value
        #expect(ranHere && isHere && childRan)
        gate.signal()
        try await occupied.value
    }

    @Test("do not begin what was cancelled while it waited")
    func cancellation() async throws {
        let workers = Workers(count: 1, name: "test")
        let gate = DispatchSemaphore(value: 0)
        let ran = Order()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await workers.run { gate.wait() } }
            let cancelled = Task {
                try await workers.run(.background) { ran.add("cancelled work") }
            }
            cancelled.cancel()
            gate.signal()
            await #expect(throws: CancellationError.self) { try await cancelled.value }
            try await group.waitForAll()
        }
        #expect(ran.names.isEmpty)
    }
}
