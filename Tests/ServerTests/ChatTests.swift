import Foundation
import HTTPTypes
import Testing

@testable import Knowledge
@testable import Server

@Suite("Chat completions", .timeLimit(.minutes(2)))
struct ChatTests {
    static let light = (
        name: "light.md",
        text: "# Lighthouse 🌊\n\nThe lighthouse of Größenvelden was built in 1871.\n\n## Keeper\n\nThe last keeper was Ilse Brandt.\n"
    )
    static let mill = (name: "mill.md", text: "# Mill\n\nThe mill grinds rye on Tuesdays and Fridays.\n")

    @Test("answer from the named knowledge base, with references that quote it to the letter")
    func grounded() async throws {
        try await TestServer.run { server in
            let base = try await server.knowledgeBase([Self.light, Self.mill])
            let answer = try await server.ask("When was the lighthouse built?", ["knowledgebase_ids": [.string(base)]])
            #expect(answer.status == 200)
            let alan = answer.json["alan"]
            let message = answer.json["choices"]?.array?.first?["message"]
            #expect(message?["content"]?.string?.contains("1871") == true)
            #expect(message?["content"]?.string?.contains("[1]") == true)
            #expect(message?["annotations"]?.array?.first?["type"] == "file_citation")
            #expect(alan?["resolved"]?["knowledgebase_ids"] == [.string(base)])
            #expect(alan?["retrieval"]?["grounded"] == true)
            let references = alan?["references"]?.array ?? []
            #expect(references.first?["filename"] == "light.md")
            for reference in references {
                let path = "/v1/vector_stores/\(base)/files/\(reference["file_id"]?.string ?? "")/content"
                let text = try await server.get(path).json["data"]?.array?.first?["text"]?.string ?? ""
                let (start, end) = (reference["start"]?.integer ?? 0, reference["end"]?.integer ?? 0)
                let quoted = String(String.UnicodeScalarView(Array(text.unicodeScalars)[start..<end]))
                #expect(quoted == reference["quote"]?.string)
            }
        }
    }

    @Test("stream references first, annotations last, usage alone without choices, then [DONE]")
    func streamed() async throws {
        try await TestServer.run { server in
            let base = try await server.knowledgeBase([Self.light])
            let answer = try await server.ask(
                "When was the lighthouse built?", ["knowledgebase_ids": [.string(base)]],
                ["stream": true, "stream_options": ["include_usage": true]])
            #expect(answer.headers[.contentType]?.hasPrefix("text/event-stream") == true)
            #expect(answer.events.last == "[DONE]")
            let chunks = try answer.events.dropLast().map {
                try JSONDecoder().decode(JSONValue.self, from: Data($0.utf8))
            }
            #expect(chunks.first?["alan"]?["references"]?.array?.isEmpty == false)
            #expect(chunks.first?["choices"]?.array?.first?["delta"]?["role"] == "assistant")
            let withoutChoices = chunks.filter { $0["choices"]?.array?.isEmpty == true }
            #expect(withoutChoices.count == 1)
            #expect(withoutChoices.first == chunks.last)
            #expect((chunks.last?["usage"]?["total_tokens"]?.integer ?? 0) > 0)
            let finish = chunks.dropLast().last?["choices"]?.array?.first
            #expect(finish?["finish_reason"] == "stop")
            #expect(finish?["delta"]?["annotations"]?.array?.isEmpty == false)
            let text = chunks.compactMap { $0["choices"]?.array?.first?["delta"]?["content"]?.string }.joined()
            #expect(text.contains("1871"))
            #expect(Set(chunks.map { $0["id"] }).count == 1)
        }
    }

    @Test("hand the model its passages in the last user turn, and take invented markers out of what it says")
    func augmented() async throws {
        let model = ScriptedModel(saying: "In 1871 [1], they say [99].")
        try await TestServer.run(models: [ScriptedModel.card: model]) { server in
            let base = try await server.knowledgeBase([Self.light])
            let answer = try await server.ask(
                "When was the lighthouse built?", model: "vendor/scripted", ["knowledgebase_ids": [.string(base)]],
                ["temperature": 0.3, "messages": [
                    ["role": "system", "content": "Be brief."], ["role": "user", "content": "When was the lighthouse built?"],
                ]])
            let prompt = try #require(model.prompts.first)
            #expect(prompt.messages.first == ["role": "system", "content": "Be brief."])
            #expect(prompt.messages.last?.contentText.contains("built in 1871") == true)
            #expect(prompt.parameters == ["temperature": 0.3])
            let message = answer.json["choices"]?.array?.first?["message"]
            #expect(message?["content"] == "In 1871 [1], they say.")
            #expect(answer.json["alan"]?["removed_markers"] == 1)
            #expect((answer.json["usage"]?["completion_tokens"]?.integer ?? 0) > 0)
        }
    }

    @Test("put a tool call together from its deltas")
    func toolCalls() async throws {
        func piece(_ function: JSONValue, _ more: [String: JSONValue] = [:]) -> ScriptedModel.Step {
            let call: [String: JSONValue] = ["index": 0, "function": function]
            return .event(.fields(["tool_calls": [.object(call.merging(more) { $1 })]]))
        }
        let model = ScriptedModel([
            piece(["name": "weather", "arguments": ""], ["id": "call_1", "type": "function"]),
            piece(["arguments": "{\"city\": "]), piece(["arguments": "\"Hamburg\"}"]), .event(.finish("tool_calls")),
            .event(.usage(TokenUsage(prompt: 7, completion: 3))),
        ])
        try await TestServer.run(models: [ScriptedModel.card: model]) { server in
            let answer = try await server.ask("Weather?", model: "vendor/scripted")
            let choice = answer.json["choices"]?.array?.first
            let call = choice?["message"]?["tool_calls"]?.array?.first
            #expect(call?["function"]?["arguments"] == "{\"city\": \"Hamburg\"}")
            #expect(call?["id"] == "call_1")
            #expect(choice?["message"]?["content"] == .null)
            #expect(choice?["finish_reason"] == "tool_calls")
            #expect(answer.json["usage"]?["total_tokens"] == 10)
        }
    }

    @Test("refuse, answer or fail on questions that nothing is known about, as asked")
    func onEmpty() async throws {
        let model = ScriptedModel(saying: "I guess so.")
        try await TestServer.run(models: [ScriptedModel.card: model]) { server in
            let base = try await server.knowledgeBase([])
            func ask(_ onEmpty: JSONValue) async throws -> TestServer.Answer {
                try await server.ask(
                    "Anything?", model: "vendor/scripted",
                    ["knowledgebase_ids": [.string(base)], "on_empty": onEmpty])
            }
            let refused = try await ask("refuse")
            #expect(model.prompts.isEmpty)
            #expect(refused.json["choices"]?.array?.first?["message"]?["content"] == "The documents say nothing about this.")
            #expect(try await ask("error").status == 422)
            let answered = try await ask("answer")
            #expect(answered.json["choices"]?.array?.first?["message"]?["content"] == "I guess so.")
            #expect(answered.json["alan"]?["retrieval"]?["grounded"] == false)
        }
    }

    @Test("turn a model's failure into its status, or into an error event once the stream has begun")
    func failures() async throws {
        let cases: [(UpstreamError, Int)] = [
            (.unreachable(provider: "p", reason: "secret"), 502), (.timedOut(provider: "p", waitingFor: "first token"), 504),
            (.rejected(provider: "p", status: 422, message: "too long"), 400), (.unauthorized(provider: "p"), 502),
            (.rateLimited(provider: "p", retryAfterSeconds: 7), 429), (.failed(provider: "p", status: 503), 502),
            (.garbage(provider: "p", reason: "html"), 502),
        ]
        for (error, status) in cases {
            let model = ScriptedModel([.failure(error)])
            try await TestServer.run(models: [ScriptedModel.card: model]) { server in
                let answer = try await server.ask("x", model: "vendor/scripted", [:], ["stream": true])
                #expect(answer.status == status)
                #expect(answer.error?["message"]?.string?.isEmpty == false)
                #expect(!answer.body.contains("secret"))
                if status == 429 { #expect(answer.headers[.retryAfter] == "7") }
            }
        }
        let model = ScriptedModel([.event(.text("one ")), .failure(.garbage(provider: "p", reason: "broken"))])
        try await TestServer.run(models: [ScriptedModel.card: model]) { server in
            let answer = try await server.ask("x", model: "vendor/scripted", [:], ["stream": true])
            #expect(answer.status == 200)
            #expect(answer.events.last?.contains("\"error\"") == true)
            #expect(!answer.events.contains("[DONE]"))
        }
    }
}
