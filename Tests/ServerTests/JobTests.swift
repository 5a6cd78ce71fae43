import Foundation
import HTTPTypes
import Testing

@testable import Knowledge
@testable import Server
@testable import Service
@testable import almanac

@Suite("Jobs over HTTP", .timeLimit(.minutes(2)))
struct JobTests {
    private func jobs(_ server: TestServer) async throws -> [JSONValue] {
        try await server.get("/api/v1/jobs").json["data"]?.array ?? []
    }

    @Test("show how far they came, and end their stream of events with what became of them")
    func events() async throws {
        try await TestServer.run { server in
            _ = try await server.knowledgeBase([ChatTests.mill])
            let job = try #require(try await jobs(server).first)
            #expect(job["status"] == "completed")
            #expect(job["progress"]?["chunks"]?["done"] == job["progress"]?["chunks"]?["total"])
            let path = "/api/v1/jobs/\(job["id"]?.string ?? "")"
            for header in [HTTPFields(), [HTTPField.Name("Last-Event-ID")!: "99999999999999"]] {
                let events = try await server.send(.get, path + "/events", headers: header)
                #expect(events.headers[.contentType]?.hasPrefix("text/event-stream") == true)
                #expect(events.body.contains("\nevent: completed\ndata: {"))
                #expect(events.body.hasPrefix("id: ") && events.body.hasSuffix("\n\n"))
            }
            #expect(try await server.send(.post, path + "/cancel").status == 409)
            #expect(try await server.send(.post, path + "/retry").status == 409)
            #expect(try await server.get("/api/v1/jobs?status=failed").json["data"] == [])
            #expect(try await server.get("/api/v1/jobs?status=odd").error?["param"] == "status")
        }
    }

    @Test("that failed say why, and are tried again on demand")
    func retry() async throws {
        try await TestServer.run { server in
            _ = try await server.knowledgeBase([("empty.txt", "   ")])
            let job = try #require(try await jobs(server).first)
            #expect(job["status"] == "failed" && job["reason"] == "empty")
            let path = "/api/v1/jobs/\(job["id"]?.string ?? "")"
            #expect(try await server.send(.post, path + "/retry").json["status"] == "queued")
            #expect(try await server.get(path + "/events").body.contains("event: failed"))
            #expect(try await server.get(path).json["attempts"] == 1)
        }
    }

    @Test("are for nobody but their tenant's keys")
    func tenants() async throws {
        try await TestServer.run { server in
            _ = try await server.knowledgeBase([ChatTests.mill])
            let id = try #require(try await jobs(server).first?["id"]?.string)
            let secret = try await server.post("/api/v1/keys", ["name": "o", "tenant": "other"]).json["key"]?.string
            let stranger = server.with(key: try #require(secret))
            for (method, path) in [
                (HTTPRequest.Method.get, ""), (.get, "/events"), (.post, "/cancel"), (.post, "/retry"),
            ] {
                let foreign = try await stranger.send(method, "/api/v1/jobs/\(id)\(path)")
                let unknown = try await stranger.send(method, "/api/v1/jobs/job_none\(path)")
                #expect(foreign.status == 404)
                #expect(foreign.body.replacing(id, with: "job_none") == unknown.body)
            }
            #expect(try await jobs(stranger).isEmpty)
        }
    }
}
