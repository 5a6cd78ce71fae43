import Knowledge

/// A `POST /moderations` body.
package struct ModerationRequest: Sendable {
    /// Each is judged by itself; the text parts of one message belong together.
    package var inputs: [String]

    package init(_ body: Fields) throws {
        _ = try body.string("model", maxLength: 256)
        switch body["input"] {
        case nil:
            throw body.missing("input")
        case .string(let text)?:
            inputs = [text]
        case .array(let elements)?:
            guard elements.first?.object == nil else {
                inputs = [try Self.text(ofParts: try body.objects("input", maxCount: 1_024) ?? [])]
                break
            }
            inputs = try body.strings("input", maxCount: 512) ?? []
        default:
            throw body.wrongType("input", "a string, an array of strings, or an array of parts")
        }
        guard !inputs.isEmpty else { throw body.invalid("input", "must not be empty") }
    }

    private static func text(ofParts parts: [Fields]) throws -> String {
        try parts.map { part in
            guard try part.requiredString("type") == "text" else {
                throw part.invalid("type", "must be 'text': nothing else is read here")
            }
            return try part.requiredString("text")
        }.joined(separator: "\n")
    }
}
