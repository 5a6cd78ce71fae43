package import Knowledge

/// A `POST /chat/completions` body.
package struct ChatRequest: Sendable {
    package var question: Question
    package var delivery: Delivery
    /// Whether the client speaks text-generation-webui's dialect, whose streams hold a `message` beside each `delta`.
    package var isWebUI: Bool
    package var annotations: AnnotationKind

    /// Reads and checks a body; fields that no model knows are ignored.
    package init(_ body: Fields) throws {
        delivery = try Delivery(body)
        let alan = try body.object("alan") ?? body.object("extra_body")?.object("alan")
        annotations = try alan?.choice("annotations") ?? .file
        isWebUI = GenerationParameters.webUIChat.keys.contains { body[$0] != nil }
        question = Question(
            model: try body.string("model", maxLength: 256),
            turns: try Self.turns(body),
            knowledge: try KnowledgeChoice(body),
            parameters: try Self.parameters(body)
        )
        question.choices = delivery.choices
    }

    static func turns(_ body: Fields) throws -> [Question.Turn] {
        guard let messages = try body.objects("messages", maxCount: 2_048) else { throw body.missing("messages") }
        guard !messages.isEmpty else { throw body.invalid("messages", "must hold at least one message") }
        return try messages.map(Question.Turn.init)
    }

    private static func parameters(_ body: Fields) throws -> [String: JSONValue] {
        let parameters = try GenerationParameters.read(body)
        let wantsLogprobs = try body.bool("logprobs") ?? false
        if try body.integer("top_logprobs", in: 0...20) != nil, !wantsLogprobs {
            throw body.invalid("top_logprobs", "needs 'logprobs' to be true")
        }
        if let format = try body.object("response_format") { try check(format) }
        try checkTools(body)
        return parameters
    }

    /// A JSON schema stands under `json_schema.schema`, or right here, as llama.cpp has it.
    private static func check(_ format: Fields) throws {
        let type = try format.requiredString("type")
        guard ["text", "json_object", "json_schema"].contains(type) else {
            throw format.invalid("type", "must be one of: text, json_object, json_schema")
        }
        _ = try format.object("schema")
        guard type == "json_schema" else { return }
        guard let schema = try format.object("json_schema") else {
            if format["schema"] == nil { throw format.missing("json_schema") }
            return
        }
        _ = try schema.requiredString("name", maxLength: 64)
        _ = try schema.object("schema")
        _ = try schema.bool("strict")
    }

    private static func checkTools(_ body: Fields) throws {
        let tools = try body.objects("tools", maxCount: 128) ?? []
        for tool in tools {
            guard try tool.requiredString("type") == "function" else { continue }
            guard let function = try tool.object("function") else { throw tool.missing("function") }
            _ = try function.requiredString("name", maxLength: 64)
            _ = try function.string("description")
            _ = try function.object("parameters")
        }
        switch body["tool_choice"] {
        case nil: return
        case .string(let choice)?:
            guard ["none", "auto", "required"].contains(choice) else {
                throw body.invalid("tool_choice", "must be one of: none, auto, required")
            }
            if choice == "required", tools.isEmpty { throw body.invalid("tool_choice", "needs 'tools'") }
        case .object?:
            guard !tools.isEmpty else { throw body.invalid("tool_choice", "needs 'tools'") }
            if let choice = try body.object("tool_choice"), try choice.requiredString("type") == "function" {
                guard let function = try choice.object("function") else { throw choice.missing("function") }
                _ = try function.requiredString("name", maxLength: 64)
            }
        default: throw body.wrongType("tool_choice", "a string or an object")
        }
    }
}

/// How a message says where its markers stand and what they cite: `alan.annotations`.
package enum AnnotationKind: String, Sendable, CaseIterable {
    /// By the file, as a message of the Responses API does.
    case file = "file_citation"
    /// By an address, the one kind that OpenAI's types of chats know; some clients, litellm among them, take no other.
    case url = "url_citation"
    case none
}

/// How an answer is to be delivered.
package struct Delivery: Sendable {
    package var stream: Bool
    package var includeUsage: Bool
    /// Answers to each prompt.
    package var choices: Int

    /// More than anybody compares; each one costs a generation.
    package static let maxChoices = 16

    init(_ body: Fields) throws {
        stream = try body.bool("stream") ?? false
        let options = try body.object("stream_options")
        includeUsage = try options?.bool("include_usage") ?? false
        _ = try options?.bool("include_obfuscation")
        choices = try body.integer("n", in: 1...Self.maxChoices) ?? 1
    }
}

extension Question.Turn {
    /// Reads one message: a known role, and content unless it is an assistant's tool call.
    init(_ message: Fields) throws {
        guard let role: Question.Role = try message.choice("role") else { throw message.missing("role") }
        _ = try message.string("name", maxLength: 256)
        try Self.checkCalls(message, role)
        switch message["content"] {
        case nil:
            let instead = ["tool_calls", "function_call", "refusal", "audio"]
            guard role == .assistant, instead.contains(where: { message[$0] != nil }) else {
                throw message.missing("content")
            }
            self.init(role: role, text: "", message: .object(message.values))
        case .string(let text)?:
            self.init(role: role, text: text, message: .object(message.values))
        case .array?:
            let parts = try message.objects("content", maxCount: 1_024) ?? []
            guard !parts.isEmpty else { throw message.invalid("content", "must hold at least one part") }
            let texts = try parts.compactMap(Self.text)
            let firstMedia = parts.first { !Self.isText($0) }?.path
            self.init(
                role: role, text: texts.joined(separator: "\n"), message: .object(message.values),
                firstMedia: firstMedia)
        default:
            throw message.wrongType("content", "a string or an array of parts")
        }
    }

    private static func checkCalls(_ message: Fields, _ role: Question.Role) throws {
        if role == .tool { _ = try message.requiredString("tool_call_id", maxLength: 256) }
        for call in try message.objects("tool_calls", maxCount: 128) ?? [] {
            _ = try call.string("id", maxLength: 256)
            guard let function = try call.object("function") else { continue }
            _ = try function.requiredString("name", maxLength: 256)
            _ = try function.requiredString("arguments")
        }
    }

    private static func isText(_ part: Fields) -> Bool {
        part["type"] == "text" || part["type"] == "refusal"
    }

    /// The text of a part; nil for one that is none, such as a picture, whose shape is checked.
    private static func text(of part: Fields) throws -> String? {
        switch try part.requiredString("type") {
        case "text":
            // As long as the body may be, as is a content that is one string.
            return try part.requiredString("text", maxLength: .max)
        case "refusal":
            return try part.requiredString("refusal")
        case "image_url":
            guard let image = try part.object("image_url") else { throw part.missing("image_url") }
            let url = try image.requiredString("url", maxLength: 16 << 20)
            guard ["https://", "http://", "data:image/"].contains(where: { url.lowercased().hasPrefix($0) }) else {
                throw image.invalid("url", "must be an http or https URL, or a data URI of an image")
            }
            _ = try image.string("detail", maxLength: 32)
        case "input_audio":
            guard let audio = try part.object("input_audio") else { throw part.missing("input_audio") }
            _ = try audio.requiredString("data", maxLength: 64 << 20)
            _ = try audio.requiredString("format", maxLength: 32)
        case "file":
            guard try part.object("file") != nil else { throw part.missing("file") }
        default:
            break
        }
        return nil
    }
}

extension KnowledgeChoice {
    /// At most this many knowledge bases in one request.
    package static let maxKnowledgeBases = 100

    /// Reads `alan` from the top level of a body, or from a literal `extra_body` as raw HTTP users write it.
    package init(_ body: Fields) throws {
        guard let alan = try body.object("alan") ?? body.object("extra_body")?.object("alan") else {
            self.init()
            return
        }
        self.init(
            expert: try alan.string("expert_id", maxLength: 128).map(ExpertID.init),
            knowledgeBases: try alan.strings("knowledgebase_ids", maxCount: Self.maxKnowledgeBases, maxLength: 128)?
                .map(KnowledgeBaseID.init),
            mode: try alan.choice("knowledgebase_mode") ?? .replace,
            onEmpty: try alan.choice("on_empty"),
            filter: try alan.object("filters").map { fields in
                var conditions = 0
                return try AttributeFilter(fields, conditions: &conditions)
            },
            files: try alan.strings("file_ids", maxCount: 1_000, maxLength: 128)?.map(FileID.init)
        )
    }
}
