import Knowledge
import Testing

@testable import Providers

/// Something that goes wrong before an answer, and what it must be called. The same for chat and embeddings.
struct Fault: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var act: Act
    var error: UpstreamError

    init(_ name: String, _ act: Act, _ error: UpstreamError) {
        testDescription = name
        self.act = act
        self.error = error
    }

    static func refusal(
        _ status: Int, headers: [String: String] = [:], _ body: String, _ error: UpstreamError
    ) -> Fault {
        let headers = headers.merging(["content-type": "application/json"]) { given, _ in given }
        return Fault("\(status) \(headers) \(body)", .answer(status: status, headers: headers, body), error)
    }

    static func rejected(_ status: Int, _ message: String) -> UpstreamError {
        .rejected(provider: "fake", status: status, message: message)
    }

    static func limited(_ seconds: Int?) -> UpstreamError {
        .rateLimited(provider: "fake", retryAfterSeconds: seconds)
    }

    static func garbage(_ reason: String) -> UpstreamError {
        .garbage(provider: "fake", reason: reason)
    }

    static let key = ProviderSettings.testKey

    static let refusals: [Fault] =
        [
            refusal(400, #"{"error": {"message": "no such field", "code": "x"}}"#, rejected(400, "no such field")),
            refusal(404, #"{"error": "model not found"}"#, rejected(404, "model not found")),
            refusal(413, "<html>too large</html>", rejected(413, "status 413")),
            refusal(422, #"{"detail": [{"msg": "field required"}]}"#, rejected(422, "field required")),
            refusal(400, #"{"detail": "a\u0000\u001b[31m\nb\u202e"}"#, rejected(400, "a  [31m b")),
            refusal(400, #"{"error": {"message": "key \#(key) is odd"}}"#, rejected(400, "key [redacted] is odd")),
            refusal(
                400, #"{"message": "\#(String(repeating: "é", count: 900))"}"#,
                rejected(400, String(repeating: "é", count: 500))),
            refusal(401, #"{"error": {"message": "Incorrect API key: \#(key)"}}"#, .unauthorized(provider: "fake")),
            refusal(403, "", .unauthorized(provider: "fake")),
            refusal(429, "", limited(nil)),
            refusal(429, headers: ["retry-after": "7"], "", limited(7)),
            refusal(429, headers: ["retry-after": "1.2"], "", limited(2)),
            refusal(429, headers: ["retry-after": "7", "retry-after-ms": "1500"], "", limited(2)),
            refusal(429, headers: ["retry-after": "Thu, 01 Jan 1970 00:00:00 GMT"], "", limited(0)),
            refusal(429, headers: ["retry-after": "-1e99"], "", limited(0)),
            refusal(429, headers: ["retry-after": "soon"], "", limited(nil)),
        ]
        + [204, 301, 302, 307, 402, 408, 409, 500, 502, 503, 504, 529].map { status in
            refusal(
                status, headers: ["location": "http://127.0.0.1:1/v1/chat/completions"], "",
                .failed(provider: "fake", status: status))
        }

    static let garbage: [Fault] = [
        Fault(
            "HTML", .answer(headers: ["content-type": "text/html; charset=utf-8"], "<html>"),
            garbage("its content type is text/html")),
        Fault(
            "compressed", .answer(headers: ["content-type": "application/json", "content-encoding": "gzip"], "x"),
            garbage("it is compressed, which was not asked for")),
        Fault("too long", .answer(String(repeating: " ", count: 9 << 20)), garbage("it is longer than 8388608 bytes")),
        Fault("silence", .silence, .timedOut(provider: "fake", waitingFor: "first token")),
    ]

    /// These are told in different words, all with `words` in them.
    static let noJSON: [Fault] = [
        Fault("truncated JSON", .answer(#"{"choices": ["#), garbage("JSON")),
        Fault("JSON of something else", .answer(#"[1, 2]"#), garbage("JSON")),
        Fault("an error with status 200", .answer(#"{"error": {"message": "quota"}}"#), garbage("error: quota")),
        Fault("an error without words", .answer(#"{"error": {}}"#), garbage("without a message")),
    ]

    var words: String {
        guard case .garbage(_, let reason) = error else { return "" }
        return reason
    }
}

@Suite("A failing server gives the error that says what failed", .serialized)
struct FaultTests {
    @Test("to a question", arguments: Fault.refusals + Fault.garbage)
    func chat(fault: Fault) async throws {
        try await FakeUpstream.run { _ in
            fault.act
        } _: { upstream, settings in
            let result = await model(settings.hurried(fault)).events()
            #expect(result.error as? UpstreamError == fault.error)
            #expect(!String(reflecting: result.error).contains(ProviderSettings.testKey))
            #expect(result.events.isEmpty)
            #expect(upstream.requests.count <= 1)
        }
    }

    @Test("to an embedding", arguments: Fault.refusals + Fault.garbage)
    func embedding(fault: Fault) async throws {
        try await FakeUpstream.run { _ in
            fault.act
        } _: { upstream, settings in
            let endpoint = EmbeddingEndpoint(
                transport: Transport(settings.hurried(fault)), model: "m", asksForBase64: true)
            await #expect(throws: fault.error) { try await endpoint.embed([.text("a")]) }
            #expect(upstream.requests.count <= 1)
        }
    }

    @Test("where its JSON is none, or not the right one", arguments: Fault.noJSON)
    func notJSON(fault: Fault) async throws {
        try await FakeUpstream.run { _ in
            fault.act
        } _: { _, settings in
            let endpoint = EmbeddingEndpoint(transport: Transport(settings), model: "m", asksForBase64: true)
            let embedding = await #expect(throws: UpstreamError.self) { try await endpoint.embed([.text("a")]) }
            let chat = await model(settings).events().error as? UpstreamError
            for error in [embedding, chat] {
                guard case .garbage(_, let reason) = error else {
                    Issue.record("\(String(describing: error))")
                    continue
                }
                #expect(reason.contains(fault.words))
            }
        }
    }

    @Test("in mid-stream, behind what came before it", arguments: Self.broken)
    func midStream(stream: Broken) async throws {
        try await FakeUpstream.run { _ in
            stream.act
        } _: { _, settings in
            var settings = settings
            settings.limits.maxResponseBytes = 100_000
            settings.limits.maxLineBytes = 10_000
            settings.timeouts.gap = .milliseconds(stream.isSilent ? 100 : 60_000)
            let result = await model(settings).events()
            #expect(result.error as? UpstreamError == stream.error)
            #expect(result.events.first == .text("one "))
            #expect(!result.events.contains { if case .finish = $0 { true } else { false } })
        }
    }

    struct Broken: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var act: Act
        var error: UpstreamError
        var isSilent = false

        init(_ name: String, _ pieces: [String], then ending: Act.Ending = .end, _ reason: String) {
            testDescription = name
            act = .bytes(["data: \(Chunk.text("one "))\n\n"] + pieces, then: ending)
            error = .garbage(provider: "fake", reason: reason)
        }
    }

    static let broken: [Broken] = [
        Broken("no end", [], "the stream ended without a finish_reason and without [DONE]"),
        Broken("broken JSON", ["data: {oops\n\n"], "an event of its stream is not the JSON of a chunk"),
        Broken("no object", ["data: 42\n\n"], "an event of its stream is not the JSON of a chunk"),
        Broken("cut off", ["data: {\"choices\": ["], "an event of its stream is not the JSON of a chunk"),
        Broken(
            "wrong types", ["data: {\"choices\": [{\"delta\": {\"content\": 1}}]}\n\n"],
            "an event of its stream is not the JSON of a chunk"),
        Broken(
            "an error", ["data: {\"error\": {\"message\": \"out of \(Fault.key)\"}}\n\n"],
            "it broke off with an error: out of [redacted]"),
        Broken("an error event", ["event: error\ndata: {\"code\": 1}\n\n"], "it broke off with an error"),
        Broken(
            "vLLM's error", ["data: {\"object\": \"error\", \"message\": \"gone\"}\n\n"],
            "it broke off with an error: gone"),
        Broken(
            "a long line", ["data: ", String(repeating: "x", count: 20_000)],
            "a line or event of its stream is longer than 10000 bytes"),
        Broken(
            "a line without end", [], then: .endless(String(repeating: "x", count: 1_000)),
            "a line or event of its stream is longer than 10000 bytes"),
        Broken(
            "no end at all", [], then: .endless("data: \(Chunk.text(String(repeating: "a", count: 900)))\n\n"),
            "it is longer than 100000 bytes"),
        Broken("a lost connection", [], then: .breakOff, "the connection broke off amid the answer"),
        .silence,
    ]

    private func model(_ settings: ProviderSettings) -> any LanguageModel {
        OpenAICompatibleProvider(settings).languageModel(named: "m")
    }
}

extension FaultTests.Broken {
    static var silence: Self {
        var broken = Self("silence", [], then: .silence, "")
        broken.error = .timedOut(provider: "fake", waitingFor: "next token")
        broken.isSilent = true
        return broken
    }
}

extension ProviderSettings {
    /// With a short deadline where the fault is one.
    func hurried(_ fault: Fault) -> ProviderSettings {
        var settings = self
        if case .timedOut = fault.error { settings.timeouts.firstToken = .milliseconds(100) }
        return settings
    }
}
