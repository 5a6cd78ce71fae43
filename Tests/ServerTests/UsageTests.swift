import HTTPTypes
import Logging
import Storage
import TestSupport
import Testing

@testable import Knowledge
@testable import Server
@testable import Service
@testable import almanac

@Suite("What a key used", .timeLimit(.minutes(2)))
struct UsageTests {
    @Test("is counted by model for answers and embeddings, and shown to it, to its tenant's admins and to the operator alone")
    func counted() async throws {
        try await TestServer.run { server in
            let other = try await server.send(
                .post, "/api/v1/keys", #"{"name": "theirs", "role": "admin", "tenant": "other"}"#).json
            let user = try await server.send(.post, "/api/v1/keys", #"{"name": "user"}"#).json
            let users = server.with(key: user["key"]?.string ?? "")
            let answer = try await users.send(
                .post, "/v1/chat/completions", #"{"model": "extractive", "messages": [{"role": "user", "content": "Who?"}]}"#)
            #expect(answer.status == 200)
            let embedded = try await users.send(.post, "/v1/embeddings", #"{"model": "words", "input": "a b c"}"#)
            let model = embedded.json["model"]?.string ?? ""

            // An answer is counted once nobody reads it any more.
            var lines: [JSONValue] = []
            while lines.count < 2 {
                lines = try await users.get("/api/v1/usage").json["data"]?.array ?? []
                await Task.yield()
            }
            let byModel = Dictionary(lines.map { ($0["model"]?.string ?? "", $0) }, uniquingKeysWith: { first, _ in first })
            for (name, usage) in [("extractive", answer.json["usage"]), (model, embedded.json["usage"])] {
                #expect(byModel[name]?["requests"] == 1)
                #expect(byModel[name]?["prompt_tokens"] == usage?["prompt_tokens"])
                #expect(byModel[name]?["completion_tokens"] == usage?["completion_tokens"] ?? 0)
                #expect(byModel[name]?["key_id"] == user["id"])
            }
            let all = try await server.get("/api/v1/usage").json["data"]?.array
            #expect(all == lines)
            let foreign = try await server.with(key: other["key"]?.string ?? "").get("/api/v1/usage").json["data"]
            #expect(foreign == [])
            let strangers = try await users.get("/api/v1/usage?key=\(other["id"]?.string ?? "")")
            #expect(strangers.status == 403)
        }
    }

    @Test("is counted for moderation, by what was embedded")
    func moderation() async throws {
        try await TestServer.run { server in
            let answer = try await server.post("/v1/moderations", ["input": ["one two", "three"]])
            #expect(answer.json["results"]?.array?.count == 2)
            let lines = try await server.get("/api/v1/usage").json["data"]?.array ?? []
            #expect(lines.map { $0["model"] } == [answer.json["model"]])
            #expect(lines.map { $0["requests"] } == [1])
            // The test's embedder counts two tokens more than there are words.
            #expect(lines.map { $0["prompt_tokens"] } == [7])
        }
    }

    @Test("is the sum of an answer's choices, said by the model or counted, with the prompt once")
    func choices() async throws {
        let (reports, report) = AsyncStream.makeStream(of: TokenUsage.self)
        let (counter, prompt) = (WordEmbedder(), JSONValue.object(["role": "user", "content": "a b c"]))
        func meter(choices: Int) -> UsageMeter {
            UsageMeter(
                UsageEstimate(prompt: [prompt], counter: counter, workers: Workers(count: 1, name: "test")),
                choices: choices
            ) { report.yield($0) }
        }
        let said = TokenUsage(prompt: 99, completion: 5)
        for estimated in 0...2 {
            let meter = meter(choices: 3)
            for choice in 0..<3 {
                meter.see(.text("one two"), of: choice)
                if choice >= estimated { meter.see(.usage(said), of: choice) }
            }
        }
        // Two of them are counted in tasks of their own, in no order.
        var found: Set<TokenUsage> = []
        for await usage in reports.prefix(3) { found.insert(usage) }
        let counted = counter.count("one two")
        #expect(
            found == Set((0...2).map { TokenUsage(prompt: 99, completion: $0 * counted + (3 - $0) * 5) }))
    }

    @Test("is asked for by days in order")
    func days() async throws {
        try await TestServer.run { server in
            let before = try await server.get("/api/v1/usage?from=2026-01-01&to=2026-01-31").json["data"]
            #expect(before == [])
            for query in ["from=2026-02-01&to=2026-01-31", "from=yesterday", "to=2026-13-01"] {
                let status = try await server.get("/api/v1/usage?\(query)").status
                #expect(status == 400)
            }
        }
    }

    @Test("says where there is more of it than one answer holds")
    func more() async throws {
        try await TestServer.run { server in
            func line(_ number: Int) -> UsageAccount {
                UsageAccount(tenant: TenantID(rawValue: "default"), key: nil, day: 20_000, model: "m\(number)")
            }
            let sum = UsageSum(requests: 1, promptTokens: 1, completionTokens: 1)
            let query = "/api/v1/usage?from=2024-10-04&to=2024-10-04"
            for (lines, hasMore) in [(0..<10_000, false), (10_000..<10_001, true)] {
                try await server.services.database.add(
                    Dictionary(uniqueKeysWithValues: lines.map { (line($0), sum) }))
                let answer = try await server.get(query).json
                #expect(answer["data"]?.array?.count == 10_000)
                #expect(answer["has_more"] == .bool(hasMore))
            }
        }
    }

    @Test("ends at a limit of requests or tokens, and every answer says where the key stands")
    func limited() async throws {
        let model = ScriptedModel([.event(.text("x")), .event(.finish("stop")), .event(.usage(TokenUsage(prompt: 50, completion: 50)))])
        // Time stands still, however long the answers take.
        let start = ContinuousClock.now
        let limits = RateLimits(requestsPerMinute: 3, tokensPerMinute: 1_000) { start }
        @Sendable func field(_ name: String) -> HTTPField.Name { HTTPField.Name("x-ratelimit-\(name)")! }
        try await TestServer.run(models: [ScriptedModel.card: model], configure: { $0.rateLimits = limits }) { server in
            func ask(_ model: String) async throws -> TestServer.Answer { try await server.ask("x", model: model) }
            let first = try await ask("vendor/scripted")
            #expect(first.status == 200 && first.headers[field("limit-requests")] == "3")
            #expect(first.headers[field("remaining-requests")] == "2")
            #expect(try await ask("none/such").headers[field("remaining-requests")] == "1")
            let third = try await ask("vendor/scripted")
            #expect(third.headers[field("remaining-tokens")].flatMap { Int($0) } ?? 1_000 < 1_000)
            let refused = try await ask("vendor/scripted")
            #expect(refused.status == 429 && refused.json["error"]?["code"] == "rate_limit_exceeded")
            #expect(refused.headers[.retryAfter].flatMap { Int($0) }.map((1...20).contains) == true)
            #expect(refused.headers[.requestID] != nil)
            #expect(try await server.send(.post, "/v1/internal/logits", "{}").status == 429)
            // What asks no model is not limited.
            for path in ["/v1/models", "/v1/engines"] { #expect(try await server.get(path).status == 200) }
            #expect(try await server.get("/v1/responses/resp_x").status == 404)
            #expect(try await server.send(.post, "/v1/internal/stop-generation").status == 200)
        }
    }

    @Test("is kept in memory while the database cannot take it")
    func failure() async throws {
        let store = FailingOnce()
        let ledger = UsageLedger(store: store, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let scope = Scope(tenant: TenantID(rawValue: "t"), role: .user)
        ledger.note(TokenUsage(prompt: 3, completion: 4), of: "m", in: scope)
        await ledger.writeDown()
        ledger.note(TokenUsage(prompt: 1, completion: 1), of: "m", in: scope)
        await ledger.writeDown()
        #expect(await store.written == [UsageSum(requests: 2, promptTokens: 4, completionTokens: 5)])
    }

    private actor FailingOnce: UsageStore {
        private var hasFailed = false
        private(set) var written: [UsageSum] = []

        func add(_ usage: [UsageAccount: UsageSum]) async throws {
            guard hasFailed else {
                hasFailed = true
                throw CancellationError()
            }
            written += usage.values
        }

        func usage(
            of tenant: TenantID?, key: KeyID?, days: ClosedRange<Int>, limit: Int
        ) async throws -> [(account: UsageAccount, sum: UsageSum)] { [] }
    }
}
