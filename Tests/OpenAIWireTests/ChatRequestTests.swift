import Foundation
import Knowledge
import Testing

@testable import OpenAIWire

@Suite("A chat request")
struct ChatRequestTests {
    private func request(_ json: String) throws -> ChatRequest { try ChatRequest(Fields(json: Data(json.utf8))) }
    private static let hello = #""messages": [{"role": "user", "content": "Hello"}]"#

    @Test("reads alan at the top level and inside a literal extra_body")
    func alan() throws {
        let alan = #""alan": {"expert_id": "expert_1", "knowledgebase_ids": ["vs_1"], "knowledgebase_mode": "merge"}"#
        for body in ["{\(Self.hello), \(alan)}", "{\(Self.hello), \"extra_body\": {\(alan)}}"] {
            let choice = try request(body).question.knowledge
            #expect(choice.expert == ExpertID(rawValue: "expert_1"))
            #expect(choice.knowledgeBases == [KnowledgeBaseID(rawValue: "vs_1")])
            #expect(choice.mode == .merge)
        }
        #expect(try request("{\(Self.hello)}").question.knowledge.knowledgeBases == nil)
        #expect(try request("{\(Self.hello), \"alan\": {\"knowledgebase_ids\": []}}").question.knowledge.knowledgeBases == [])
    }

    @Test("passes on what models know, and nothing else")
    func parameters() throws {
        let question = try request(
            "{\(Self.hello), \"mirostat\": 2, \"temperature\": 0.3, \"stream\": true, \"user\": null, \"max_token\": 9, \"api_base\": \"x\"}"
        ).question
        #expect(question.parameters == ["mirostat": 2, "temperature": 0.3, "max_tokens": 9])
    }

    @Test("joins text parts and knows where the first other part is")
    func parts() throws {
        let turns = try request(
            """
            {"messages": [{"role": "user", "content": [{"type": "text", "text": "What"}, {"type": "image_url", \
            "image_url": {"url": "x"}}, {"type": "text", "text": "is it?"}]}]}
            """
        ).question.turns
        #expect(turns[0].text == "What\nis it?")
        #expect(turns[0].firstMedia == "messages[0].content[1]")
    }

    @Test("lets an assistant's tool call stand without content")
    func toolCall() throws {
        let turns = try request(
            #"{"messages": [{"role": "assistant", "content": null, "tool_calls": [{"id": "1"}]}]}"#
        ).question.turns
        #expect(turns[0].text == "")
    }

    @Test(
        "is refused with the path of what is wrong",
        arguments: [
            (#"{"model": "m"}"#, RequestError.missing(parameter: "messages")),
            (#"{"messages": "x"}"#, .wrongType(parameter: "messages", expected: "an array")),
            (#"{"messages": []}"#, .invalid(parameter: "messages", message: "must hold at least one message")),
            (#"{"messages": [1]}"#, .wrongType(parameter: "messages[0]", expected: "an object")),
            (#"{"messages": [{"content": "x"}]}"#, .missing(parameter: "messages[0].role")),
            (#"{"messages": [{"role": "user"}]}"#, .missing(parameter: "messages[0].content")),
            (#"{"messages": [{"role": "user", "content": 5}]}"#, .wrongType(parameter: "messages[0].content", expected: "a string or an array of parts")),
            (#"{"messages": [{"role": "user", "content": [{"type": "text"}]}]}"#, .missing(parameter: "messages[0].content[0].text")),
            ("{\(hello), \"temperature\": 3}", .invalid(parameter: "temperature", message: "must be between 0 and 2")),
            ("{\(hello), \"temperature\": \"hot\"}", .wrongType(parameter: "temperature", expected: "a number")),
            ("{\(hello), \"max_tokens\": 0}", .invalid(parameter: "max_tokens", message: "must be between 1 and 1000000")),
            ("{\(hello), \"n\": 2}", .invalid(parameter: "n", message: "must be 1: this server gives one answer a request")),
            ("{\(hello), \"stream\": 1}", .wrongType(parameter: "stream", expected: "a boolean")),
            ("{\(hello), \"alan\": {\"knowledgebase_ids\": \"x\"}}", .wrongType(parameter: "alan.knowledgebase_ids", expected: "an array")),
            ("{\(hello), \"alan\": {\"knowledgebase_ids\": [1]}}", .wrongType(parameter: "alan.knowledgebase_ids[0]", expected: "a string")),
            ("{\(hello), \"alan\": 1}", .wrongType(parameter: "alan", expected: "an object")),
            ("[]", .malformed("The body must be a JSON object.")), ("{", .malformed("The body is not valid JSON: the text ends too early at byte 1.")),
        ])
    func refused(_ json: String, _ error: RequestError) {
        #expect(throws: error) { try request(json) }
    }

    @Test("names the allowed roles where one is unknown")
    func role() {
        #expect(throws: RequestError.self) { try request(#"{"messages": [{"role": "king", "content": "x"}]}"#) }
    }
}
