package import Knowledge

/// What may steer a generation: OpenAI's parameters, and those of llama.cpp, vLLM, text-generation-webui and Aleph Alpha.
///
/// A known parameter of the wrong type is refused, whoever invented it. Unknown ones are ignored and go nowhere: a strict
/// model server refuses what it does not know, and a lax one might take an address or a key from a client.
package enum GenerationParameters {
    /// Reads what goes on to a model. Other services' names for the token limit become OpenAI's.
    package static func read(_ body: Fields) throws -> [String: JSONValue] {
        for (name, kind) in openAI { try kind.check(name, of: body) }
        for (name, kind) in others { try kind.check(name, of: body) }
        for (name, kind) in withoutEffect { try kind.check(name, of: body) }
        try checkStop(body)
        try checkLogitBias(body)
        try checkMetadata(body)
        var parameters = body.values.filter { name, value in
            value != .null && (openAI[name] != nil || others[name] != nil || structured.contains(name))
        }
        if parameters["stop"]?.array?.isEmpty == true { parameters["stop"] = nil }
        for alias in ["max_token", "maximum_tokens", "n_predict"] {
            // llama.cpp's -1 means as many as fit, which is what a limit that is absent means.
            if alias == "n_predict", body["n_predict"] == .integer(-1) { continue }
            guard let limit = try body.integer(alias, in: tokenLimits) else { continue }
            if parameters["max_tokens"] == nil { parameters["max_tokens"] = .integer(limit) }
        }
        return parameters
    }

    /// Whether a parameter is OpenAI's own, which every server that speaks its API knows.
    package static func isOpenAI(_ name: String) -> Bool { openAI[name] != nil || structured.contains(name) }

    static let tokenLimits = 1...1_000_000

    /// What one parameter must be.
    enum Kind {
        case bool
        case integer(ClosedRange<Int>)
        case number(ClosedRange<Double>)
        case string
        case choice([String])
        /// A string, or an array of strings.
        case strings
        case array
        case object
        case any

        func check(_ name: String, of body: Fields) throws {
            switch self {
            case .bool: _ = try body.bool(name)
            case .integer(let range): _ = try body.integer(name, in: range)
            case .number(let range): _ = try body.number(name, in: range)
            case .string: _ = try body.string(name)
            case .choice(let known):
                guard let given = try body.string(name), !known.contains(given) else { return }
                throw body.invalid(name, "must be one of: \(known.joined(separator: ", "))")
            case .strings: if body[name]?.string == nil { _ = try body.strings(name, maxCount: 1_024) }
            case .array: _ = try body.array(name, maxCount: 65_536)
            case .object: _ = try body.object(name)
            case .any: break
            }
        }
    }

    // MARK: - Parameters with a shape of their own

    /// Checked here or by their requests, and passed on.
    private static let structured: Set<String> = [
        "logit_bias", "logprobs", "metadata", "response_format", "stop", "tool_choice", "tools",
    ]

    private static func checkStop(_ body: Fields) throws {
        guard let stop = body["stop"], stop.string == nil else { return }
        guard stop.array != nil else { throw body.wrongType("stop", "a string or up to four strings") }
        _ = try body.strings("stop", maxCount: 4)
    }

    /// OpenAI's object, or llama.cpp's pairs such as `[[15043, -1.5], ["Hello", false]]`.
    private static func checkLogitBias(_ body: Fields) throws {
        if let pairs = body["logit_bias"]?.array {
            for (position, pair) in pairs.enumerated() {
                let path = "\(body.path(of: "logit_bias"))[\(position)]"
                guard let pair = pair.array, pair.count == 2, pair[0].integer != nil || pair[0].string != nil,
                    pair[1].double != nil || pair[1] == false
                else { throw RequestError.wrongType(parameter: path, expected: "a token and its bias") }
            }
        } else if let biases = try body.object("logit_bias") {
            guard biases.values.count <= 65_536 else { throw body.invalid("logit_bias", "must have at most 65536 tokens") }
            for token in biases.values.keys { _ = try biases.number(token, in: -100...100) }
        }
    }

    /// OpenAI's limits: 16 pairs, keys of 64 characters, values of 512.
    private static func checkMetadata(_ body: Fields) throws {
        guard let metadata = try body.object("metadata") else { return }
        guard metadata.values.count <= 16 else { throw body.invalid("metadata", "must have at most 16 pairs") }
        for key in metadata.values.keys.sorted() {
            guard key.unicodeScalars.count <= 64 else {
                throw body.invalid("metadata", "must have keys of at most 64 characters")
            }
            guard try metadata.string(key)?.unicodeScalars.count ?? 0 <= 512 else {
                throw metadata.invalid(key, "must be at most 512 characters long")
            }
        }
    }
}
