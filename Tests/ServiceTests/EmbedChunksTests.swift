import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Knowledge
@testable import Service

@Suite("Embedding a document's chunks")
struct EmbedChunksTests {
    /// Knows the vectors of some chunks, and remembers which it is given.
    private final class Vectors: JobStore, Sendable {
        let known: Set<Int>
        private let kept = Mutex<[[Int]]>([])
        var pieces: [[Int]] { kept.withLock { $0 } }

        init(known: Set<Int>) { self.known = known }

        func vectors(of chunks: [Chunk], for lease: JobLease) async throws -> [[Float]?] {
            chunks.map { known.contains($0.bytes.lowerBound) ? [-1] : nil }
        }
        func stage(
            _ vectors: [[Float]], of chunks: [Chunk], for lease: JobLease, at time: Date, progress: JobProgress
        ) async throws -> Bool {
            #expect(vectors == chunks.map { [Float($0.bytes.lowerBound)] })
            kept.withLock { $0.append(chunks.map(\.bytes.lowerBound)) }
            return true
        }

        func renew(_ lease: JobLease, at time: Date, progress: JobProgress) async throws -> Bool { true }
        func claim(at time: Date) async throws -> JobLease? { nil }
        func complete(_ lease: JobLease, with content: IndexedContent) async throws -> Bool { true }
        func fail(_ lease: JobLease, _ failure: DocumentFailure) async throws -> Bool { true }
        func retry(_ lease: JobLease, notBefore time: Date, message: String) async throws -> Bool { true }
        func content(_ lease: JobLease) async throws -> Data { Data() }
        func job(_ id: JobID, in scope: Scope) async throws -> Job { throw CancellationError() }
        func jobs(status: Job.Status?, page: Page, in scope: Scope) async throws -> Listing<Job> {
            Listing(elements: [], hasMore: false)
        }
        func cancel(_ id: JobID, in scope: Scope) async throws -> Job { throw CancellationError() }
        func requeue(_ id: JobID, in scope: Scope) async throws -> Job { throw CancellationError() }
    }

    /// The vector of a chunk is its number, which is its text. Calls end in any order.
    private final class Numbers: Embedder {
        let model = WordEmbedder().model
        private let asked = Mutex<[Int]>([])
        var embedded: [Int] { asked.withLock { $0 } }

        func count(_ text: Substring) -> Int { 1 }

        func embed(
            _ inputs: [EmbeddingInput], as role: EmbeddingRole, priority: Workers.Priority
        ) async throws -> Embeddings {
            #expect(role == .passage && priority == .background)
            let numbers = inputs.compactMap { if case .text(let text) = $0 { Int(text) } else { nil } }
            asked.withLock { $0 += numbers }
            for _ in 0..<Int.random(in: 0...20) { await Task.yield() }
            var result = Embeddings(vectors: numbers.map { [Float($0)] }, tokenCounts: numbers.map { _ in 1 })
            result.cut = Set(numbers.indices.filter { numbers[$0].isMultiple(of: 10) })
            return result
        }
    }

    private func chunks(_ count: Int) -> [Chunk] {
        (0..<count).map { number in
            Chunk(
                bytes: number..<number + 1, characters: number..<number + 1, text: "\(number)", context: "", headingPath: [],
                tokenCount: 1)
        }
    }

    @Test(
        "makes every vector that is missing once, and keeps all but the last piece as they come",
        arguments: [0, 1, 8, 9, 100])
    func pieces(count: Int) async throws {
        let job = Job(
            tenant: TenantID(rawValue: "t"), knowledgeBase: .random(), document: .random(), status: .running,
            createdAt: Date())
        let file = StoredFile(name: "a.txt", bytes: 1, sha256: "", purpose: "assistants", createdAt: Date())
        let lease = JobLease(
            job: job, token: "t", file: file, chunking: .structured, embedding: WordEmbedder().model)
        let known = Set((0..<count).filter { $0 % 3 == 2 })
        let missing = (0..<count).filter { !known.contains($0) }
        let (store, embedder, run) = (Vectors(known: known), Numbers(), RunningJobs().begin(lease))
        run.foundChunks(count, pages: nil)
        let vectors = try await EmbedChunks(embedder: embedder, jobs: store, run: run, atOnce: 8)(chunks(count))
        #expect(vectors == (0..<count).map { [known.contains($0) ? -1 : Float($0)] })
        #expect(embedder.embedded.sorted() == missing)
        let isOnePiece = missing.count <= 8
        #expect(store.pieces.count == (isOnePiece ? 0 : (missing.count + 7) / 8 - 1))
        #expect(run.progress.done == known.count + store.pieces.joined().count)
        #expect(run.cutChunks == missing.count { $0.isMultiple(of: 10) })
    }
}
