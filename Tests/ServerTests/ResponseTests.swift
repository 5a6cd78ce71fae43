import Foundation
import HTTPTypes
import Testing

@testable import Knowledge
@testable import Server

@Suite("Responses", .timeLimit(.minutes(1)))
struct ResponseTests {
    @Test("keep thoughts, text, refusals and calls apart, whole and streamed alike")
    func mixed() async throws {
        func call(_ index: Int, _ arguments: String, name: String? = nil) -> ModelEvent {
            var function: [String: JSONValue] = ["arguments": .string(arguments)]
            function["name"] = name.map(JSONValue.string)
            return .fields(["tool_calls": [["index": .integer(index), "function": .object(function)]]])
        }
        let events: [ModelEvent] = [
            .fields(["reasoning_content": "Hm."]), .text("One"), call(0, "", name: "f"), .text(" two"),
            call(1, "{}", name: "g"), call(0, "{\"a\":"),
            .fields(["refusal": "No."]), call(0, "1}"), .finish("tool_calls"),
            .usage(
                TokenUsage(
                    prompt: 5, completion: 6,
                    details: [
                        "prompt_tokens_details": ["cached_tokens": 4],
                        "completion_tokens_details": ["reasoning_tokens": 3],
                    ])),
        ]
        try await TestServer.run(models: [ScriptedModel.card: ScriptedModel(events.map { .event($0) })]) { server in
            let body: [String: JSONValue] = ["model": "vendor/scripted", "input": "x"]
            let whole = try await server.post("/v1/responses", .object(body))
            let streamed = try await server.post(
                "/v1/responses", .object(body.merging(["stream": true]) { own, _ in own }))
            let data = streamed.body.components(separatedBy: "\n").filter { $0.hasPrefix("data: ") }
            let last = try JSONValue(json: Data((data.last ?? "").dropFirst(6).utf8))
            for response in [whole.json, last["response"] ?? .null] {
                let output = response["output"]?.array ?? []
                #expect(
                    output.compactMap { $0["type"]?.string } == [
                        "reasoning", "message", "function_call", "function_call",
                    ])
                #expect(output.first?["content"] == [["type": "reasoning_text", "text": "Hm."]])
                #expect(output[1]["content"]?.array?.map { $0["text"] ?? $0["refusal"] } == ["One two", "No."])
                #expect(output.dropFirst(2).map { $0["arguments"]?.string } == ["{\"a\":1}", "{}"])
                #expect(output.allSatisfy { $0["status"] == "completed" })
                #expect(response["usage"]?["total_tokens"] == 11)
                #expect(response["usage"]?["input_tokens_details"]?["cached_tokens"] == 4)
                #expect(response["usage"]?["output_tokens_details"]?["reasoning_tokens"] == 3)
            }
        }
    }

    @Test("that fail before anything was said get the failure's status, and are not kept")
    func failures() async throws {
        let model = ScriptedModel([.failure(.rateLimited(provider: "p", retryAfterSeconds: 7))])
        try await TestServer.run(models: [ScriptedModel.card: model]) { server in
            for stream in [true, false] {
                let answer = try await server.post(
                    "/v1/responses", ["model": "vendor/scripted", "input": "x", "stream": .bool(stream)])
                #expect(answer.status == 429 && answer.headers[.retryAfter] == "7")
            }
        }
        let broken = ScriptedModel([.event(.text("one ")), .failure(.garbage(provider: "p", reason: "broken"))])
        try await TestServer.run(models: [ScriptedModel.card: broken]) { server in
            let whole = try await server.post("/v1/responses", ["model": "vendor/scripted", "input": "x"])
            #expect(whole.status == 502)
        }
    }

    @Test("name the input where a model's window is too small for it")
    func tooLong() async throws {
        let error = UpstreamError.contextExceeded(provider: "p", windowTokens: 10, message: "too long")
        try await TestServer.run(models: [ScriptedModel.card: ScriptedModel([.failure(error)])]) { server in
            let answer = try await server.post("/v1/responses", ["model": "vendor/scripted", "input": "x"])
            #expect(answer.status == 400 && answer.error?["param"] == "input")
            #expect(answer.error?["code"] == "context_length_exceeded")
        }
    }
}
