import Foundation
import Knowledge
import Testing

@testable import OpenAIWire

@Suite("A completion request")
struct CompletionRequestTests {
    private func request(_ json: String) throws -> CompletionRequest {
        try CompletionRequest(Fields(json: Data(json.utf8)))
    }

    @Test("reads one text or many, and token ids")
    func prompts() throws {
        #expect(try request(#"{"prompt": "a"}"#).prompts == [.text("a")])
        #expect(try request(#"{"prompt": ["a", "b"]}"#).prompts == [.text("a"), .text("b")])
        #expect(try request(#"{"prompt": [1, 2]}"#).prompts == [.tokens([1, 2])])
        #expect(try request(#"{"prompt": [[1, 2], [3]]}"#).prompts == [.tokens([1, 2]), .tokens([3])])
    }

    @Test("leaves an echo with log probabilities to the model, and makes any other itself")
    func echo() throws {
        #expect(try request(#"{"prompt": "a", "echo": true}"#).parameters == [:])
        #expect(
            try request(#"{"prompt": "a", "echo": true, "logprobs": 1, "max_tokens": 0}"#).parameters
                == ["echo": true, "logprobs": 1, "max_tokens": 0])
    }

    @Test(
        "is refused with the path of what is wrong",
        arguments: [
            (#"{"model": "m"}"#, RequestError.missing(parameter: "prompt")),
            (#"{"prompt": []}"#, .invalid(parameter: "prompt", message: "must not be empty")),
            (#"{"prompt": {}}"#, .wrongType(parameter: "prompt", expected: "a string, an array of strings, or arrays of token ids")),
            (#"{"prompt": ["a", 1]}"#, .wrongType(parameter: "prompt[1]", expected: "a string or an array of token ids")),
            (#"{"prompt": [1, "a"]}"#, .wrongType(parameter: "prompt", expected: "an array of token ids")),
            (#"{"prompt": "a", "max_tokens": 0}"#, .invalid(parameter: "max_tokens", message: "must be at least 1 without 'echo'")),
            (#"{"prompt": "a", "logprobs": 6}"#, .invalid(parameter: "logprobs", message: "must be between 0 and 5")),
            (#"{"prompt": "a", "n": 3, "best_of": 2}"#, .invalid(parameter: "best_of", message: "must not be less than 'n'")),
            (#"{"prompt": "a", "suffix": 1}"#, .wrongType(parameter: "suffix", expected: "a string")),
            (#"{"prompt": "a", "echo": "yes"}"#, .wrongType(parameter: "echo", expected: "a boolean")),
        ])
    func refused(_ json: String, _ error: RequestError) {
        #expect(throws: error) { try request(json) }
    }

    @Test("makes no more than 128 texts")
    func tooMany() {
        let prompts = Array(repeating: "\"a\"", count: 10).joined(separator: ",")
        #expect(throws: RequestError.self) { try request("{\"prompt\": [\(prompts)], \"n\": 13}") }
        #expect(throws: Never.self) { try request("{\"prompt\": [\(prompts)], \"n\": 12}") }
    }
}

@Suite("A moderation request")
struct ModerationRequestTests {
    @Test("takes a text, texts, or the parts of one")
    func inputs() throws {
        func inputs(_ json: String) throws -> [String] { try ModerationRequest(Fields(json: Data(json.utf8))).inputs }
        #expect(try inputs(#"{"input": "a"}"#) == ["a"])
        #expect(try inputs(#"{"input": ["a", "b"]}"#) == ["a", "b"])
        #expect(try inputs(#"{"input": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}"#) == ["a\nb"])
        for wrong in [#"{}"#, #"{"input": []}"#, #"{"input": 1}"#, #"{"input": ["a", 1]}"#, #"{"input": [{"type": "image_url"}]}"#] {
            #expect(throws: RequestError.self) { try inputs(wrong) }
        }
    }
}

@Suite("A generate_stream request")
struct GenerateStreamRequestTests {
    @Test("has its experts and knowledge bases beside the messages, and names them so in errors")
    func flat() throws {
        func request(_ more: String) throws -> GenerateStreamRequest {
            try GenerateStreamRequest(Fields(json: Data("{\"messages\": [{\"role\": \"user\", \"content\": \"x\"}], \(more)}".utf8)))
        }
        let knowledge = try request(#""expert_id": "e", "knowledgebase_ids": ["k"]"#).question.knowledge
        #expect(knowledge.expert == ExpertID(rawValue: "e"))
        #expect(knowledge.knowledgeBases == [KnowledgeBaseID(rawValue: "k")])
        #expect(throws: RequestError.wrongType(parameter: "knowledgebase_ids", expected: "an array")) {
            try request(#""knowledgebase_ids": "k""#)
        }
    }
}
