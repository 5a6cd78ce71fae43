import Foundation
import HTTPTypes
import Testing

@testable import Knowledge
@testable import Server
@testable import Service
@testable import almanac

@Suite("Documents under names over HTTP", .timeLimit(.minutes(2)))
struct NamedDocumentTests {
    private func put(_ text: String, as name: String, _ base: String, _ server: TestServer) async throws -> TestServer.Answer {
        try await server.send(.put, "/api/v1/knowledgebases/\(base)/documents/\(name)", text, type: "text/markdown")
    }

    private func settle(_ base: String, _ server: TestServer) async throws {
        while try await server.get("/v1/vector_stores/\(base)").json["status"] == "in_progress" { await Task.yield() }
    }

    @Test("are put as a raw body or a form, found by their names, replaced and removed")
    func life() async throws {
        try await TestServer.run { server in
            let base = try await server.post("/v1/vector_stores", ["name": "n"]).json["id"]?.string ?? ""
            let made = try await put("# Mill\n\nThe mill grinds rye.", as: "inner%2Fmill.md", base, server)
            #expect(made.status == 202 && made.json["change"] == "created")
            #expect(made.json["external_id"] == "inner/mill.md" && made.json["filename"] == "mill.md")
            try await settle(base, server)
            #expect(try await put("# Mill\n\nThe mill grinds rye.", as: "inner%2Fmill.md", base, server).status == 200)
            let path = "/api/v1/knowledgebases/\(base)/documents/inner%2Fmill.md"
            #expect(try await server.get(path).json["status"] == "completed")

            let form = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x.md\"\r\n\r\n# Mill\n\nIt grinds oats.\r\n--b--\r\n"
            let changed = try await server.send(.put, path, form, type: "multipart/form-data; boundary=b")
            #expect(changed.json["change"] == "replaced")
            try await settle(base, server)
            let found = try await server.post("/v1/vector_stores/\(base)/search", ["query": "mill grinds"]).json["data"]?.array
            #expect(found?.count == 1)
            #expect(found?.first?["content"]?.array?.first?["text"]?.string?.contains("oats") == true)
            let names = try await server.get("/api/v1/knowledgebases/\(base)/external_ids").json["documents"]?.array
            #expect(names?.map { $0["external_id"] } == ["inner/mill.md"])
            #expect(try await server.delete(path).status == 200)
            #expect(try await server.get(path).status == 404)
            #expect(try await server.get("/v1/files").json["data"] == [])
        }
    }

    @Test("cost the embedding of what changed in them only")
    func reuses() async throws {
        try await TestServer.run { server in
            let base = try await server.post("/v1/vector_stores", ["name": "n"]).json["id"]?.string ?? ""
            func text(_ changed: Int?) -> String {
                (0..<40).map { (part: Int) in
                    "# Part \(part)\n\n" + (0..<60).map { "word\(part)x\($0)" }.joined(separator: " ")
                        + (part == changed ? " changed" : "")
                }.joined(separator: "\n\n")
            }
            _ = try await put(text(nil), as: "book.md", base, server)
            try await settle(base, server)
            _ = try await put(text(20), as: "book.md", base, server)
            try await settle(base, server)
            let job = try #require(try await server.get("/api/v1/jobs?limit=1").json["data"]?.array?.first)
            let chunks = job["progress"]?["chunks"]
            let total = try #require(chunks?["total"]?.integer)
            let reused = try #require(chunks?["reused"]?.integer)
            #expect(total >= 20 && reused >= total - 3 && reused < total, "few chunks were reused")
        }
    }

    @Test("are refused where the name or the body is none")
    func refused() async throws {
        try await TestServer.run(uploadLimitBytes: 100) { server in
            let base = try await server.post("/v1/vector_stores", ["name": "n"]).json["id"]?.string ?? ""
            #expect(try await put("", as: "a.md", base, server).status == 400)
            #expect(try await put("x", as: "a%0Ab.md", base, server).error?["param"] == "external_id")
            #expect(try await put("x", as: String(repeating: "a", count: 1_025), base, server).status == 400)
            #expect(try await put(String(repeating: "x", count: 101), as: "a.md", base, server).status == 413)
            #expect(try await put("x", as: "a.md", "vs_none", server).status == 404)
            #expect(try await server.get("/v1/files").json["data"] == [])
        }
    }
}
