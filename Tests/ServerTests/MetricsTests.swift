import HTTPTypes
import Testing

@testable import Knowledge
@testable import Server
@testable import almanac

@Suite("The figures for Prometheus", .timeLimit(.minutes(2)))
struct MetricsTests {
    @Test("count requests by route, method and status, and say what is stored")
    func figures() async throws {
        try await TestServer.run { server in
            _ = try await server.knowledgeBase([ChatTests.mill])
            for path in ["/v1/models", "/v1/models", "/v1/models/none", "/nothing/of/this"] { _ = try await server.get(path) }
            let samples = try await Self.samples(server.get("/metrics"))
            let requests = "almanac_http_requests_total"
            #expect(samples[#"\#(requests){method="GET",route="/v1/models",status="200"}"#] == 2)
            #expect(samples[#"\#(requests){method="GET",route="/v1/models/**",status="404"}"#] == 1)
            #expect(samples[#"\#(requests){method="",route="",status="404"}"#] == 1)
            let durations = #"almanac_http_request_duration_seconds_bucket{method="GET",route="/v1/models",le="+Inf"}"#
            #expect(samples[durations] == 2)
            #expect(samples[#"almanac_jobs{status="completed"}"#] == 1 && samples[#"almanac_jobs{status="queued"}"#] == 0)
            #expect(samples[#"almanac_documents{status="completed"}"#] == 1)
            let vectors = samples.filter { $0.key.hasPrefix("almanac_index_vectors{") }.values.reduce(0, +)
            #expect(vectors >= 1 && (samples["almanac_database_bytes"] ?? 0) > 0)
        }
    }

    @Test("are for the operator's admins alone")
    func closed() async throws {
        try await TestServer.run { server in
            let keys: [JSONValue] = [
                ["name": "user", "role": "user"], ["name": "elsewhere", "role": "admin", "tenant": "elsewhere"],
            ]
            for key in keys {
                let secret = try await server.post("/api/v1/keys", key).json["key"]?.string
                #expect(try await server.with(key: #require(secret)).get("/metrics").status == 403)
            }
            #expect(try await server.with(key: "").get("/metrics").status == 401)
        }
    }

    /// Every sample by its name and labels; lines that are none and no comment are an error.
    private static func samples(_ answer: TestServer.Answer) throws -> [String: Double] {
        #expect(answer.status == 200 && answer.headers[.contentType] == "text/plain; version=0.0.4; charset=utf-8")
        var samples: [String: Double] = [:]
        for line in answer.body.split(separator: "\n") where !line.hasPrefix("# HELP ") && !line.hasPrefix("# TYPE ") {
            let match = try #require(line.wholeMatch(of: /([a-z_]+(?:\{.*\})?) ([0-9.e+-]+)/), "\(line)")
            samples[String(match.1)] = Double(match.2)
        }
        return samples
    }
}
