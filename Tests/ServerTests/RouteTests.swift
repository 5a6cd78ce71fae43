import Foundation
import HTTPTypes
import Testing

@testable import Knowledge
@testable import Server
@testable import Service
@testable import almanac

@Suite("The HTTP routes", .timeLimit(.minutes(2)))
struct RouteTests {
    @Test("are closed without a key, in OpenAI's words, whatever the path")
    func closed() async throws {
        try await TestServer.run { server in
            let paths = [
                "/v1/models", "/models", "/api/v1/experts", "/api/v1/keys", "/v1/files", "/v1/vector_stores/x", "/nothing",
            ]
            for key in ["", "wrong"] {
                for path in paths {
                    let answer = try await server.with(key: key).get(path)
                    #expect(answer.status == 401)
                    #expect(answer.error?["code"] == "invalid_api_key")
                    #expect(answer.headers[.requestID] != nil)
                }
            }
            for path in ["/healthz", "/health", "/v1/health", "/readyz", "/"] {
                #expect(try await server.with(key: "").get(path).status == 200)
                let head = try await server.with(key: "").send(.head, path)
                #expect(head.status == 200 && head.body.isEmpty, "HEAD \(path)")
            }
            let byHeader = try await server.with(key: "").send(
                .get, "/v1/models", headers: [.apiKey: TestServer.adminKey])
            #expect(byHeader.status == 200)
        }
    }

    @Test("show a tenant nothing of another's: a foreign id is answered byte for byte like an unknown one")
    func tenants() async throws {
        try await TestServer.run { server in
            let base = try await server.knowledgeBase([ChatTests.mill])
            let file = try await server.get("/v1/vector_stores/\(base)/files").json["data"]?.array?.first?["id"]?.string ?? ""
            let expert = try await server.post("/api/v1/experts", ["title": "E"]).json["id"]?.string ?? ""
            let secret = try await server.post("/api/v1/keys", ["name": "other", "tenant": "other"]).json["key"]?.string
            let stranger = server.with(key: try #require(secret))
            let requests: [(HTTPRequest.Method, String, String?)] = [
                (.get, "/v1/files/FILE", nil), (.delete, "/v1/files/FILE", nil), (.get, "/v1/files/FILE/content", nil),
                (.get, "/v1/vector_stores/BASE", nil), (.post, "/v1/vector_stores/BASE", "{}"),
                (.delete, "/v1/vector_stores/BASE", nil), (.post, "/v1/vector_stores/BASE/search", #"{"query": "rye"}"#),
                (.get, "/v1/vector_stores/BASE/files", nil), (.get, "/v1/vector_stores/BASE/files/FILE", nil),
                (.post, "/v1/vector_stores/BASE/files", #"{"file_id": "FILE"}"#),
                (.post, "/v1/vector_stores/BASE/files/FILE", #"{"attributes": {}}"#),
                (.delete, "/v1/vector_stores/BASE/files/FILE", nil),
                (.get, "/v1/vector_stores/BASE/files/FILE/content", nil),
                (.get, "/api/v1/knowledgebases/BASE", nil), (.put, "/api/v1/knowledgebases/BASE", "{}"),
                (.delete, "/api/v1/knowledgebases/BASE", nil), (.get, "/api/v1/knowledgebases/BASE/documents", nil),
                (.get, "/api/v1/knowledgebases/BASE/documents?sha256=00", nil),
                (.get, "/api/v1/knowledgebases/BASE/documents/FILE", nil),
                (.delete, "/api/v1/knowledgebases/BASE/documents/FILE", nil),
                (.get, "/api/v1/experts/EXPERT", nil), (.put, "/api/v1/experts/EXPERT", "{}"),
                (.delete, "/api/v1/experts/EXPERT", nil), (.get, "/v1/models/kb/BASE", nil),
                (.get, "/v1/models/expert/EXPERT", nil),
                (.post, "/v1/chat/completions", #"{"messages":[{"role":"user","content":"x"}],"alan":{"knowledgebase_ids":["BASE"]}}"#),
                (.post, "/v1/chat/completions", #"{"messages":[{"role":"user","content":"x"}],"alan":{"expert_id":"EXPERT"}}"#),
                (.post, "/v1/chat/completions", #"{"messages":[{"role":"user","content":"x"}],"model":"kb/BASE"}"#),
                (.post, "/api/v1/experts", #"{"title":"x","settings":{"knowledgebase_ids":["BASE"]}}"#),
            ]
            for (method, path, body) in requests {
                func ask(_ base: String, _ file: String, _ expert: String) async throws -> TestServer.Answer {
                    func filled(_ text: String) -> String {
                        text.replacing("BASE", with: base).replacing("FILE", with: file).replacing("EXPERT", with: expert)
                    }
                    return try await stranger.send(method, filled(path), body.map(filled))
                }
                let foreign = try await ask(base, file, expert)
                let unknown = try await ask("vs_none", "file-none", "expert_none")
                #expect(foreign.status == 404, "\(method) \(path)")
                let shown = foreign.body.replacing(base, with: "vs_none").replacing(file, with: "file-none")
                    .replacing(expert, with: "expert_none")
                #expect(shown == unknown.body, "\(method) \(path)")
            }
            for path in ["/v1/files", "/v1/vector_stores"] {
                #expect(try await stranger.get(path).json["data"] == [])
            }
            #expect(try await stranger.get("/api/v1/keys").status == 403)
            #expect(try await server.get("/v1/vector_stores/\(base)").json["file_counts"]?["completed"] == 1)
        }
    }

    @Test("stop hearing a key as soon as it is revoked")
    func revoked() async throws {
        try await TestServer.run { server in
            let made = try await server.post("/api/v1/keys", ["name": "k"])
            #expect(made.status == 201)
            let other = server.with(key: made.json["key"]?.string ?? "")
            #expect(try await other.get("/v1/models").status == 200)
            #expect(try await server.delete("/api/v1/keys/\(made.json["id"]?.string ?? "")").status == 200)
            #expect(try await other.get("/v1/models").status == 401)
            let listed = try await server.get("/api/v1/keys").body
            #expect(!listed.contains(made.json["key"]?.string ?? "?"))
        }
    }

    @Test("let another tenant's admin manage that tenant's keys and no others")
    func foreignAdmin() async throws {
        try await TestServer.run { server in
            let made = try await server.post("/api/v1/keys", ["name": "a", "tenant": "other", "role": "admin"])
            let other = server.with(key: made.json["key"]?.string ?? "")
            let listed = try await other.get("/api/v1/keys").json["keys"]?.array ?? []
            #expect(listed.map { $0["tenant"] } == ["other"])
            #expect(try await other.post("/api/v1/keys", ["name": "b"]).json["tenant"] == "other")
            #expect(try await other.post("/api/v1/keys", ["name": "c", "tenant": "default"]).status == 403)
            let first = try await server.get("/api/v1/keys").json["keys"]?.array?.first { $0["tenant"] == "default" }
            #expect(try await other.delete("/api/v1/keys/\(first?["id"]?.string ?? "")").status == 404)
            #expect(try await server.get("/v1/models").status == 200)
        }
    }

    @Test("keep a revoked operator's key revoked when it is given again")
    func revokedOperator() async throws {
        try await TestServer.run { server in
            let spare = try await server.post("/api/v1/keys", ["name": "spare", "role": "admin"]).json["key"]?.string ?? ""
            let first = try await server.get("/api/v1/keys").json["keys"]?.array?.first { $0["name"] == "admin" }
            let id = first?["id"]?.string ?? ""
            #expect(try await server.with(key: spare).delete("/api/v1/keys/\(id)").status == 200)
            #expect(try await server.services.keys.adopt(TestServer.adminKey) == false)
            #expect(try await server.get("/v1/models").status == 401)
        }
    }

    @Test("know a document by its own id on Alan's face, and keep its attributes when it comes again")
    func documentByItsID() async throws {
        try await TestServer.run { server in
            let base = try await server.knowledgeBase([ChatTests.mill])
            let path = "/api/v1/knowledgebases/\(base)/documents"
            let document = try await server.get(path).json["documents"]?.array?.first
            let (id, file) = (document?["id"]?.string ?? "", document?["file_id"]?.string ?? "")
            _ = try await server.post("/v1/vector_stores/\(base)/files/\(file)", ["attributes": ["dept": "hr"]])
            let again = try await server.upload("mill.md", ChatTests.mill.text).json["id"] ?? .null
            let attached = try await server.post("/v1/vector_stores/\(base)/files", ["file_id": again])
            #expect(attached.json["attributes"] == ["dept": "hr"])
            #expect(try await server.get("\(path)/\(id)").json["id"] == .string(id))
            #expect(try await server.delete("\(path)/\(id)").status == 200)
            #expect(try await server.get(path).json["documents"] == [])
        }
    }

    @Test("make no knowledge base of files that are not there")
    func nothingHalf() async throws {
        try await TestServer.run { server in
            let answer = try await server.post("/v1/vector_stores", ["name": "half", "file_ids": ["file-none"]])
            #expect(answer.status == 404)
            #expect(answer.error?["param"] == "file_ids[0]")
            #expect(try await server.get("/v1/vector_stores").json["data"] == [])
        }
    }

    @Test("find a model by an id with a slash, plain or escaped, under every prefix")
    func models() async throws {
        try await TestServer.run(models: [ScriptedModel.card: ScriptedModel(saying: "x")]) { server in
            for prefix in ["", "/v1", "/v2", "/oai", "/api/v1", "/api/v1/oai"] {
                #expect(try await server.get("\(prefix)/models/vendor/scripted").json["id"] == "vendor/scripted")
                #expect(try await server.get("\(prefix)/models/vendor%2Fscripted").json["id"] == "vendor/scripted")
            }
            let unknown = try await server.get("/v1/models/vendor/none")
            #expect(unknown.status == 404)
            #expect(unknown.error?["code"] == "model_not_found")
        }
    }

    @Test("take an upload straight to disk, and nothing of one that is refused")
    func uploads() async throws {
        try await TestServer.run(uploadLimitBytes: 1_000) { server in
            let file = try await server.upload("../../etc/naïve name.md", "# Title\n\nSome text.")
            #expect(file.status == 200)
            #expect(file.json["filename"] == "naïve name.md")
            let content = try await server.get("/v1/files/\(file.json["id"]?.string ?? "")/content")
            #expect(content.body == "# Title\n\nSome text.")
            #expect(try await server.upload("big.md", String(repeating: "x", count: 1_001)).status == 413)
            #expect(try await server.upload("empty.md", "").status == 400)
            #expect(try await server.send(.post, "/v1/files", "{}").status == 415)
            let broken = try await server.send(.post, "/v1/files", "--b\r\nx", type: "multipart/form-data; boundary=b")
            #expect(broken.status == 400)
            #expect(try await server.get("/v1/files").json["data"]?.array?.count == 1)
        }
    }

    @Test("tell why a document could not be indexed, and leave the others alone")
    func failedDocument() async throws {
        try await TestServer.run { server in
            let base = try await server.knowledgeBase([
                ChatTests.mill, (name: "binary.txt", text: "\u{0}\u{1}\u{2}PNG\u{0}\u{0}\u{3}\u{0}"),
            ])
            let counts = try await server.get("/v1/vector_stores/\(base)").json["file_counts"]
            #expect(counts?["completed"] == 1)
            #expect(counts?["failed"] == 1)
            let failed = try await server.get("/v1/vector_stores/\(base)/files?filter=failed").json["data"]?.array?.first
            #expect(["invalid_file", "unsupported_file"].contains(failed?["last_error"]?["code"]?.string))
            #expect(failed?["last_error"]?["message"]?.string?.isEmpty == false)
        }
    }

    @Test("forget a deleted document at once")
    func deleted() async throws {
        try await TestServer.run { server in
            let base = try await server.knowledgeBase([ChatTests.mill])
            func search() async throws -> [JSONValue] {
                try await server.post("/v1/vector_stores/\(base)/search", ["query": "rye"]).json["data"]?.array ?? []
            }
            let hits = try await search()
            #expect(hits.count == 1)
            let file = hits.first?["file_id"]?.string ?? ""
            #expect(try await server.delete("/v1/vector_stores/\(base)/files/\(file)").status == 200)
            #expect(try await search().isEmpty)
        }
    }

    @Test("search only what a filter lets through")
    func filters() async throws {
        try await TestServer.run { server in
            let base = try await server.knowledgeBase([ChatTests.mill, ChatTests.light])
            for file in try await server.get("/v1/vector_stores/\(base)/files").json["data"]?.array ?? [] {
                let isMill = file["filename"] == "mill.md"
                let path = "/v1/vector_stores/\(base)/files/\(file["id"]?.string ?? "")"
                _ = try await server.post(path, ["attributes": ["kind": isMill ? "mill" : "light"]])
            }
            let found = try await server.post(
                "/v1/vector_stores/\(base)/search",
                ["query": "lighthouse keeper", "filters": ["type": "eq", "key": "kind", "value": "mill"]])
            #expect(found.json["data"]?.array?.map { $0["filename"] } == ["mill.md"])
            let refused = try await server.post(
                "/v1/vector_stores/\(base)/search", ["query": "x", "filters": ["type": "like", "key": "k", "value": 1]])
            #expect(refused.status == 400)
            #expect(refused.error?["param"] == "filters.type")
        }
    }

    @Test(
        "answer nonsense with a documented error and go on",
        arguments: [
            ("/v1/chat/completions", #"{"model": "#, 400), ("/v1/chat/completions", "[]", 400),
            ("/v1/chat/completions", "", 400), ("/v1/chat/completions", #"{"messages":[{"role":"user","content":"x"}],"model":"none"}"#, 404),
            ("/v1/embeddings", "{}", 400), ("/v1/embeddings", #"{"input": []}"#, 400),
            ("/v1/embeddings", #"{"input": ""}"#, 400), ("/v1/embeddings", #"{"input": "x", "model": "none"}"#, 404),
            ("/v1/embeddings", #"{"input": "x", "dimensions": 9999}"#, 400),
            ("/v1/embeddings", #"{"input": "x", "encoding_format": "hex"}"#, 400),
            ("/v1/vector_stores", #"{"name": 5}"#, 400), ("/v1/vector_stores", #"{"metadata": {"a": 1}}"#, 400),
            ("/v1/vector_stores", #"{"chunking_strategy": {"type": "static", "static": {"max_chunk_size_tokens": 100, "chunk_overlap_tokens": 51}}}"#, 400),
            ("/v1/vector_stores/vs_none/files", "{}", 400), ("/v1/vector_stores/vs_none/search", "{}", 400),
            ("/api/v1/experts", "{}", 400), ("/api/v1/experts", #"{"title": "x", "settings": {"temperature": 9}}"#, 400),
            ("/api/v1/keys", #"{"role": "king"}"#, 400), ("/nothing", "{}", 404),
            ("/v1/chat/completions", String(repeating: "[", count: 600), 400),
        ])
    func nonsense(_ path: String, _ body: String, _ status: Int) async throws {
        try await TestServer.run { server in
            let answer = try await server.send(.post, path, body)
            #expect(answer.status == status)
            #expect(answer.error?["message"]?.string?.isEmpty == false)
            #expect(answer.headers[.requestID] != nil)
            #expect(try await server.get("/healthz").status == 200)
        }
    }

    @Test("refuse bodies beyond their limit")
    func oversized() async throws {
        try await TestServer.run { server in
            let answer = try await server.send(.post, "/api/v1/experts", String(repeating: " ", count: 2 << 20))
            #expect(answer.status == 413)
        }
    }

    @Test("give embeddings as numbers and as base64, whole and shortened")
    func embeddings() async throws {
        try await TestServer.run { server in
            let plain = try await server.post("/v1/embeddings", ["input": ["a cat", "a cat"], "encoding_format": "float"])
            let vectors = plain.json["data"]?.array?.compactMap { $0["embedding"]?.array?.compactMap(\.double) } ?? []
            #expect(vectors.count == 2)
            #expect(vectors.first?.count == 256)
            #expect(plain.json["usage"]?["prompt_tokens"] == 8)
            let packed = try await server.post("/v1/embeddings", ["input": "a cat", "encoding_format": "base64"])
            let text = packed.json["data"]?.array?.first?["embedding"]?.string ?? ""
            let bytes = try #require(Data(base64Encoded: text))
            let unpacked = stride(from: 0, to: bytes.count, by: 4).map { start -> Double in
                let bits = bytes[start..<start + 4].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
                return Double(Float(bitPattern: bits))
            }
            #expect(unpacked == vectors.first)
            let short = try await server.post("/v1/embeddings", ["input": "a cat", "dimensions": 128, "encoding_format": "float"])
            let vector = short.json["data"]?.array?.first?["embedding"]?.array?.compactMap(\.double) ?? []
            #expect(vector.count == 128)
        }
    }
}
