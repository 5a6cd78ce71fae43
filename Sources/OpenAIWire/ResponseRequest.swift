package import Knowledge

/// A `POST /responses` body.
package struct ResponseRequest: Sendable {
    package var model: String?
    /// The request's own items as they are kept and listed: checked, each with an id.
    package var items: [ResponseItem]
    package var instructions: String?
    package var knowledge: KnowledgeChoice
    /// What goes to the model, by the names that chat completions have for it.
    package var parameters: [String: JSONValue]
    package var previous: ResponseID?
    package var stream: Bool
    package var stores: Bool
    /// Whether what was found is told, and not only that it was looked for.
    package var includesResults: Bool
    /// Whether a conversation that does not fit into the model's window is refused instead of shortened.
    package var refusesTruncation: Bool
    /// What the answer repeats of the request.
    package var echo: [String: JSONValue]
    /// Where in the request each of `knowledge.knowledgeBases` stands.
    private var places: [String]

    /// Reads and checks a body; fields that nobody acts on are ignored.
    package init(_ body: Fields) throws {
        try Self.refuseUnsupported(body)
        let tools = try ResponseTools(body)
        model = try body.string("model", maxLength: 256)
        items = try ResponseItem.items(of: body)
        instructions = try body.string("instructions", maxLength: .max)
        previous = try body.string("previous_response_id", maxLength: 128).map(ResponseID.init)
        stream = try body.bool("stream") ?? false
        stores = try body.bool("store") ?? true
        includesResults =
            try body.strings("include", maxCount: 32, maxLength: 128)?.contains("file_search_call.results") ?? false
        refusesTruncation = try body.choice("truncation", of: Truncation.self) == .disabled
        (knowledge, places) = try Self.knowledge(body, tools.search)
        if !tools.maySearch { knowledge.knowledgeBases = [] }
        parameters = try Self.parameters(body, tools)
        echo = try Self.echo(body)
    }

    /// The whole conversation as a question: instructions, what was said before, then the request's own items.
    package func question(after earlier: [ResponseItem]) -> Question {
        var turns = ResponseItem.turns(of: earlier + items)
        if let instructions, !instructions.isEmpty {
            let message: JSONValue = ["role": "system", "content": .string(instructions)]
            turns.insert(Question.Turn(role: .system, text: instructions, message: message), at: 0)
        }
        return Question(model: model, turns: turns, knowledge: knowledge, parameters: parameters)
    }

    /// The place in this request of what an error calls by the names of chat completions; nil where it names none, or
    /// one that stands in both.
    package func place(of parameter: String) -> String? {
        if parameter == "messages" { return "input" }
        if parameter.hasPrefix("response_format") { return "text.format" }
        guard !places.isEmpty, parameter.hasPrefix("alan.knowledgebase_ids["), parameter.hasSuffix("]"),
            let position = Int(parameter.dropFirst("alan.knowledgebase_ids[".count).dropLast())
        else { return nil }
        return places.indices.contains(position) ? places[position] : nil
    }

    private enum Truncation: String, CaseIterable { case auto, disabled }

    private static func refuseUnsupported(_ body: Fields) throws {
        if try body.bool("background") == true {
            throw body.invalid("background", "must be false: this server answers while the client waits; see /batches")
        }
        for name in ["conversation", "prompt"] where body[name] != nil {
            throw body.invalid(name, "is not supported here; send the items in 'input', or 'previous_response_id'")
        }
    }

    /// What the `file_search` tool names, in front of what `alan` names: an answer is never made from less than was
    /// asked for.
    private static func knowledge(_ body: Fields, _ search: FileSearch?) throws -> (KnowledgeChoice, [String]) {
        var choice = try KnowledgeChoice(body)
        guard let search else { return (choice, []) }
        let own = choice.knowledgeBases ?? []
        choice.knowledgeBases = search.bases + own
        choice.filter = search.filter ?? choice.filter
        choice.ranking = search.ranking
        choice.maxPassages = search.limit
        let places = search.bases.indices.map { "\(search.path).vector_store_ids[\($0)]" }
        return (choice, places + own.indices.map { "alan.knowledgebase_ids[\($0)]" })
    }

    private static func parameters(_ body: Fields, _ tools: ResponseTools) throws -> [String: JSONValue] {
        var parameters = tools.parameters
        _ = try body.number("temperature", in: 0...2)
        _ = try body.number("top_p", in: 0...1)
        _ = try body.bool("parallel_tool_calls")
        for name in ["temperature", "top_p", "user", "safety_identifier", "service_tier"] {
            parameters[name] = body[name]
        }
        if tools.parameters["tools"] != nil { parameters["parallel_tool_calls"] = body["parallel_tool_calls"] }
        // The older name of the two is known to every model server.
        parameters["max_tokens"] = try body.integer("max_output_tokens", in: 1...1_000_000).map(JSONValue.integer)
        if let effort = try body.object("reasoning")?.string("effort", maxLength: 32) {
            parameters["reasoning_effort"] = .string(effort)
        }
        if let text = try body.object("text") {
            parameters["response_format"] = try responseFormat(text)
            parameters["verbosity"] = try text.string("verbosity", maxLength: 32).map(JSONValue.string)
        }
        return parameters
    }

    /// `text.format` as chat completions call it; nil for plain text.
    private static func responseFormat(_ text: Fields) throws -> JSONValue? {
        guard let format = try text.object("format") else { return nil }
        switch try format.requiredString("type", maxLength: 64) {
        case "text": return nil
        case "json_object": return ["type": "json_object"]
        case "json_schema":
            var schema: [String: JSONValue] = ["name": .string(try format.requiredString("name", maxLength: 64))]
            guard let shape = try format.object("schema") else { throw format.missing("schema") }
            schema["schema"] = .object(shape.values)
            schema["strict"] = try format.bool("strict").map(JSONValue.bool)
            schema["description"] = try format.string("description").map(JSONValue.string)
            return ["type": "json_schema", "json_schema": .object(schema)]
        default: throw format.invalid("type", "must be one of: text, json_object, json_schema")
        }
    }

    private static func echo(_ body: Fields) throws -> [String: JSONValue] {
        let metadata = try metadata(body) ?? [:]
        var echo: [String: JSONValue] = [
            "instructions": body["instructions"] ?? .null, "metadata": .object(metadata.mapValues(JSONValue.string)),
            "max_output_tokens": body["max_output_tokens"] ?? .null,
            "parallel_tool_calls": body["parallel_tool_calls"] ?? true,
            "previous_response_id": body["previous_response_id"] ?? .null,
            "reasoning": body["reasoning"] ?? ["effort": .null, "summary": .null],
            "text": body["text"] ?? ["format": ["type": "text"]], "tool_choice": body["tool_choice"] ?? "auto",
            "tools": body["tools"] ?? [], "truncation": body["truncation"] ?? "auto", "user": body["user"] ?? .null,
            "background": false,
        ]
        for name in ["safety_identifier", "prompt_cache_key"] { echo[name] = body[name] }
        return echo
    }
}
