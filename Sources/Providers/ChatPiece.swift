import FoundationEssentials
import Knowledge

/// What is read of a `chat.completion` or `chat.completion.chunk` object. Whatever may be missing somewhere is optional.
struct ChatPiece: Decodable {
    private var object: String?
    private var choices: [Choice]?
    private(set) var usage: Usage?
    private var error: JSONValue?
    private var message: JSONValue?

    /// The choice number 0: one answer is asked for.
    var firstChoice: Choice? { choices?.first { $0.index ?? 0 == 0 } }

    var errorMessage: String? {
        if let error, error != .null { return ErrorBody(["error": error]).message }
        return object == "error" ? message?.string ?? "an error without a message" : nil
    }

    struct Choice: Decodable {
        var index: Int?
        var delta: Message?
        var message: Message?
        /// Of a legacy completion.
        private var text: String?
        private var logprobs: JSONValue?
        private var finishReason: String?

        private enum CodingKeys: String, CodingKey {
            case index, delta, message, text, logprobs
            case finishReason = "finish_reason"
        }

        /// What the choice adds to the answer.
        var events: [ModelEvent] {
            let text = text ?? ""
            return (logprobs.map { $0 == .null ? [] : [.logprobs($0)] } ?? [])
                + ((delta ?? message?.asDelta)?.events ?? []) + (text.isEmpty ? [] : [.text(text)])
        }

        var isWhole: Bool { message != nil || text != nil }

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

    struct Usage: Decodable {
        private var prompt: Int?
        private var completion: Int?
        private var promptDetails: [String: JSONValue]?
        private var completionDetails: [String: JSONValue]?

        private enum CodingKeys: String, CodingKey {
            case prompt = "prompt_tokens"
            case completion = "completion_tokens"
            case promptDetails = "prompt_tokens_details"
            case completionDetails = "completion_tokens_details"
        }

        var tokens: TokenUsage? {
            guard let prompt, prompt >= 0 else { return nil }
            var details: [String: JSONValue] = [:]
            details[CodingKeys.promptDetails.rawValue] = promptDetails.map(JSONValue.object)
            details[CodingKeys.completionDetails.rawValue] = completionDetails.map(JSONValue.object)
            return TokenUsage(
                prompt: min(prompt, 1 << 40), completion: min(max(completion ?? 0, 0), 1 << 40), details: details)
        }
    }

    /// A message, or the piece of one.
    struct Message: Decodable {
        private var text = ""
        private var fields: [String: JSONValue] = [:]

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: Field.self)
            for field in container.allKeys where try !container.decodeNil(forKey: field) {
                switch field.stringValue {
                case "role":
                    continue
                case "content":
                    text = try Self.text(in: container, forKey: field)
                default:
                    fields[field.stringValue] = try container.decode(JSONValue.self, forKey: field)
                }
            }
        }

        /// Text, or a list of parts of which some are text.
        private static func text(in container: KeyedDecodingContainer<Field>, forKey key: Field) throws -> String {
            if let parts = try? container.decode([JSONValue].self, forKey: key) {  // the other kind is tried below
                return parts.compactMap { $0["text"]?.string }.joined()
            }
            return try container.decode(String.self, forKey: key)
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

    private struct Field: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }
        init?(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }
}
