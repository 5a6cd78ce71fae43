package import Knowledge

/// A `POST /chat/completions` body.
package struct ChatRequest: Sendable {
    package var question: Question
    package var stream: Bool
    package var includeUsage: Bool

    /// Reads and checks a body; fields that no model knows are ignored.
    package init(_ body: Fields) throws {
        let options = try body.object("stream_options")
        stream = try body.bool("stream") ?? false
        includeUsage = try options?.bool("include_usage") ?? false
        question = Question(
            model: try body.string("model", maxLength: 256),
            turns: try Self.turns(body),
            knowledge: try KnowledgeChoice(body),
            parameters: try Self.parameters(body)
        )
    }

    private static func turns(_ body: Fields) throws -> [Question.Turn] {
        guard let messages = try body.objects("messages", maxCount: 2_048) else { throw body.missing("messages") }
        guard !messages.isEmpty else { throw body.invalid("messages", "must hold at least one message") }
        return try messages.map(Question.Turn.init)
    }

    /// What a model may act on. Other services' names for the token limit become OpenAI's.
    private static func parameters(_ body: Fields) throws -> [String: JSONValue] {
        try checkRanges(body)
        var parameters = body.values.filter { passedOn.contains($0.key) && $0.value != .null }
        for alias in ["max_token", "maximum_tokens", "n_predict"] {
            guard let limit = try body.integer(alias, in: 1...1_000_000) else { continue }
            if parameters["max_tokens"] == nil { parameters["max_tokens"] = .integer(limit) }
        }
        return parameters
    }

    /// OpenAI's parameters, and those of llama.cpp, vLLM and text-generation-webui that steer sampling. Others stay here:
    /// a strict server refuses what it does not know, and a lax one might take an address or a key from a client.
    private static let passedOn: Set<String> = [
        "audio", "frequency_penalty", "function_call", "functions", "logit_bias", "logprobs", "max_completion_tokens",
        "max_tokens", "metadata", "modalities", "parallel_tool_calls", "prediction", "presence_penalty",
        "reasoning_effort", "response_format", "safety_identifier", "seed", "service_tier", "stop", "store",
        "temperature", "tool_choice", "tools", "top_logprobs", "top_p", "user", "verbosity", "web_search_options",
        "cache_prompt", "chat_template_kwargs", "dry_allowed_length", "dry_base", "dry_multiplier", "dry_penalty_last_n",
        "dry_sequence_breakers", "dynatemp_exponent", "dynatemp_range", "enable_thinking", "grammar", "guided_choice",
        "guided_grammar", "guided_json", "guided_regex", "id_slot", "ignore_eos", "json_schema", "length_penalty",
        "min_p", "min_tokens", "mirostat", "mirostat_eta", "mirostat_mode", "mirostat_tau", "n_keep", "n_probs",
        "repeat_last_n", "repeat_penalty", "repetition_penalty", "samplers", "skip_special_tokens",
        "steering_concepts", "stop_token_ids", "tfs_z", "top_k", "typical_p", "xtc_probability", "xtc_threshold",
    ]

    private static func checkRanges(_ body: Fields) throws {
        _ = try body.number("temperature", in: 0...2)
        _ = try body.number("top_p", in: 0...1)
        _ = try body.number("frequency_penalty", in: -2...2)
        _ = try body.number("presence_penalty", in: -2...2)
        _ = try body.integer("max_tokens", in: 1...1_000_000)
        _ = try body.integer("max_completion_tokens", in: 1...1_000_000)
        _ = try body.integer("seed", in: Int.min...Int.max)
        _ = try body.integer("top_logprobs", in: 0...20)
        _ = try body.bool("logprobs")
        _ = try body.objects("tools", maxCount: 128)
        _ = try body.object("response_format")
        if let count = try body.integer("n", in: 1...128), count > 1 {
            throw body.invalid("n", "must be 1: this server gives one answer a request")
        }
        if let stop = body["stop"], stop.string == nil {
            guard try body.strings("stop", maxCount: 4)?.isEmpty == false else {
                throw body.wrongType("stop", "a string or up to four strings")
            }
        }
    }
}

extension Question.Turn {
    /// Reads one message: a known role, and content unless it is an assistant's tool call.
    init(_ message: Fields) throws {
        guard message["role"] != nil else { throw message.missing("role") }
        guard let role: Question.Role = try message.choice("role") else { throw message.missing("role") }
        switch message["content"] {
        case nil:
            guard role == .assistant, message["tool_calls"] != nil || message["function_call"] != nil else {
                throw message.missing("content")
            }
            self.init(role: role, text: "", message: .object(message.values))
        case .string(let text)?:
            self.init(role: role, text: text, message: .object(message.values))
        case .array?:
            let parts = try message.objects("content", maxCount: 1_024) ?? []
            guard !parts.isEmpty else { throw message.invalid("content", "must hold at least one part") }
            var texts: [String] = []
            var firstMedia: String?
            for part in parts {
                if try part.requiredString("type") == "text" {
                    texts.append(try part.requiredString("text"))
                } else {
                    firstMedia = firstMedia ?? part.path
                }
            }
            self.init(
                role: role, text: texts.joined(separator: "\n"), message: .object(message.values),
                firstMedia: firstMedia)
        default:
            throw message.wrongType("content", "a string or an array of parts")
        }
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
