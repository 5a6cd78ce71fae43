import Knowledge
import Testing

@testable import Providers

@Suite("A provider's model answers")
struct ChatAnswerTests {
    @Test("with the events of the stream, in order, usage last")
    func stream() async throws {
        let call: JSONValue = ["index": 0, "id": "c", "function": ["name": "f", "arguments": "{}"]]
        try await FakeUpstream.run { _ in
            .events([
                Chunk.delta(["role": "assistant", "content": ""]),
                Chunk.delta(["reasoning_content": "hm", "content": .null]),
                Chunk.text("Grüß "),
                Chunk.text(of: ["choices": [], "usage": ["prompt_tokens": 7, "completion_tokens": 1]]),
                Chunk.text("Gott"),
                Chunk.delta(["tool_calls": [call], "refusal": .null]),
                Chunk.delta(["content": .null], finish: "tool_calls"),
                Chunk.text(of: ["choices": [], "usage": ["prompt_tokens": 7, "completion_tokens": 3]]),
                Chunk.done,
            ])
        } _: { _, settings in
            let answer = await OpenAICompatibleProvider(settings).languageModel(named: "m").events()
            #expect(answer.error == nil)
            #expect(
                answer.events == [
                    .fields(["reasoning_content": "hm"]), .text("Grüß "), .text("Gott"),
                    .fields(["tool_calls": [call]]), .finish("tool_calls"),
                    .usage(TokenUsage(prompt: 7, completion: 3)),
                ])
        }
    }

    @Test("with the same events where the server does not stream")
    func object() async throws {
        let message: JSONValue = [
            "role": "assistant", "content": "Gott", "refusal": .null,
            "tool_calls": [["id": "a", "type": "function"], ["id": "b", "type": "function"]],
        ]
        try await FakeUpstream.run { _ in
            .json([
                "object": "chat.completion", "choices": [["index": 0, "message": message, "finish_reason": "stop"]],
                "usage": ["prompt_tokens": 2, "completion_tokens": 1],
            ])
        } _: { _, settings in
            let answer = await OpenAICompatibleProvider(settings).languageModel(named: "m").events()
            #expect(answer.error == nil)
            #expect(
                answer.events == [
                    .text("Gott"),
                    .fields([
                        "tool_calls": [
                            ["id": "a", "type": "function", "index": 0], ["id": "b", "type": "function", "index": 1],
                        ]
                    ]),
                    .finish("stop"), .usage(TokenUsage(prompt: 2, completion: 1)),
                ])
        }
    }

    @Test(
        "to an end that other servers mark in other ways",
        arguments: [
            ([Chunk.text("a"), Chunk.finish("stop")], "stop"),
            ([Chunk.text("a"), Chunk.done], "stop"),
            ([Chunk.text("a"), Chunk.finish("max_tokens"), Chunk.done], "length"),
            ([Chunk.text("a"), Chunk.delta([:], finish: ""), Chunk.finish("eos_token"), Chunk.done], "stop"),
            ([Chunk.delta(["content": "a"], finish: "length"), Chunk.finish("stop"), Chunk.done], "length"),
            ([Chunk.text("a"), Chunk.done, "{no more", Chunk.text("b")], "stop"),
        ])
    func ends(events: [String], reason: String) async throws {
        try await FakeUpstream.run { _ in
            .events(events)
        } _: { _, settings in
            let answer = await OpenAICompatibleProvider(settings).languageModel(named: "m").events()
            #expect(answer.error == nil)
            #expect(answer.events == [.text("a"), .finish(reason)])
        }
    }

    @Test("after the server got the parameters as they came, in a stream that is ours to choose")
    func parameters() async throws {
        let parameters: [String: JSONValue] = [
            "temperature": 0.5, "seed": 3, "tools": [["type": "function"]], "stop": ["a", "b"], "vendor": ["x": .null],
            "stream": false, "stream_options": ["include_usage": false], "model": "other", "messages": [],
        ]
        try await FakeUpstream.run { _ in
            .events([Chunk.finish("stop"), Chunk.done])
        } _: { upstream, settings in
            let model = OpenAICompatibleProvider(settings).languageModel(named: "vendor/m:1")
            _ = await model.events(for: .asking("why / how?", parameters: parameters))
            let request = try #require(upstream.requests.first)
            #expect(request.path == "/v1/chat/completions")
            #expect(request.headers["authorization"] == "Bearer \(ProviderSettings.testKey)")
            #expect(request.headers["accept-encoding"] == nil)
            #expect(
                request.body == [
                    "temperature": 0.5, "seed": 3, "tools": [["type": "function"]], "stop": ["a", "b"],
                    "vendor": ["x": .null], "model": "vendor/m:1", "stream": true,
                    "stream_options": ["include_usage": true],
                    "messages": [["role": "user", "content": "why / how?"]],
                ])
        }
    }

    @Test("under the names that its server lists")
    func listsModels() async throws {
        try await FakeUpstream.run { _ in
            .json(["object": "list", "data": [["id": "a"], ["id": ""], ["id": "b/c", "max_model_len": 8192]]])
        } _: { upstream, settings in
            let provider = OpenAICompatibleProvider(settings)
            let models = try await provider.models()
            #expect(models == ["a", "b/c"])
            let limits = try await provider.listing().map(\.maxSequenceLength)
            #expect(limits == [0, 8192])
            #expect(upstream.requests.map(\.path) == ["/v1/models", "/v1/models"])
        }
    }

    @Test("and lives as long as it sends comments, which do not begin it")
    func comments() throws {
        var decoder = ChatStreamDecoder(maxLineBytes: 100)
        var events: [ModelEvent] = []
        try decoder.decode(Array(": wait\n\n".utf8), into: &events)
        let lifeSigns = decoder.lifeSigns
        #expect(lifeSigns > 0 && !decoder.isBegun)
        try decoder.decode(Array(": wa".utf8), into: &events)
        #expect(decoder.lifeSigns == lifeSigns)
        try decoder.decode(Array("it\n".utf8), into: &events)
        #expect(decoder.lifeSigns > lifeSigns && !decoder.isBegun && events.isEmpty)
    }
}
