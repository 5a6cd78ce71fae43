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

    @Test("passes on the parameters of other servers, and keeps to itself what only changes how a server answers")
    func dialects() throws {
        let question = try request(
            """
            {\(Self.hello), "mirostat": 2, "samplers": ["top_k", "min_p"], "logit_bias": [["Hello", false]], "grammar": "root ::= x",
            "character": "Example", "instruction_template": "Alpaca", "preset": "min_p", "steering_concepts": ["kind"],
            "n_predict": -1, "return_tokens": true, "api_key": "x", "stop": [], "alan": {}}
            """
        ).question
        #expect(
            question.parameters == [
                "mirostat": 2, "samplers": ["top_k", "min_p"], "logit_bias": [["Hello", false]], "grammar": "root ::= x",
                "character": "Example", "instruction_template": "Alpaca", "preset": "min_p",
                "steering_concepts": ["kind"],
            ])
    }

    @Test("tells text-generation-webui's dialect by its own fields")
    func webUI() throws {
        #expect(try request(#"{"mode": "instruct", \#(Self.hello)}"#).isWebUI)
        #expect(try !request("{\(Self.hello), \"mirostat\": 2}").isWebUI)
    }

    @Test("calls the token limit by OpenAI's name, whoever named it", arguments: ["max_token", "maximum_tokens", "n_predict"])
    func tokenLimit(_ name: String) throws {
        #expect(try request("{\(Self.hello), \"\(name)\": 7}").question.parameters == ["max_tokens": 7])
        #expect(try request("{\(Self.hello), \"\(name)\": 7, \"max_tokens\": 5}").question.parameters == ["max_tokens": 5])
    }

    @Test("joins text parts and knows where the first other part is")
    func parts() throws {
        let turns = try request(
            """
            {"messages": [{"role": "user", "content": [{"type": "text", "text": "What"}, {"type": "image_url", \
            "image_url": {"url": "https://x/y.png"}}, {"type": "text", "text": "is it?"}]}]}
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
            ("{\(hello), \"n\": 17}", .invalid(parameter: "n", message: "must be between 1 and 16")),
            ("{\(hello), \"top_logprobs\": 3}", .invalid(parameter: "top_logprobs", message: "needs 'logprobs' to be true")),
            ("{\(hello), \"tool_choice\": \"required\"}", .invalid(parameter: "tool_choice", message: "needs 'tools'")),
            ("{\(hello), \"tools\": [{\"type\": \"function\"}]}", .missing(parameter: "tools[0].function")),
            ("{\(hello), \"tools\": [{\"type\": \"function\", \"function\": {}}]}", .missing(parameter: "tools[0].function.name")),
            ("{\(hello), \"response_format\": {\"type\": \"xml\"}}", .invalid(parameter: "response_format.type", message: "must be one of: text, json_object, json_schema")),
            ("{\(hello), \"response_format\": {\"type\": \"json_schema\"}}", .missing(parameter: "response_format.json_schema")),
            ("{\(hello), \"logit_bias\": {\"50256\": 101}}", .invalid(parameter: "logit_bias.50256", message: "must be between -100 and 100")),
            ("{\(hello), \"logit_bias\": [[1]]}", .wrongType(parameter: "logit_bias[0]", expected: "a token and its bias")),
            ("{\(hello), \"metadata\": {\"a\": 1}}", .wrongType(parameter: "metadata.a", expected: "a string")),
            ("{\(hello), \"mirostat\": 3}", .invalid(parameter: "mirostat", message: "must be between 0 and 2")),
            ("{\(hello), \"min_p\": \"low\"}", .wrongType(parameter: "min_p", expected: "a number")),
            ("{\(hello), \"mode\": \"poem\"}", .invalid(parameter: "mode", message: "must be one of: instruct, chat, chat-instruct")),
            ("{\(hello), \"n_predict\": 0}", .invalid(parameter: "n_predict", message: "must be between 1 and 1000000")),
            (#"{"messages": [{"role": "tool", "content": "x"}]}"#, .missing(parameter: "messages[0].tool_call_id")),
            (#"{"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}"#, .missing(parameter: "messages[0].content[0].image_url")),
            (#"{"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "file:///etc/passwd"}}]}]}"#, .invalid(parameter: "messages[0].content[0].image_url.url", message: "must be an http or https URL, or a data URI of an image")),
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
