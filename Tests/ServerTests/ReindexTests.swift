import Foundation
import HTTPTypes
import Synchronization
import TestSupport
import Testing

@testable import Knowledge
@testable import Server
@testable import Service
@testable import almanac

@Suite("Another embedding model or chunking", .timeLimit(.minutes(2)))
struct ReindexTests {
    /// Vectors that have nothing to do with those of `WordEmbedder`, made when the gate is open.
    private final class Mirror: Embedder, Sendable {
        private struct State {
            var isOpen = false
            var waiting: [AsyncStream<Void>.Continuation] = []
            var passages = 0
        }

        let model = EmbeddingModel(name: "mirror", dimension: 256, maxTokens: 64, fingerprint: "mirror-1")
        private let words = WordEmbedder()
        private let state = Mutex(State())

        var passages: Int { state.withLock { $0.passages } }
        func count(_ text: Substring) -> Int { words.count(text) }

        func open() {
            for waiting in state.withLock({ state in
                state.isOpen = true
                return state.waiting
            }) { waiting.finish() }
        }

        func embed(
            _ inputs: [EmbeddingInput], as role: EmbeddingRole, priority: Workers.Priority
        ) async throws -> Embeddings {
            if role == .passage {
                let (stream, continuation) = AsyncStream<Void>.makeStream()
                let isOpen = state.withLock { state in
                    state.passages += inputs.count
                    state.waiting.append(continuation)
                    return state.isOpen
                }
                if !isOpen { for await _ in stream {} }
                try Task.checkCancellation()
            }
            var embeddings = try await words.embed(inputs, as: role, priority: priority)
            embeddings.vectors = embeddings.vectors.map { $0.reversed() }
            return embeddings
        }
    }

    private static let wells = (
        name: "well.txt", text: "The well in the court is forty feet deep. Its water is cold in summer."
    )

    /// The best hit of a search by meaning.
    private func best(_ query: String, in base: String, _ server: TestServer) async throws -> JSONValue? {
        let page = try await server.post(
            "/v1/vector_stores/\(base)/search",
            ["query": .string(query), "ranking_options": ["mode": "dense"], "max_num_results": 1])
        #expect(page.status == 200, "\(page.body)")
        return page.json["data"]?.array?.first
    }

    private func ended(_ job: String, _ server: TestServer) async throws -> JSONValue {
        #expect(try await server.get("/api/v1/jobs/\(job)/events").status == 200)
        return try await server.get("/api/v1/jobs/\(job)").json
    }

    @Test("comes in the background: what there was answers until the change, and again after a roll-back")
    func changesModel() async throws {
        let mirror = Mirror()
        let embedders = Embedders(standard: WordEmbedder(), others: [mirror])
        try await TestServer.run(embedders: embedders) { server in
            let base = try await server.knowledgeBase([ChatTests.mill, ChatTests.light])
            let path = "/api/v1/knowledgebases/\(base)"
            let before = try #require(try await best("mill grinds rye", in: base, server))
            let changing = try await server.send(.put, path, #"{"title": "New", "embedding_model": "mirror"}"#)
            #expect(changing.status == 200 && changing.json["title"] == "New")
            #expect(changing.json["embedding_model"] == "words")
            let job = try #require(changing.json["reindexing"]?["job_id"]?.string)
            #expect(changing.json["reindexing"]?["embedding_model"] == "mirror")
            while mirror.passages == 0 { await Task.yield() }

            // Meanwhile: the same answers, and documents come and go.
            #expect(try await best("mill grinds rye", in: base, server) == before)
            let file = try await server.upload(Self.wells.name, Self.wells.text).json["id"] ?? .null
            _ = try await server.post("/v1/vector_stores/\(base)/files", ["file_id": file])
            while try await best("cold water", in: base, server)?["filename"] != "well.txt" { await Task.yield() }
            let third = #"{"chunking_strategy": {"type": "static", "static": {"max_chunk_size_tokens": 100}}}"#
            let other = try await server.send(.put, path, third)
            #expect(other.status == 409)
            let again = try await server.send(.put, path, #"{"embedding_model": "mirror"}"#)
            #expect(again.json["reindexing"]?["job_id"]?.string == job)
            #expect(try await server.send(.put, path, #"{"embedding_model": "words"}"#).status == 200)
            #expect(try await server.get("/v1/vector_stores/\(base)").json["reindexing"]?["status"] == "running")

            mirror.open()
            let done = try await ended(job, server)
            #expect(done["status"] == "completed" && done["kind"] == "reindex" && done["document_id"] == .null)
            #expect(done["progress"]?["documents"] == ["total": 3, "done": 3])
            let now = try await server.get(path).json
            #expect(now["embedding_model"] == "mirror" && now["reindexing"] == .null)
            #expect(now["former_index"]?["embedding_model"] == "words")
            // The vectors of one model are nothing to the other's questions: a mix would find by chance.
            #expect(try await best("mill grinds rye", in: base, server)?["score"] == before["score"])
            #expect(try await best("cold water", in: base, server)?["filename"] == "well.txt")
            #expect(try await server.ask("How deep is the well?", ["knowledgebase_ids": [.string(base)]]).status == 200)

            let back = try await server.post(path + "/rollback", [:])
            #expect(back.status == 202)
            _ = try await ended(try #require(back.json["reindexing"]?["job_id"]?.string), server)
            #expect(try await server.get(path).json["embedding_model"] == "words")
            #expect(try await best("mill grinds rye", in: base, server) == before)
            #expect(try await best("cold water", in: base, server)?["filename"] == "well.txt")
        }
    }

    @Test("costs no embedding where a chunk stays the same, and gives what a new knowledge base would have")
    func changesChunking() async throws {
        try await TestServer.run { server in
            let text = (0..<40).map { "# Part \($0)\n\nThe room number \($0) has \($0 + 2) windows and a door of oak.\n" }
            let documents = [("rooms.md", text.joined(separator: "\n")), ("one.md", "Just one line.")]
            let base = try await server.knowledgeBase(documents)
            var strategy: JSONValue = .null
            for overlap in [0, 20] {
                let windows: JSONValue = ["max_chunk_size_tokens": 100, "chunk_overlap_tokens": .integer(overlap)]
                strategy = ["type": "static", "static": windows]
                let changing = try await server.post("/v1/vector_stores/\(base)", ["chunking_strategy": strategy])
                let job = try await ended(try #require(changing.json["reindexing"]?["job_id"]?.string), server)
                #expect(job["status"] == "completed", "\(job)")
                let chunks = job["progress"]?["chunks"]
                // The one line stays as it is when only the overlap changes.
                #expect(chunks?["done"] == chunks?["total"])
                #expect(((chunks?["reused"]?.integer ?? 0) > 0) == (overlap > 0), "\(job)")
            }

            let made = try await server.post("/v1/vector_stores", ["name": "fresh", "chunking_strategy": strategy])
            let fresh = made.json["id"]?.string ?? ""
            for file in try await server.get("/v1/vector_stores/\(base)/files?order=asc").json["data"]?.array ?? [] {
                #expect(file["chunking_strategy"] == strategy)
                _ = try await server.post("/v1/vector_stores/\(fresh)/files", ["file_id": file["id"] ?? .null])
            }
            while try await server.get("/v1/vector_stores/\(fresh)").json["status"] == "in_progress" { await Task.yield() }
            func bytes(_ base: String) async throws -> JSONValue? {
                try await server.get("/v1/vector_stores/\(base)").json["usage_bytes"]
            }
            #expect(try await bytes(fresh) == bytes(base))
            for query in ["room number 7", "windows", "door of oak", "Part 12"] {
                func hits(_ base: String) async throws -> [JSONValue] {
                    let page = try await server.post(
                        "/v1/vector_stores/\(base)/search", ["query": .string(query), "max_num_results": 50])
                    return (page.json["data"]?.array ?? []).map { hit in
                        var fields = hit.object ?? [:]
                        fields["document_id"] = nil
                        return .object(fields)
                    }
                }
                #expect(try await hits(base) == hits(fresh))
            }
        }
    }

    @Test("is cancelled like any job, is refused where there is no such model, and goes back nowhere from nowhere")
    func refusals() async throws {
        let mirror = Mirror()
        try await TestServer.run(embedders: Embedders(standard: WordEmbedder(), others: [mirror])) { server in
            let base = try await server.knowledgeBase([ChatTests.mill])
            let path = "/api/v1/knowledgebases/\(base)"
            #expect(try await server.post(path + "/rollback", [:]).status == 409)
            #expect(try await server.send(.put, path, #"{"embedding_model": "none"}"#).status == 404)
            let changing = try await server.send(.put, path, #"{"embedding_model": "mirror"}"#).json
            let job = try #require(changing["reindexing"]?["job_id"]?.string)
            #expect(try await server.send(.post, "/api/v1/jobs/\(job)/cancel").json["status"] == "cancelled")
            let now = try await server.get(path).json
            #expect(now["reindexing"] == .null && now["former_index"] == .null && now["embedding_model"] == "words")
            #expect(try await server.send(.post, "/api/v1/jobs/\(job)/retry").status == 409)
            #expect(try await best("mill grinds rye", in: base, server) != nil)
        }
    }
}
