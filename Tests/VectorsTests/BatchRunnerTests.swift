import Dispatch
import Knowledge
import Synchronization
import Testing

@testable import Vectors

@Suite("The batch runner")
struct BatchRunnerTests {
    @Test("embeds an urgent text while batches of background texts hold all their threads")
    func urgency() async throws {
        let model = FakeModel()
        let runner = BatchRunner(threads: 2, model.steps)
        let slow = Task { try await runner.embed(texts("aaaaaa", tokens: 400), as: .passage, priority: .background) }
        await model.entered(2)
        model.gateIsOpen.store(true, ordering: .sequentiallyConsistent)
        let question = try await runner.embed(texts("q", tokens: 12), as: .query, priority: .urgent)
        #expect(question.tokenCounts == [12])
        #expect(model.batches == ["q"])
        model.open()
        #expect(try await slow.value.vectors.count == 6)
    }

    @Test("serves who came while a batch was computed on the thread that asked for it")
    func onTheAskingThread() async throws {
        let model = FakeModel()
        let runner = BatchRunner(threads: 2, model.steps)
        let workers = Workers(count: 1, name: "test")
        let first = Task {
            try await withTaskExecutorPreference(workers) {
                try await runner.embed(texts("a", tokens: 9), as: .query, priority: .urgent)
            }
        }
        await model.entered(1)
        // Fewer than another server would begin for.
        let others = ["b", "c"].map { name in
            Task { try await runner.embed(texts(name, tokens: 9), as: .query, priority: .urgent) }
        }
        await waiting(2, in: runner)
        model.open()
        for task in [first] + others { #expect(try await task.value.vectors.count == 1) }
        #expect(model.batches.map { String($0.sorted()) } == ["a", "bc"])
        #expect(runner.load.waiting == 0)
    }

    @Test("puts texts of different callers into one batch")
    func sharing() async throws {
        let model = FakeModel()
        let runner = BatchRunner(threads: 1, model.steps)
        let first = Task { try await runner.embed(texts("a", tokens: 9), as: .passage, priority: .background) }
        await model.entered(1)
        let callers = ["bb", "c", "ddd"].map { names in
            Task { try await runner.embed(texts(names, tokens: 9), as: .passage, priority: .background) }
        }
        await waiting(6, in: runner)
        model.open()
        for task in callers + [first] { _ = try await task.value }
        #expect(model.batches.map { String($0.sorted()) } == ["a", "bbcddd"])
    }

    @Test("does not let a caller of thousands hold up one of three")
    func fairness() async throws {
        let model = FakeModel()
        let runner = BatchRunner(threads: 1, model.steps)
        let large = Task {
            try await runner.embed(
                texts(String(repeating: "L", count: 2_000), tokens: 100), as: .passage, priority: .background)
        }
        await model.entered(1)
        let small = Task { try await runner.embed(texts("sss", tokens: 100), as: .passage, priority: .background) }
        await waiting(2_000 - 6 + 3, in: runner)
        model.release(2)
        #expect(try await small.value.vectors.count == 3)
        #expect(model.batches.prefix(2) == ["LLLLLL", "LsLsLs"])
        large.cancel()
        model.open()
    }

    @Test("prepares no more texts than it computes, however many wait")
    func memory() async throws {
        let model = FakeModel()
        let runner = BatchRunner(threads: 2, model.steps)
        let task = Task {
            try await runner.embed(
                texts(String(repeating: "a", count: 10_000), tokens: 64), as: .passage, priority: .background)
        }
        await model.entered(2)
        #expect(model.prepared == 2 * BatchRunner.backgroundTokens / 64)
        #expect(runner.load.waiting == 10_000 - model.prepared)
        model.open()
        let result = try await task.value
        #expect(result.vectors.count == 10_000 && model.batches.allSatisfy { $0.count <= 8 })
        #expect(runner.load.texts == 10_000 && runner.load.tokens == 640_000)
    }

    @Test("takes a text of more tokens than a batch, and never more of them than one too many")
    func budget() async throws {
        let model = FakeModel()
        let runner = BatchRunner(threads: 1, model.steps)
        model.open()
        let long = texts("a", tokens: 5_000) + texts("b", tokens: 511) + texts("c", tokens: 300)
        let mixed = long + texts("d", tokens: 1)
        let result = try await runner.embed(mixed, as: .passage, priority: .background)
        #expect(result.tokenCounts == [5_000, 511, 300, 1])
        #expect(model.batches == ["a", "bc", "d"])
    }

    @Test("gives up what was cancelled at the end of the batch under way")
    func cancellation() async throws {
        let model = FakeModel()
        let runner = BatchRunner(threads: 1, model.steps)
        let task = Task {
            try await runner.embed(
                texts(String(repeating: "a", count: 100), tokens: 300), as: .passage, priority: .background)
        }
        await model.entered(1)
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(runner.load.waiting == 0)
        model.open()
        _ = try await runner.embed(texts("b", tokens: 1), as: .passage, priority: .background)
        #expect(model.batches == ["aa", "b"])
    }

    @Test("lets a text that cannot be prepared fail its caller alone, and a batch that fails its own callers")
    func errors() async throws {
        let model = FakeModel()
        let runner = BatchRunner(threads: 1, model.steps)
        let first = Task { try await runner.embed(texts("a", tokens: 9), as: .passage, priority: .background) }
        await model.entered(1)
        let unfit = Task { try await runner.embed([.tokens([1])], as: .passage, priority: .background) }
        await waiting(1, in: runner)
        let failing = Task { try await runner.embed(texts("!", tokens: 600), as: .passage, priority: .background) }
        await waiting(2, in: runner)
        let last = Task { try await runner.embed(texts("z", tokens: 9), as: .passage, priority: .background) }
        await waiting(3, in: runner)
        model.open()
        await #expect(throws: FakeModel.Failure.self) { try await unfit.value }
        await #expect(throws: FakeModel.Failure.self) { try await failing.value }
        #expect(try await first.value.vectors.count == 1)
        #expect(try await last.value.vectors.count == 1)
    }

    @Test("ends its work and then goes, when nobody else holds it any more")
    func release() async throws {
        let model = FakeModel()
        var runner: BatchRunner? = BatchRunner(threads: 2, model.steps)
        weak let held = runner
        let task = Task { [runner] in
            try await runner?.embed(texts("abc", tokens: 600), as: .passage, priority: .background)
        }
        await model.entered(2)
        runner = nil
        model.open()
        #expect(try await task.value?.vectors.count == 3)
        while held != nil { await Task.yield() }
    }

    /// Texts named by letters, each of so many tokens.
    private func texts(_ names: String, tokens: Int) -> [EmbeddingInput] {
        names.map { .text("\($0)\(tokens)") }
    }

    private func waiting(_ count: Int, in runner: BatchRunner) async {
        while runner.load.waiting != count { await Task.yield() }
    }
}

/// A model that records its batches, and stands still in each until it is told to go on.
private final class FakeModel: Sendable {
    struct Failure: Error {}

    private let log = Mutex((batches: [String](), prepared: 0))
    private let gate = DispatchSemaphore(value: 0)
    private let begun = Atomic(0)
    /// Whether batches that come now pass without waiting.
    let gateIsOpen = Atomic(false)

    /// The names of the texts of every batch that ended, or that passed.
    var batches: [String] { log.withLock { $0.batches } }
    var prepared: Int { log.withLock { $0.prepared } }

    var steps: BatchRunner.Steps {
        BatchRunner.Steps(prepare: { try self.prepare($0.input) }, encode: { try self.encode($0) })
    }

    /// Waits until so many batches have begun.
    func entered(_ count: Int) async {
        while begun.load(ordering: .sequentiallyConsistent) < count { await Task.yield() }
    }

    func release(_ count: Int) {
        for _ in 0..<count { gate.signal() }
    }

    func open() {
        gateIsOpen.store(true, ordering: .sequentiallyConsistent)
        release(16)
    }

    /// `x12` is twelve times the code of x.
    private func prepare(_ input: EmbeddingInput) throws -> BatchRunner.Prepared {
        guard case .text(let text) = input, let name = text.utf8.first, let count = Int(text.dropFirst()) else {
            throw Failure()
        }
        log.withLock { $0.prepared += 1 }
        return BatchRunner.Prepared(ids: [Int32](repeating: Int32(name), count: count), isCut: false)
    }

    private func encode(_ texts: [[Int32]]) throws -> [[Float]] {
        begun.add(1, ordering: .sequentiallyConsistent)
        if !gateIsOpen.load(ordering: .sequentiallyConsistent) { gate.wait() }
        let names = texts.map { String(UnicodeScalar(UInt8($0[0]))) }.joined()
        log.withLock { $0.batches.append(names) }
        if names.contains("!") { throw Failure() }
        return texts.map { [Float($0[0]), Float($0.count)] }
    }
}
