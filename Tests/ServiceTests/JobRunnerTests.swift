import Documents
import Foundation
import Logging
import Synchronization
import TestSupport
import Testing

@testable import Knowledge
@testable import Service

@Suite("The job runner", .timeLimit(.minutes(1)))
struct JobRunnerTests {
    /// A queue in memory that tells what became of each job.
    private final class Queue: JobStore, ReindexStore, Sendable {
        enum Outcome: Equatable, Sendable {
            case completed(chunks: Int), failed(DocumentFailure.Reason), retried(attempt: Int)
        }

        private struct State {
            var waiting: [JobLease]
            var contents: [DocumentID: Data]
        }

        private let state: Mutex<State>
        let outcomes: AsyncStream<Outcome>
        private let report: AsyncStream<Outcome>.Continuation

        init(_ files: [(name: String, content: String)], embedding: EmbeddingModel = WordEmbedder().model) {
            var state = State(waiting: [], contents: [:])
            for file in files {
                let document = DocumentID.random()
                let job = Job(
                    tenant: TenantID(rawValue: "t"), knowledgeBase: .random(), document: document, createdAt: Date())
                let stored = StoredFile(
                    name: file.name, bytes: file.content.utf8.count, sha256: "", purpose: "assistants", createdAt: Date())
                state.waiting.append(
                    JobLease(job: job, token: "t", file: stored, chunking: .structured, embedding: embedding))
                state.contents[document] = Data(file.content.utf8)
            }
            self.state = Mutex(state)
            (outcomes, report) = AsyncStream.makeStream()
        }

        func claim(at time: Date) async throws -> JobLease? {
            state.withLock { state in
                guard !state.waiting.isEmpty else { return nil }
                var lease = state.waiting.removeFirst()
                lease.job.attempts += 1
                return lease
            }
        }

        func complete(_ lease: JobLease, with content: IndexedContent) async throws -> Bool {
            report.yield(.completed(chunks: content.chunks.count))
            return true
        }

        func fail(_ lease: JobLease, _ failure: DocumentFailure) async throws -> Bool {
            report.yield(.failed(failure.reason))
            return true
        }

        /// Due again at once, whatever was asked: these tests do not wait.
        func retry(_ lease: JobLease, notBefore time: Date, message: String) async throws -> Bool {
            state.withLock { $0.waiting.append(lease) }
            report.yield(.retried(attempt: lease.job.attempts))
            return true
        }

        /// No more outcomes.
        func end() { report.finish() }

        /// Whether every job was claimed.
        var isDrained: Bool { state.withLock { $0.waiting.isEmpty } }

        func content(_ lease: JobLease) async throws -> Data { state.withLock { $0.contents[lease.job.document] ?? Data() } }
        func job(_ id: JobID, in scope: Scope) async throws -> Job { throw CancellationError() }
        func jobs(status: Job.Status?, page: Page, in scope: Scope) async throws -> Listing<Job> {
            Listing(elements: [], hasMore: false)
        }
        func renew(_ lease: JobLease, at time: Date, progress: JobProgress) async throws -> Bool { true }
        func vectors(of chunks: [Chunk], for lease: JobLease) async throws -> [[Float]?] { chunks.map { _ in nil } }
        func stage(
            _ vectors: [[Float]], of chunks: [Chunk], for lease: JobLease, at time: Date, progress: JobProgress
        ) async throws -> Bool { true }
        func cancel(_ id: JobID, in scope: Scope) async throws -> Job { throw CancellationError() }
        func requeue(_ id: JobID, in scope: Scope) async throws -> Job { throw CancellationError() }
        func reindex(_ id: KnowledgeBaseID, with settings: IndexSettings, in scope: Scope) async throws -> KnowledgeBase {
            throw CancellationError()
        }
        func documents(lackingIn lease: JobLease, after revision: Int64, limit: Int) async throws -> ReindexStep? { nil }
        func keep(
            _ contents: [(document: DocumentID, content: IndexedContent)], for lease: JobLease, at time: Date,
            progress: JobProgress
        ) async throws -> Bool { false }
        func changeOver(_ lease: JobLease) async throws -> ChangeOver { .lost }
        func discardGenerations(expiredAt time: Date) async throws {}
    }

    private struct NoIndex: PassageIndex {
        func search(_ search: NeighbourSearch) async throws -> FoundNeighbours { throw CancellationError() }
        func similarities(
            of places: [ChunkPlace], to query: [Float], precision: NeighbourSearch.Precision
        ) async throws -> [Neighbour] { [] }
        func forget(_ base: KnowledgeBaseID) {}
    }

    /// Fails as told, for good or until it is cancelled.
    private struct BrokenEmbedder: Embedder {
        let model = WordEmbedder().model
        var error: (any Error & Sendable)?

        func count(_ text: Substring) -> Int { WordEmbedder().count(text) }
        func embed(
            _ inputs: [EmbeddingInput], as role: EmbeddingRole, priority: Workers.Priority
        ) async throws -> Embeddings {
            if let error { throw error }
            for await _ in AsyncStream<Void>.makeStream().stream {}
            throw CancellationError()
        }
    }

    private func runner(_ queue: Queue, _ embedder: any Embedder = WordEmbedder()) -> JobRunner {
        let workers = Workers(count: 1, name: "test")
        let (reader, embedders) = (InProcessReader(workers: workers), Embedders(standard: embedder))
        let reindex = ReindexKnowledgeBase(
            store: queue, jobs: queue, reader: reader, embedders: embedders, index: NoIndex(), workers: workers)
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return JobRunner(
            jobs: queue, ingest: IngestDocument(reader: reader, embedders: embedders, workers: workers), reindex: reindex,
            running: RunningJobs(), wakeUp: WakeUp(), width: 2, logger: logger)
    }

    /// What became of the jobs, as many outcomes as asked for.
    private func outcomes(_ count: Int, of queue: Queue, _ embedder: any Embedder = WordEmbedder()) async
        -> [Queue.Outcome]
    {
        let runner = runner(queue, embedder)
        return await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await runner.run() }
            var seen: [Queue.Outcome] = []
            for await outcome in queue.outcomes.prefix(count) { seen.append(outcome) }
            group.cancelAll()
            return seen
        }
    }

    @Test("indexes what it can and fails what it cannot, each by itself")
    func mixed() async throws {
        let queue = Queue([("a.md", "# A\n\nSome text."), ("b.txt", "   "), ("c.bin", "\u{7F}ELF\u{2}"), ("d.txt", "More.")])
        let outcomes = await outcomes(4, of: queue)
        #expect(outcomes.count { $0 == .completed(chunks: 1) } == 2)
        #expect(outcomes.contains(.failed(.empty)))
        #expect(outcomes.contains(.failed(.unsupportedType)))
    }

    @Test("tries again what no reason is known for, five times in all, and then gives it up")
    func unknownReason() async throws {
        struct Failure: Error {}
        let outcomes = await outcomes(5, of: Queue([("a.txt", "Text.")]), BrokenEmbedder(error: Failure()))
        #expect(outcomes == (1...4).map { .retried(attempt: $0) } + [.failed(.internalError)])
    }

    @Test("waits for an embedding server that is away for a day of tries")
    func outage() async throws {
        let broken = BrokenEmbedder(error: UpstreamError.failed(provider: "p", status: 503))
        let outcomes = await outcomes(130, of: Queue([("a.txt", "Text.")]), broken)
        #expect(outcomes == (1...129).map { .retried(attempt: $0) } + [.failed(.embeddingFailed)])
    }

    @Test(
        "does not wait for an embedding server that will not do it",
        arguments: [
            UpstreamError.unauthorized(provider: "p"), .garbage(provider: "p", reason: "no JSON"),
            .rejected(provider: "p", status: 400, message: "no"),
        ])
    func refusal(error: UpstreamError) async throws {
        let outcomes = await outcomes(5, of: Queue([("a.txt", "Text.")]), BrokenEmbedder(error: error))
        #expect(outcomes == (1...4).map { .retried(attempt: $0) } + [.failed(.embeddingFailed)])
    }

    @Test("leaves a job that it is stopped in for the next start")
    func interrupted() async throws {
        let queue = Queue([("a.txt", "Text.")])
        let runner = runner(queue, BrokenEmbedder(error: nil))
        await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await runner.run() }
            while !queue.isDrained { await Task.yield() }
            group.cancelAll()
        }
        queue.end()
        for await outcome in queue.outcomes { Issue.record("\(outcome)") }
    }

    @Test("does not touch a knowledge base that another version of its model has made")
    func foreignModel() async throws {
        let queue = Queue([("a.txt", "Text.")], embedding: WordEmbedder(fingerprint: "words-2").model)
        let outcomes = await outcomes(5, of: queue)
        #expect(outcomes.last == .failed(.embeddingFailed))
    }
}
