import Synchronization
import Testing

@testable import Knowledge

@Suite("The embedding queue")
struct EmbeddingQueueTests {
    private let queue = EmbeddingQueue(width: 3)
    private let servers = Counter()

    private final class Counter: Sendable {
        private let value = Mutex(0)
        var count: Int { value.withLock { $0 } }
        func add(_ more: Int) { value.withLock { $0 += more } }
    }

    /// Asks for the vectors of texts named by letters; returns once they stand in the queue.
    private func ask(
        _ names: String, _ priority: Workers.Priority = .background
    ) async -> Task<Embeddings, any Error> {
        let before = queue.load.waiting
        let task = Task {
            try await queue.embed(names.map { .text(String($0)) }, as: .passage, priority: priority) {
                servers.add($0)
            }
        }
        while queue.load.waiting != before + names.count { await Task.yield() }
        return task
    }

    private func take(_ count: Int, _ priority: Workers.Priority = .background) -> [EmbeddingQueue.Item] {
        var items: [EmbeddingQueue.Item] = []
        _ = queue.takeBatch(priority) {
            items.append($0)
            return items.count < count
        }
        return items
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

    @Test("begins another server only where more urgent texts wait than the one at work will find")
    func patience() async throws {
        let queue = EmbeddingQueue(width: 2, patience: 2)
        func ask(_ priority: Workers.Priority) async -> Task<Embeddings, any Error> {
            let before = queue.load.waiting
            let task = Task {
                try await queue.embed([.text("a")], as: .query, priority: priority) { servers.add($0) }
            }
            while queue.load.waiting == before { await Task.yield() }
            return task
        }
        var tasks: [Task<Embeddings, any Error>] = []
        for expected in [1, 1, 2, 2] {
            tasks.append(await ask(.urgent))
            #expect(servers.count == expected)
        }
        tasks.append(await ask(.background))
        #expect(servers.count == 3)
        for task in tasks { task.cancel() }
    }

    @Test("lets a question's batch be filled while one of documents is")
    func filling() async throws {
        let tasks = [await ask("ab"), await ask("UV", .urgent)]
        var taken: [String] = []
        let isServing = queue.takeFullBatch(.background) { document in
            taken.append(Self.name(document))
            _ = queue.takeFullBatch(.urgent) { question in
                taken.append(Self.name(question))
                return true
            }
            return true
        }
        #expect(isServing)
        #expect(taken == ["a", "U", "V", "b"])
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
        #expect(taken.map(queue.isWanted) == [false, true])
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

    @Test("keeps nothing of those who ask for nothing, or have gone before they asked")
    func nothing() async throws {
        let none = try await queue.embed([], as: .query, priority: .urgent) { _ in Issue.record("started") }
        #expect(none.vectors.isEmpty && none.tokenCounts.isEmpty)
        let task = Task {
            while !Task.isCancelled { await Task.yield() }
            _ = try await queue.embed([.text("a")], as: .query, priority: .urgent) { _ in }
        }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(queue.load.waiting == 0 && take(1, .urgent).isEmpty)
    }

    @Test("starts as many servers as it may have and can use, and again those that ended")
    func servers() async throws {
        let tasks = [await ask("ab"), await ask("cd", .urgent)]
        #expect(servers.count == 4)
        let more = await ask("efgh")
        #expect(servers.count == 5)
        #expect(take(9).count == 6 && take(1).isEmpty && take(1).isEmpty)
        let last = await ask("xyz")
        #expect(servers.count == 7)
        for task in tasks + [more, last] { task.cancel() }
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
