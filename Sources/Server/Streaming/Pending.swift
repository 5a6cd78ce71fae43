import Knowledge

/// What is being made, by a task of its own, while somebody waits for it piece by piece of time. Letting go of it ends the
/// making.
final class Pending<Value: Sendable>: Sendable {
    private let task: Task<Value, any Error>
    private let isMade = Latch()

    init(_ make: @escaping @Sendable () async throws -> Value) {
        task = Task { [isMade] in
            defer { isMade.open() }
            return try await make()
        }
    }

    deinit { task.cancel() }

    /// What was made; nil where it takes longer than this.
    func value(within time: Duration) async throws -> Value? {
        await withTaskGroup { group in
            group.addTask { await self.isMade.wait() }
            // Throws only when cancelled, as it is once the other is done.
            group.addTask { try? await Task.sleep(for: time) }
            await group.next()
            group.cancelAll()
        }
        try Task.checkCancellation()
        return isMade.isOpen ? try await task.value : nil
    }
}
