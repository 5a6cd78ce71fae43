import Foundation
import Storage
import Synchronization
import TestSupport
import Testing

@testable import Knowledge
@testable import Service

@Suite("A batch of requests", .timeLimit(.minutes(5)))
struct BatchTests {
    private static let scope = Scope(tenant: TenantID(rawValue: "acme"), role: .user)

    /// Answers with the statuses it was told, one after the other and then always 200, and counts who asks at a time.
    private final class Performer: RequestPerformer, Sendable {
        private struct State {
            var statuses: [Int]
            var asked: [String] = []
            var underWay = 0
            var most = 0
        }

        private let state: Mutex<State>
        private let fails: Bool

        /// - Parameter fails: Whether every request throws, as in a task that is cancelled.
        init(_ statuses: [Int] = [], fails: Bool = false) {
            state = Mutex(State(statuses: statuses))
            self.fails = fails
        }

        var asked: [String] { state.withLock { $0.asked } }
        var most: Int { state.withLock { $0.most } }

        func perform(
            _ body: JSONValue, at endpoint: RequestBatch.Endpoint, in scope: Scope
        ) async throws -> PerformedRequest {
            if fails { throw CancellationError() }
            let status = state.withLock { state in
                state.asked.append(body["input"]?.string ?? "")
                state.underWay += 1
                state.most = max(state.most, state.underWay)
                return state.statuses.isEmpty ? 200 : state.statuses.removeFirst()
            }
            for _ in 0..<20 { await Task.yield() }
            state.withLock { $0.underWay -= 1 }
            return PerformedRequest(status: status, requestID: "req_1", body: ["usage": ["input_tokens": 1]])
        }
    }

    /// A database with one batch of these lines.
    private struct World {
        let directory: TemporaryDirectory
        let database: Storage.Database
        let batch: RequestBatch
        let pauses = Pauses()

        final class Pauses: Sendable {
            private let noted = Mutex<[Double]>([])
            var seconds: [Double] { noted.withLock { $0 } }
            func note(_ seconds: Double) { noted.withLock { $0.append(seconds) } }
        }

        init(_ text: String, expiresAt: Date? = nil) async throws {
            directory = try TemporaryDirectory()
            database = try Storage.Database.open(directory: directory.path)
            let upload = try await database.beginUpload()
            try await upload.append(Array(text.utf8))
            let file = try await database.admit(upload, name: "in.jsonl", purpose: "batch", in: BatchTests.scope)
            batch = RequestBatch(
                tenant: BatchTests.scope.tenant, endpoint: .embeddings, inputFile: file.id, createdAt: Date(),
                expiresAt: expiresAt)
            try await database.add(batch, in: BatchTests.scope)
        }

        func work(_ performer: Performer) async throws -> RequestBatch {
            let pauses = pauses
            var work = WorkOffBatch(
                queue: database, files: database, performer: performer, workers: Workers(count: 1, name: "batch"))
            work.pause = { pauses.note($0) }
            try await work(batch)
            return try await database.requestBatch(batch.id, in: BatchTests.scope)
        }

        func lines(_ file: FileID?) async throws -> [JSONValue] {
            guard let file else { return [] }
            let reading = try await database.open(file, in: BatchTests.scope)
            var content = Data()
            while let piece = try await reading.next() { content += piece }
            return try content.split(separator: UInt8(ascii: "\n")).map { try JSONValue(json: Data($0)) }
        }
    }

    private static func lines(_ count: Int) -> String {
        (1...count).map {
            #"{"custom_id": "\#($0)", "method": "POST", "url": "/v1/embeddings", "body": {"input": "\#($0)"}}"# + "\n"
        }.joined()
    }

    @Test("answers every line once, at most eight at a time")
    func answersAll() async throws {
        let world = try await World(Self.lines(30))
        let performer = Performer()
        let batch = try await world.work(performer)
        #expect(batch.status == .completed)
        #expect(Set(performer.asked) == Set((1...30).map(String.init)) && performer.asked.count == 30)
        #expect((2...8).contains(performer.most))
        let output = try await world.lines(batch.outputFile)
        #expect(output.compactMap { $0["custom_id"]?.string } == (1...30).map(String.init))
        #expect(batch.usage == TokenUsage(prompt: 30, completion: 0))
    }

    @Test("asks again, after longer and longer, where a model has too much to do")
    func triesAgain() async throws {
        let world = try await World(Self.lines(1))
        let batch = try await world.work(Performer([429, 503, 502]))
        #expect(batch.counts == RequestBatch.Counts(total: 1, completed: 1))
        #expect(world.pauses.seconds.count == 3 && world.pauses.seconds.allSatisfy { (5...40).contains($0) })
    }

    @Test("gives a line up after eight tries, and at once where trying again would not help", arguments: [429, 400])
    func givesUp(status: Int) async throws {
        let world = try await World(Self.lines(1))
        let performer = Performer(Array(repeating: status, count: 20))
        let batch = try await world.work(performer)
        #expect(performer.asked.count == (status == 429 ? 8 : 1))
        #expect(batch.counts == RequestBatch.Counts(total: 1, failed: 1) && batch.status == .completed)
        #expect(try await world.lines(batch.errorFile).first?["response"]?["status_code"] == .integer(status))
    }

    @Test("goes on where an earlier run ended, without asking for what is done")
    func goesOn() async throws {
        let world = try await World(Self.lines(3))
        try await world.database.advance(world.batch.id, to: .inProgress, total: 3)
        try await world.database.keep(
            RequestResult(line: 2, isSuccess: true, reply: Data(#"{"custom_id":"2"}"#.utf8)), of: world.batch.id)
        let performer = Performer()
        let batch = try await world.work(performer)
        #expect(Set(performer.asked) == ["1", "3"])
        #expect(try await world.lines(batch.outputFile).compactMap { $0["custom_id"]?.string } == ["1", "2", "3"])
    }

    @Test("ends when its time is over, and says of which lines")
    func expires() async throws {
        let world = try await World(Self.lines(3), expiresAt: Date(timeIntervalSinceNow: -1))
        try await world.database.advance(world.batch.id, to: .inProgress, total: 3)
        try await world.database.keep(
            RequestResult(line: 2, isSuccess: true, reply: Data(#"{"custom_id":"2"}"#.utf8)), of: world.batch.id)
        let performer = Performer()
        let batch = try await world.work(performer)
        #expect(batch.status == .expired && performer.asked.isEmpty)
        #expect(try await world.lines(batch.outputFile).compactMap { $0["custom_id"]?.string } == ["2"])
        let errors = try await world.lines(batch.errorFile)
        #expect(errors.compactMap { $0["custom_id"]?.string } == ["1", "3"])
        #expect(errors.allSatisfy { $0["error"]?["code"] == "batch_expired" && $0["response"] == .null })
    }

    @Test("that the process died over three times in a row is given up")
    func givesUpDeadly() async throws {
        let world = try await World(Self.lines(2))
        try await world.database.advance(world.batch.id, to: .inProgress, total: 2)
        for _ in 1...3 { _ = try await world.database.beginWork(on: world.batch.id) }
        let performer = Performer()
        let batch = try await world.work(performer)
        #expect(batch.status == .failed && batch.problems.first?.code == "server_error" && performer.asked.isEmpty)
        let errors = try await world.lines(batch.errorFile)
        #expect(errors.map { $0["error"]?["code"] } == ["batch_failed", "batch_failed"])
    }

    @Test("that was given up by a process that lives on is taken up again, however often")
    func livesOn() async throws {
        let world = try await World(Self.lines(1))
        for _ in 1...5 {
            await #expect(throws: CancellationError.self) { _ = try await world.work(Performer(fails: true)) }
        }
        #expect(try await world.work(Performer()).status == .completed)
    }

    @Test("is read line by line, however the lines lie in what is read at a time")
    func readsLines() async throws {
        var random = SystemRandomNumberGenerator()
        let lengths = [0, 1, 40, 70_000, 1 << 20, (1 << 20) - 1]
        let lines = (0..<12).map { _ in
            String(repeating: "x", count: lengths.randomElement(using: &random) ?? 0)
        }
        for ending in ["", "\n", "\r\n \n"] {
            let world = try await World(lines.joined(separator: "\n") + ending)
            var input = BatchInput(world.batch, queue: world.database)
            var read: [Int: Int] = [:]
            while let (number, bytes) = try await input.next() {
                read[number] = bytes.split(separator: UInt8(ascii: "\r")).first?.count
            }
            let expected = lines.enumerated().filter { !$1.isEmpty }.map { ($0 + 1, $1.utf8.count) }
            #expect(read == Dictionary(uniqueKeysWithValues: expected))
        }
    }

    @Test("waits for those of tenants that have fewer at work, but never to be ended")
    func fairness() {
        func batch(_ id: String, _ tenant: String, _ status: RequestBatch.Status = .inProgress) -> RequestBatch {
            RequestBatch(
                id: RequestBatchID(rawValue: id), tenant: TenantID(rawValue: tenant), endpoint: .chat,
                inputFile: .random(), status: status, createdAt: Date())
        }
        let running = RunningBatches()
        var all = [
            batch("a1", "a"), batch("a2", "a"), batch("a3", "a"), batch("b1", "b"), batch("a4", "a", .cancelling),
        ]
        func next() -> [String] {
            let chosen = running.next(of: all, width: 2)
            for batch in chosen { _ = running.begin(batch) }
            return chosen.map(\.id.rawValue)
        }
        #expect(next() == ["a4", "a1", "b1"])
        #expect(next().isEmpty)
        for id in ["a4", "a1"] { running.end(RequestBatchID(rawValue: id)) }
        all.removeAll { $0.id.rawValue == "a4" || $0.id.rawValue == "a1" }
        #expect(next() == ["a2"])
    }
}
