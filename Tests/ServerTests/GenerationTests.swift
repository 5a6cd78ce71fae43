import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import NIOEmbedded
import Synchronization
import TestSupport
import Testing

@testable import Knowledge
@testable import OpenAIWire
@testable import Server
@testable import Service
@testable import almanac

@Suite("Generation", .timeLimit(.minutes(2)))
struct GenerationTests {
    private static func chunks(_ answer: TestServer.Answer) throws -> [JSONValue] {
        try answer.events.filter { $0 != "[DONE]" }.map { try JSONDecoder().decode(JSONValue.self, from: Data($0.utf8)) }
    }

    @Test("gives as many choices as are wanted, whole and streamed, each with a seed of its own")
    func choices() async throws {
        let model = ScriptedModel([
            .event(.text("one ")), .event(.text("two")), .event(.finish("stop")), .event(.usage(TokenUsage(prompt: 5, completion: 2))),
        ])
        try await TestServer.run(models: [ScriptedModel.card: model]) { server in
            let more: [String: JSONValue] = ["n": 3, "seed": 7, "stream_options": ["include_usage": true]]
            let whole = try await server.ask("x", model: "vendor/scripted", [:], more).json
            #expect(whole["choices"]?.array?.map { $0["index"] } == [0, 1, 2])
            #expect(whole["choices"]?.array?.map { $0["message"]?["content"] } == ["one two", "one two", "one two"])
            #expect(whole["usage"] == ["prompt_tokens": 5, "completion_tokens": 6, "total_tokens": 11])
            #expect(Set(model.prompts.map { $0.parameters["seed"] }) == [7, 8, 9])

            let streamed = try await server.ask(
                "x", model: "vendor/scripted", [:], more.merging(["stream": true]) { $1 })
            let chunks = try Self.chunks(streamed)
            for index in 0..<3 {
                let text = chunks.compactMap { chunk -> String? in
                    guard let choice = chunk["choices"]?.array?.first, choice["index"] == .integer(index) else { return nil }
                    return choice["delta"]?["content"]?.string
                }
                #expect(text.joined() == "one two")
            }
            #expect(chunks.filter { $0["choices"]?.array?.first?["finish_reason"]?.string != nil }.count == 3)
            #expect(chunks.last?["usage"]?["total_tokens"] == 11)
            #expect(chunks.filter { $0["alan"]?["references"] != nil }.count == 1)
        }
    }

    @Test("hands log probabilities and details of usage through")
    func logprobs() async throws {
        func token(_ text: String) -> JSONValue { ["content": [["token": .string(text), "logprob": -0.5]]] }
        let model = ScriptedModel([
            .event(.logprobs(token("a"))), .event(.text("a")), .event(.logprobs(token("a"))), .event(.text("a")),
            .event(.finish("stop")),
            .event(.usage(TokenUsage(prompt: 1, completion: 2, details: ["prompt_tokens_details": ["cached_tokens": 1]]))),
        ])
        try await TestServer.run(models: [ScriptedModel.card: model]) { server in
            let more: [String: JSONValue] = ["logprobs": true, "top_logprobs": 2]
            let whole = try await server.ask("x", model: "vendor/scripted", [:], more).json
            #expect(whole["choices"]?.array?.first?["logprobs"]?["content"]?.array?.count == 2)
            #expect(whole["usage"]?["prompt_tokens_details"]?["cached_tokens"] == 1)
            #expect(model.prompts.first?.parameters == more)
            let streamed = try await server.ask("x", model: "vendor/scripted", [:], more.merging(["stream": true]) { $1 })
            let tokens = try Self.chunks(streamed).compactMap { $0["choices"]?.array?.first?["logprobs"]?["content"]?.array }
            #expect(tokens.joined().count == 2)
        }
    }

    @Test("joins equal pieces of a tool call's arguments, and takes a repeated name once")
    func equalPieces() async throws {
        func piece(_ arguments: String) -> ScriptedModel.Step {
            .event(.fields(["tool_calls": [["index": 0, "id": "c", "function": ["name": "f", "arguments": .string(arguments)]]]]))
        }
        let model = ScriptedModel([piece("1"), piece("1"), piece("11"), .event(.finish("tool_calls"))])
        try await TestServer.run(models: [ScriptedModel.card: model]) { server in
            let message = try await server.ask("x", model: "vendor/scripted").json["choices"]?.array?.first?["message"]
            #expect(message?["tool_calls"] == [["id": "c", "function": ["name": "f", "arguments": "1111"]]])
        }
    }

    @Test("searches for the last user turn while tools talk, and keeps their messages in order")
    func toolsWithKnowledge() async throws {
        let model = ScriptedModel(saying: "It was built in 1871 [1].")
        try await TestServer.run(models: [ScriptedModel.card: model]) { server in
            let base = try await server.knowledgeBase([ChatTests.light])
            let call: JSONValue = ["id": "c1", "type": "function", "function": ["name": "clock", "arguments": "{}"]]
            let messages: JSONValue = [
                ["role": "developer", "content": "Be brief."],
                ["role": "user", "content": "When was the lighthouse built?", "name": "kim"],
                ["role": "assistant", "content": .null, "tool_calls": [call]],
                ["role": "tool", "tool_call_id": "c1", "content": "It is noon."],
            ]
            let tools: JSONValue = [["type": "function", "function": ["name": "clock", "parameters": ["type": "object"]]]]
            let answer = try await server.ask(
                "", model: "vendor/scripted", ["knowledgebase_ids": [.string(base)]],
                ["messages": messages, "tools": tools, "tool_choice": "auto", "parallel_tool_calls": false])
            #expect(answer.json["alan"]?["retrieval"]?["grounded"] == true)
            let prompt = try #require(model.prompts.first)
            #expect(prompt.messages.map { $0["role"] } == ["developer", "user", "assistant", "tool"])
            #expect(prompt.messages[1].contentText.contains("built in 1871"))
            #expect(prompt.messages[2]["tool_calls"] == [call])
            #expect(prompt.parameters["tools"] == tools)
        }
    }

    @Test("by extraction refuses what only a model that writes can do, and says so")
    func extractive() async throws {
        try await TestServer.run { server in
            let schema: JSONValue = ["type": "json_schema", "json_schema": ["name": "s", "schema": [:]]]
            let tools: JSONValue = [["type": "function", "function": ["name": "f"]]]
            let image: JSONValue = [
                [
                    "role": "user",
                    "content": [["type": "text", "text": "What?"], ["type": "image_url", "image_url": ["url": "data:image/png;base64,AA=="]]],
                ]
            ]
            let cases: [([String: JSONValue], String?)] = [
                (["response_format": ["type": "json_object"]], "response_format"), (["response_format": schema], "response_format"),
                (["response_format": ["type": "text"]], nil), (["tools": tools], nil),
                (["tools": tools, "tool_choice": "required"], "tool_choice"), (["messages": image], "messages[0].content[1]"),
                (["logprobs": true, "top_logprobs": 5], nil), (["n": 4], nil),
            ]
            for (more, parameter) in cases {
                let answer = try await server.ask("x", [:], more)
                #expect(answer.status == (parameter == nil ? 200 : 400), "\(more)")
                #expect(answer.error?["param"]?.string == parameter)
            }
            #expect(try await server.ask("x", [:], ["n": 4]).json["choices"]?.array?.count == 4)
        }
    }

    @Test("mirrors deltas as messages for text-generation-webui's clients, and for nobody else")
    func mirrored() async throws {
        let model = ScriptedModel(saying: "Hello!")
        try await TestServer.run(models: [ScriptedModel.card: model]) { server in
            for (more, isMirrored) in [(["mode": "instruct"], true), ([:], false)] as [([String: JSONValue], Bool)] {
                let answer = try await server.ask("x", model: "vendor/scripted", [:], more.merging(["stream": true]) { $1 })
                let messages = try Self.chunks(answer).map { $0["choices"]?.array?.first?["message"]?["content"]?.string }
                #expect(messages.allSatisfy { ($0 != nil) == isMirrored })
                if isMirrored { #expect(messages.compactMap(\.self).joined() == "Hello!") }
            }
        }
    }

    @Test("keeps a silent stream alive with comments", arguments: [false, true])
    func keptAlive(isResponse: Bool) async throws {
        let model = PacedModel()
        let answer = Answer(
            model: "m",
            resolved: ResolvedKnowledge(
                expert: nil, bases: [], source: .none, model: "m", parameters: [:], onEmpty: .answer),
            retrieval: Answer.Retrieval(candidates: 0, used: 0, topScore: nil, isGrounded: false), references: [],
            choices: [AnswerEvents(model: try await model.stream(), referenceCount: nil)],
            estimate: UsageEstimate(prompt: [], counter: WordEmbedder(), workers: Workers(count: 1, name: "test")))
        var habits = StreamHabits()
        habits.keepAlive = .milliseconds(1)
        let source = ApplicationRequestContextSource(channel: NIOAsyncTestingChannel(), logger: Logger(label: "test"))
        let context = AppContext(source: source)
        // The model speaks only once two comments have been written.
        let paper = Paper { text in
            guard text.components(separatedBy: ": keep-alive").count == 3 else { return }
            model.say(.text("at last"))
            model.fallSilentForGood()
        }
        var writer: any ResponseBodyWriter = paper
        if isResponse {
            let request = try ResponseRequest(Fields(json: Data(#"{"input": "x", "stream": true, "store": false}"#.utf8)))
            try await ResponseStream(
                request: request, answer: answer, responses: NoResponses(), scope: Scope(tenant: TenantID(rawValue: "t"), role: .user),
                habits: habits, context: context
            ).write(to: &writer)
        } else {
            try await AnswerStream(first: ChatObjects(answer), habits: habits, context: context).write(to: &writer)
        }
        let text = paper.text.withLock { $0 }
        #expect(text.contains("at last"))
        #expect(text.hasSuffix("data: [DONE]\n\n") || isResponse && text.contains("event: response.completed"))
    }

    @Test("is announced by comments while nothing has come, and what fails then is told in the stream", arguments: [true, false])
    func late(fails: Bool) async throws {
        var habits = StreamHabits()
        (habits.patience, habits.keepAlive) = (.milliseconds(1), .milliseconds(1))
        let context = AppContext(
            source: ApplicationRequestContextSource(channel: NIOAsyncTestingChannel(), logger: Logger(label: "test")))
        // It is made once two comments have been written.
        let waited = Latch()
        let paper = Paper { text in if text.components(separatedBy: ": keep-alive").count == 3 { waited.open() } }
        let response = try await context.stream(habits) {
            await waited.wait()
            if fails { throw UpstreamError.timedOut(provider: "p", waitingFor: "the first token") }
            return "made"
        } write: { made, writer in
            try await writer.write(ByteBuffer(string: made))
        }
        #expect(response.status == .ok)
        try await response.body.write(paper)
        let text = paper.text.withLock { $0 }
        #expect(text.hasPrefix(": keep-alive\n\n"))
        #expect(fails ? text.contains("data: {\"error\"") && text.contains("upstream_timeout") : text.hasSuffix("\n\nmade"))
    }

    @Test("fails with a status of its own where that is known soon")
    func early() async throws {
        let context = AppContext(
            source: ApplicationRequestContextSource(channel: NIOAsyncTestingChannel(), logger: Logger(label: "test")))
        await #expect(throws: RequestError.unknownModel("x")) {
            try await context.stream(StreamHabits()) { throw RequestError.unknownModel("x") } write: { (_: Int, _) in }
        }
    }

    @Test("ends at the holder's word with what there is so far")
    func stopped() async throws {
        let model = PacedModel()
        try await TestServer.run(models: [ScriptedModel.card: model]) { server in
            #expect(try await server.send(.post, "/v1/internal/stop-generation").body == "\"OK\"")
            let (keys, door) = (server.services.keys, server.services.door)
            let own = try #require(await keys.scope(of: TestServer.adminKey))
            let key = try await keys.create(name: "other", role: .user, tenant: own.tenant, by: own).secret
            let other = try #require(await keys.scope(of: key))
            let turn = Question.Turn(role: .user, text: "x", message: ["role": "user", "content": "x"])
            let answer = try await door.answer(Question(model: "vendor/scripted", turns: [turn]), in: own)
            var events = answer.pieces.makeAsyncIterator()
            var said = ""
            for word in ["one ", "two "] {
                model.say(.text(word))
                if case .text(let text)? = try await events.next()?.event { said += text }
                door.stops.stop(other)
            }
            #expect(said == "one two ")
            // The model would go on for ever.
            door.stops.stop(own)
            var reason: String?
            if case .finish(let last, _, _)? = try await events.next()?.event { reason = last }
            #expect(reason == "stop")
            let more = try await events.next()
            #expect(more == nil)
        }
    }

    @Test("ends at the holder's word while the model is silent", arguments: [true, false])
    func stoppedInSilence(hasBegun: Bool) async throws {
        let model = MuteModel(begins: hasBegun)
        try await TestServer.run(models: [ScriptedModel.card: model]) { server in
            let door = server.services.door
            let own = try #require(await server.services.keys.scope(of: TestServer.adminKey))
            let turn = Question.Turn(role: .user, text: "x", message: ["role": "user", "content": "x"])
            async let pieces = {
                var pieces = try await door.answer(Question(model: "vendor/scripted", turns: [turn]), in: own).pieces
                    .makeAsyncIterator()
                return [try await pieces.next()?.event, try await pieces.next()?.event]
            }()
            await model.isAsked.wait()
            door.stops.stop(own)
            let made = try await pieces
            if case .finish("stop", _, _)? = made[0] {} else { Issue.record("\(String(describing: made[0]))") }
            #expect(made[1] == nil)
        }
    }
}

/// Never says anything.
private final class MuteModel: LanguageModel, Sendable {
    let isAsked = Latch()
    /// Whether it has at least said that it will answer.
    let begins: Bool

    init(begins: Bool) { self.begins = begins }

    func answer(_ prompt: Prompt) async throws -> AsyncThrowingStream<ModelEvent, any Error> {
        guard begins else {
            isAsked.open()
            try await Task.sleep(for: .seconds(86_400))
            return AsyncThrowingStream { $0.finish() }
        }
        return AsyncThrowingStream { [isAsked] in
            isAsked.open()
            try await Task.sleep(for: .seconds(86_400))
            return nil
        }
    }
}

/// Says what it is told, when it is told.
private final class PacedModel: LanguageModel, Sendable {
    private let events = AsyncThrowingStream<ModelEvent, any Error>.makeStream()

    func say(_ event: ModelEvent) { events.continuation.yield(event) }
    func fallSilentForGood() { events.continuation.finish() }

    func stream() async throws -> AsyncThrowingStream<ModelEvent, any Error> { events.stream }

    func answer(_ prompt: Prompt) async throws -> AsyncThrowingStream<ModelEvent, any Error> { events.stream }
}

/// Keeps nothing.
private struct NoResponses: ResponseStore {
    func add(_ response: StoredResponse, in scope: Scope) async throws {}
    func response(_ id: ResponseID, in scope: Scope) async throws -> StoredResponse { throw CancellationError() }
    func conversation(upTo id: ResponseID, in scope: Scope) async throws -> [StoredResponse] { [] }
    func remove(_ id: ResponseID, in scope: Scope) async throws {}
}

/// Keeps what is written, and shows it to somebody each time.
private final class Paper: ResponseBodyWriter, Sendable {
    let text = Mutex("")
    private let onWrite: @Sendable (String) -> Void

    init(onWrite: @escaping @Sendable (String) -> Void) {
        self.onWrite = onWrite
    }

    func write(_ buffer: ByteBuffer) async throws {
        onWrite(
            text.withLock { text in
                text += String(buffer: buffer)
                return text
            })
    }

    func finish(_ trailingHeaders: HTTPFields?) async throws {}
}
