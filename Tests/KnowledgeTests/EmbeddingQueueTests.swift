import Testing

@testable import Knowledge

@Suite("The embedding queue")
struct EmbeddingQueueTests {
    private let queue = EmbeddingQueue()

    /// Asks for the vectors of texts named by letters; returns once they stand in the queue.
    private func ask(
        _ names: String, _ priority: Workers.Priority = .background
    ) async -> Task<Embeddings, any Error> {
        let (queued, signal) = AsyncStream<Void>.makeStream()
        let task = Task {
            try await queue.embed(names.map { .text(String($0)) }, as: .passage, priority: priority) { signal.finish() }
        }
        for await _ in queued {}
        return task
    }

    private func take(_ count: Int, _ priority: Workers.Priority = .background) -> [EmbeddingQueue.Item] {
        (0..<count).compactMap { _ in queue.next(priority) }
    }

    private static func name(_ item: EmbeddingQueue.Item) -> String {
        if case .text(let text) = item.input { text } else { "" }
    }

    /// The vector of a text says which it is.
    private static func made(_ item: EmbeddingQueue.Item) -> EmbeddingQueue.Made {
        item.made(vector(name(item)), tokens: item.index + 1, isCut: item.index == 1)
    }

    private static func vector(_ name: String) -> [Float] { name.unicodeScalars.map { Float($0.value) } }

    @Test("gives callers turns, text by text, each priority for itself")
    func turns() async throws {
        let tasks = [await ask("abcd"), await ask("mn"), await ask("x"), await ask("UV", .urgent)]
        #expect(take(9).map(Self.name) == ["a", "m", "x", "b", "n", "c", "d"])
        #expect(take(9, .urgent).map(Self.name) == ["U", "V"])
        for task in tasks { task.cancel() }
    }

    @Test("gives every caller its own vectors, in the order of its inputs, whatever the order they are made in")
    func order() async throws {
        let letters = (0..<60).map { String(UnicodeScalar(UInt8(65 + $0))) }.joined()
        let (first, second) = (await ask(letters), await ask(String(letters.reversed())))
        var items = take(200)
        #expect(items.count == 120)
        items.shuffle()
        while !items.isEmpty {
            queue.deliver(items.suffix(7).map(Self.made))
            items.removeLast(min(7, items.count))
        }
        for (task, names) in [(first, letters), (second, String(letters.reversed()))] {
            let result = try await task.value
            #expect(result.vectors == names.map { Self.vector(String($0)) })
            #expect(result.tokenCounts == Array(1...60))
            #expect(result.cut == [1])
        }
    }

    @Test("lets a cancelled caller go at once, and its texts with it")
    func cancellation() async throws {
        let (cancelled, other) = (await ask("abc"), await ask("xy"))
        let taken = take(2)
        cancelled.cancel()
        await #expect(throws: CancellationError.self) { try await cancelled.value }
        #expect(queue.load.waiting == 1)
        let rest = take(9)
        #expect(rest.map(Self.name) == ["y"])
        queue.deliver((taken + rest).map(Self.made))
        #expect(try await other.value.vectors.count == 2)
    }

    @Test("ends the callers of what failed, and no others")
    func failure() async throws {
        struct Failure: Error {}
        let (one, two, three) = (await ask("ab"), await ask("mn"), await ask("xy"))
        let items = take(6)
        queue.fail(items.filter { ["a", "n"].contains(Self.name($0)) }, Failure())
        await #expect(throws: Failure.self) { try await one.value }
        await #expect(throws: Failure.self) { try await two.value }
        queue.deliver(items.map(Self.made))
        #expect(try await three.value.vectors == [Self.vector("x"), Self.vector("y")])
    }

    @Test("asks nobody to start where there is nothing to do")
    func nothing() async throws {
        let none = try await queue.embed([], as: .query, priority: .urgent) { Issue.record("started") }
        #expect(none.vectors.isEmpty && none.tokenCounts.isEmpty)
        let task = Task {
            while !Task.isCancelled { await Task.yield() }
            _ = try await queue.embed([.text("a")], as: .query, priority: .urgent) { Issue.record("started") }
        }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(take(1, .urgent).isEmpty && queue.load.waiting == 0)
    }

    @Test("knows how much waits and how much was done")
    func load() async throws {
        let task = await ask("abc")
        #expect(queue.load.waiting == 3 && queue.load.texts == 0)
        let items = take(2)
        #expect(queue.load.waiting == 1)
        queue.deliver(items.map(Self.made))
        #expect(queue.load.texts == 2 && queue.load.tokens == 3)
        task.cancel()
    }
}
