package import Knowledge

/// A `POST /completions` body: texts to continue, each a question of its own.
package struct CompletionRequest: Sendable {
    package enum Prompt: Hashable, Sendable {
        case text(String)
        case tokens([Int])
    }

    package var model: String?
    package var prompts: [Prompt]
    package var knowledge: KnowledgeChoice
    package var delivery: Delivery
    package var parameters: [String: JSONValue]
    /// Whether each text is to begin with its prompt.
    package var echo: Bool

    /// At most this many prompts, and this many texts for all of them.
    package static let maxPrompts = 128

    /// - Parameter model: Named by the path, for engines; counts before the body's.
    package init(_ body: Fields, model named: String? = nil) throws {
        model = try named ?? body.string("model", maxLength: 256)
        prompts = try Self.prompts(body)
        knowledge = try KnowledgeChoice(body)
        delivery = try Delivery(body)
        echo = try body.bool("echo") ?? false
        guard prompts.count * delivery.choices <= Self.maxPrompts else {
            throw body.invalid("n", "must not make more than \(Self.maxPrompts) texts of all prompts")
        }
        let logprobs = try body.integer("logprobs", in: 0...5)
        var body = body
        let isEmpty = body["max_tokens"] == 0
        if isEmpty {
            // Nothing is to be added to the prompt, which makes sense where the prompt itself is wanted back.
            guard echo || logprobs != nil else { throw body.invalid("max_tokens", "must be at least 1 without 'echo'") }
            body = Fields(body.values.filter { $0.key != "max_tokens" }, path: body.path)
        }
        if let best = try body.integer("best_of", in: 1...20), best < delivery.choices {
            throw body.invalid("best_of", "must not be less than 'n'")
        }
        parameters = try GenerationParameters.read(body)
        if isEmpty { parameters["max_tokens"] = 0 }
        for name in ["tools", "tool_choice", "response_format", "metadata"] { parameters[name] = nil }
        parameters["suffix"] = try body.string("suffix").map(JSONValue.string)
        // Only the model knows how likely the prompt was, so that it must repeat it by itself.
        if echo, logprobs != nil { parameters["echo"] = true }
    }

    private static func prompts(_ body: Fields) throws -> [Prompt] {
        switch body["prompt"] {
        case nil:
            throw body.missing("prompt")
        case .string(let text)?:
            return [.text(text)]
        case .array(let elements)?:
            guard let first = elements.first else { throw body.invalid("prompt", "must not be empty") }
            if first.integer != nil { return [.tokens(try tokens(elements, path: "prompt"))] }
            guard elements.count <= maxPrompts else {
                throw body.invalid("prompt", "must have at most \(maxPrompts) elements")
            }
            return try elements.enumerated().map { position, element in
                let path = "prompt[\(position)]"
                if let text = element.string { return .text(text) }
                guard let array = element.array else {
                    throw RequestError.wrongType(parameter: path, expected: "a string or an array of token ids")
                }
                return .tokens(try tokens(array, path: path))
            }
        default:
            throw body.wrongType("prompt", "a string, an array of strings, or arrays of token ids")
        }
    }

    private static func tokens(_ elements: [JSONValue], path: String) throws -> [Int] {
        guard !elements.isEmpty else { throw RequestError.invalid(parameter: path, message: "must not be empty") }
        return try elements.map { element in
            guard let token = element.integer, token >= 0 else {
                throw RequestError.wrongType(parameter: path, expected: "an array of token ids")
            }
            return token
        }
    }
}
