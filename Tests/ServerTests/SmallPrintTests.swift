import Foundation
import Hummingbird
import Testing

@testable import Knowledge
@testable import Server
@testable import almanac

@Suite("The small print of OpenAI's API", .timeLimit(.minutes(2)))
struct SmallPrintTests {
    private func id(_ answer: TestServer.Answer) throws -> String { try #require(answer.json["id"]?.string) }

    @Test("lets a client delete what it lists while it lists, and refuses cursors that never were")
    func deletingWhileListing() async throws {
        try await TestServer.run { server in
            for number in 0..<7 { _ = try await server.post("/v1/vector_stores", ["name": .string("\(number)")]) }
            var (after, deleted) = ("", 0)
            while true {
                let page = try await server.get("/v1/vector_stores?limit=3\(after)").json
                for store in page["data"]?.array ?? [] {
                    let answer = try await server.delete("/v1/vector_stores/\(store["id"]?.string ?? "")")
                    #expect(answer.status == 200)
                    deleted += 1
                }
                guard page["has_more"] == true, let last = page["last_id"]?.string else { break }
                after = "&after=\(last)"
            }
            #expect(deleted == 7)
            for name in ["after", "before"] {
                let answer = try await server.get("/v1/vector_stores?\(name)=vs_none")
                #expect(answer.status == 400 && answer.error?["param"] == .string(name))
            }
        }
    }

    @Test("sends a large file as it came, with its length")
    func contents() async throws {
        try await TestServer.run { server in
            let text = String(repeating: "All work and no play. ", count: 30_000)
            let file = try id(await server.upload("long.txt", text))
            let answer = try await server.get("/v1/files/\(file)/content")
            #expect(answer.status == 200 && answer.body == text)
            #expect(answer.headers[.contentLength] == "\(text.utf8.count)")
        }
    }

    @Test("refuses files that nobody has where a search or an answer is to keep to them")
    func unknownFiles() async throws {
        try await TestServer.run { server in
            let base = try await server.knowledgeBase([("a.md", "The mill was built in 1820.")])
            let file = try id(await server.upload("b.md", "Elsewhere."))
            let search = try await server.post(
                "/v1/vector_stores/\(base)/search", ["query": "mill", "file_ids": [.string(file), "file-none"]])
            #expect(search.status == 404 && search.error?["param"] == "file_ids[1]")
            let answer = try await server.ask(
                "When was the mill built?", ["knowledgebase_ids": [.string(base)], "file_ids": ["file-none"]])
            #expect(answer.status == 404 && answer.error?["param"] == "alan.file_ids[0]")
        }
    }

    @Test("leaves a batch of files that has ended as it is when it is cancelled")
    func endedBatches() async throws {
        try await TestServer.run { server in
            let base = try await server.knowledgeBase([])
            let file = try id(await server.upload("a.md", "The mill was built in 1820."))
            let batches = "/v1/vector_stores/\(base)/file_batches"
            let batch = try id(await server.post(batches, ["file_ids": [.string(file)]]))
            while try await server.get("\(batches)/\(batch)").json["status"] == "in_progress" { await Task.yield() }
            let cancelled = try await server.post("\(batches)/\(batch)/cancel", [:])
            #expect(cancelled.status == 200 && cancelled.json["status"] == "completed")
            #expect(try await server.get("\(batches)/\(batch)").json["status"] == "completed")
        }
    }

    @Test("embeds up to 8,192 tokens an input and 300,000 a request, and says which input has more")
    func embeddingLimits() async throws {
        try await TestServer.run { server in
            // Words of one letter are a token each to the embedder of these tests.
            func text(_ tokens: Int) -> JSONValue { .string(String(repeating: "a ", count: tokens)) }
            func ids(_ count: Int) -> JSONValue { .array(Array(repeating: 97, count: count)) }
            for (input, place) in [
                (text(8_192), nil), (ids(8_192), nil), (text(8_193), "input"), (ids(8_193), "input"),
                (["a", ids(8_193)], "input[1]"), (["a", "b", text(8_193)], "input[2]"),
                (.array(Array(repeating: text(8_000), count: 37)), nil),
                (.array(Array(repeating: text(8_000), count: 38)), "input"),
            ] as [(JSONValue, String?)] {
                let answer = try await server.post("/v1/embeddings", ["input": input])
                #expect(answer.status == (place == nil ? 200 : 400))
                #expect(answer.error?["param"] == place.map(JSONValue.string))
                if place != nil { #expect(answer.error?["code"] == "context_length_exceeded") }
            }
        }
    }

    @Test("counts of a response's prompt what the response itself is counted with")
    func inputTokens() async throws {
        try await TestServer.run { server in
            let base = try await server.knowledgeBase([("a.md", "# Mill\n\nThe mill was built in 1820 by Anna Berg.")])
            let tool: JSONValue = ["type": "file_search", "vector_store_ids": [.string(base)]]
            for body in [
                ["input": "When was the mill built?"],
                ["input": "When was the mill built?", "tools": [tool], "instructions": "Be brief."],
            ] as [JSONValue] {
                let count = try await server.post("/v1/responses/input_tokens", body).json
                let answer = try await server.post("/v1/responses", body).json
                #expect(count["object"] == "response.input_tokens" && count["input_tokens"]?.integer ?? 0 > 0)
                #expect(count["input_tokens"] == answer["usage"]?["input_tokens"])
            }
            let missing = try await server.post(
                "/v1/responses/input_tokens", ["input": "x", "previous_response_id": "resp_none"])
            #expect(missing.status == 404 && missing.error?["param"] == "previous_response_id")
        }
    }

    @Test("keeps what is to expire within OpenAI's limits, and says when it goes")
    func expiry() async throws {
        try await TestServer.run { server in
            func upload(_ seconds: String, _ anchor: String = "created_at") async throws -> TestServer.Answer {
                let fields = [("purpose", "assistants"), ("expires_after[anchor]", anchor), ("expires_after[seconds]", seconds)]
                let form = fields.map {
                    "--b\r\nContent-Disposition: form-data; name=\"\($0)\"\r\n\r\n\($1)\r\n"
                }.joined() + "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nx\r\n--b--\r\n"
                return try await server.send(.post, "/v1/files", form, type: "multipart/form-data; boundary=b")
            }
            let file = try await upload("3600").json
            #expect(file["expires_at"]?.integer == (file["created_at"]?.integer).map { $0 + 3_600 })
            for (seconds, anchor, place) in [
                ("3599", "created_at", "seconds"), ("2592001", "created_at", "seconds"), ("soon", "created_at", "seconds"),
                ("3600", "last_active_at", "anchor"),
            ] {
                let answer = try await upload(seconds, anchor)
                #expect(answer.status == 400 && answer.error?["param"] == .string("expires_after.\(place)"))
            }
            func rule(_ days: Int) -> JSONValue { ["anchor": "last_active_at", "days": .integer(days)] }
            let store = try await server.post("/v1/vector_stores", ["expires_after": rule(7)]).json
            #expect(store["expires_after"] == rule(7))
            #expect(store["expires_at"]?.integer == (store["last_active_at"]?.integer).map { $0 + 7 * 86_400 })
            let path = "/v1/vector_stores/\(store["id"]?.string ?? "")"
            #expect(try await server.post(path, ["name": "x"]).json["expires_after"] == rule(7))
            #expect(try await server.post(path, ["expires_after": .null]).json["expires_at"] == .null)
            for days in [0, 366] {
                let answer = try await server.post(path, ["expires_after": rule(days)])
                #expect(answer.status == 400 && answer.error?["param"] == "expires_after.days")
            }
            let batch = try await server.post(
                "/v1/batches",
                [
                    "input_file_id": "file-none", "endpoint": "/v1/embeddings", "completion_window": "24h",
                    "output_expires_after": ["anchor": "created_at", "seconds": 1],
                ])
            #expect(batch.status == 400 && batch.error?["param"] == "output_expires_after.seconds")
        }
    }

    @Test("takes the purposes and rankers that OpenAI names, and refuses others by name")
    func words() async throws {
        try await TestServer.run { server in
            for (purpose, status) in [
                ("assistants", 200), ("batch", 200), ("evals", 200), ("fine-tune", 200), ("user_data", 200),
                ("vision", 200), ("batch_output", 400), ("", 400), ("banana", 400),
            ] {
                let form =
                    "--b\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\n\(purpose)\r\n--b\r\n"
                    + "Content-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\nx\r\n--b--\r\n"
                let sent = try await server.send(.post, "/v1/files", form, type: "multipart/form-data; boundary=b")
                #expect(sent.status == status, "\(purpose)")
                let upload = try await server.post(
                    "/v1/uploads",
                    ["filename": "a", "bytes": 1, "mime_type": "text/plain", "purpose": .string(purpose)])
                #expect(upload.status == status, "\(purpose)")
                if status == 400 { #expect(sent.error?["param"] == "purpose" && upload.error?["param"] == "purpose") }
            }
            let base = try await server.knowledgeBase([("a.md", "The mill was built in 1820.")])
            for (ranker, status) in [("none", 200), ("auto", 200), ("default-2024-11-15", 200), ("banana", 400)] {
                let answer = try await server.post(
                    "/v1/vector_stores/\(base)/search",
                    ["query": "mill", "ranking_options": ["ranker": .string(ranker)]])
                #expect(answer.status == status, "\(ranker)")
            }
        }
    }

    @Test("refuses what is not here in a sentence that says what is")
    func refusals() async throws {
        try await TestServer.run { server in
            for path in [
                "responses/compact", "assistants", "threads/thread_1/runs", "conversations", "evals",
                "containers/c/files", "completion", "embedding", "infill",
            ] {
                let answer = try await server.post("/v1/\(path)", [:])
                let message = answer.error?["message"]?.string ?? ""
                #expect(answer.status == 404 && message.contains(" ") && message.hasSuffix("."), "\(path)")
                #expect(message.contains("'"), "\(path) names nothing to use instead")
            }
        }
    }
}
