import FoundationEssentials
import Knowledge
import OpenAIWire

/// What is read of a `chat.completion` or `chat.completion.chunk` object. Whatever may be missing somewhere is optional.
struct ChatPiece {
    private let fields: Fields
    private let choices: [Choice]
    let usage: Usage?

    /// - Throws: Where it is no JSON, or a field is of another kind than it is to be.
    init(json: Data) throws {
        fields = try Fields(json: json)
        choices = try fields.objects("choices", maxCount: .max)?.map(Choice.init) ?? []
        usage = try fields.object("usage").map(Usage.init)
    }

    /// The choice number 0: one answer is asked for.
    var firstChoice: Choice? { choices.first { $0.index == 0 } }

    var errorMessage: String? {
        if let error = fields["error"] { return ErrorBody(["error": error]).message }
        return fields["object"] == "error" ? fields["message"]?.string ?? "an error without a message" : nil
    }

    struct Choice {
        let index: Int
        /// Whether it is a whole answer, or all that there is of a legacy completion.
        let isWhole: Bool
        /// What the choice adds to the answer.
        let events: [ModelEvent]
        private let finishReason: String?

        fileprivate init(_ fields: Fields) throws {
            index = try fields.whole("index") ?? 0
            finishReason = try fields.string("finish_reason", maxLength: .max)
            let delta = try fields.object("delta").map(Message.init)
            let message = try fields.object("message").map(Message.init)
            let text = try fields.string("text", maxLength: .max)
            isWhole = message != nil || text != nil
            events = (fields["logprobs"].map { [.logprobs($0)] } ?? [])
                + ((delta ?? message?.asDelta)?.events ?? []) + (text.map { $0.isEmpty ? [] : [.text($0)] } ?? [])
        }

        /// One of the reasons that OpenAI knows. Some servers send `""` for none, or their engine's own words.
        var finish: String? {
            guard let reason = finishReason, !reason.isEmpty else { return nil }
            switch reason {
            case "stop", "length", "tool_calls", "content_filter", "function_call": return reason
            case "max_tokens", "model_length": return "length"
            case "tool_use": return "tool_calls"
            default: return "stop"
            }
        }
    }

    struct Usage {
        /// nil where the prompt's are not told.
        let tokens: TokenUsage?

        fileprivate init(_ fields: Fields) throws {
            let completion = try fields.whole("completion_tokens") ?? 0
            var details: [String: JSONValue] = [:]
            for name in ["prompt_tokens_details", "completion_tokens_details"] {
                details[name] = try fields.object(name).map { .object($0.values) }
            }
            tokens = try fields.whole("prompt_tokens").flatMap { prompt in
                prompt < 0
                    ? nil
                    : TokenUsage(
                        prompt: min(prompt, 1 << 40), completion: min(max(completion, 0), 1 << 40), details: details)
            }
        }
    }

    /// A message, or the piece of one.
    private struct Message {
        private let text: String
        private var fields: [String: JSONValue]

        init(_ message: Fields) throws {
            // Text, or a list of parts of which some are text.
            text =
                if let parts = message["content"]?.array { parts.compactMap { $0["text"]?.string }.joined() }
                else { try message.string("content", maxLength: .max) ?? "" }
            fields = message.values.filter { $0.key != "role" && $0.key != "content" && $0.value != .null }
        }

        var events: [ModelEvent] {
            (text.isEmpty ? [] : [.text(text)]) + (fields.isEmpty ? [] : [.fields(fields)])
        }

        /// As a stream would have sent it: there every tool call has its index.
        var asDelta: Message {
            guard let calls = fields["tool_calls"]?.array else { return self }
            var message = self
            message.fields["tool_calls"] = .array(
                calls.enumerated().map { index, call in
                    guard var call = call.object, call["index"] == nil else { return call }
                    call["index"] = .integer(index)
                    return .object(call)
                })
            return message
        }
    }
}

extension Fields {
    /// An integer, also one that is written as `7.0`.
    fileprivate func whole(_ key: String) throws -> Int? {
        guard let value = self[key] else { return nil }
        guard let integer = value.integer ?? value.double.flatMap(Int.init(exactly:)) else { throw wrongType(key, "an integer") }
        return integer
    }
}
