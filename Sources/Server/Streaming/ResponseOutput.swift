import Knowledge

/// An item of a response's output while it grows.
enum ResponseOutput: Sendable {
    /// `results` is nil where nobody asked for them.
    case search(id: String, query: String, results: [JSONValue]?)
    /// What a model thought before it spoke.
    case reasoning(Reasoning)
    case message(Message)
    case call(Call)

    struct Reasoning: Sendable {
        let id: String
        var text = ""
        var status = "in_progress"

        var part: JSONValue { ["type": "reasoning_text", "text": .string(text)] }
    }

    struct Message: Sendable {
        struct Part: Sendable {
            enum Kind { case text, refusal }

            var kind: Kind
            var text = ""
            var annotations: [JSONValue] = []

            static let text = Part(kind: .text)
            static let refusal = Part(kind: .refusal)

            var value: JSONValue {
                switch kind {
                case .text:
                    ["type": "output_text", "text": .string(text), "annotations": .array(annotations), "logprobs": []]
                case .refusal: ["type": "refusal", "refusal": .string(text)]
                }
            }
        }

        let id: String
        var parts: [Part] = []
        var status = "in_progress"

        /// Where the part of this kind is; it comes last where there is none yet.
        mutating func place(of part: Part) -> (index: Int, isNew: Bool) {
            if let index = parts.firstIndex(where: { $0.kind == part.kind }) { return (index, false) }
            parts.append(part)
            return (parts.count - 1, true)
        }
    }

    struct Call: Sendable {
        let id: String
        let callID: String
        let name: String
        var arguments = ""
        var status = "in_progress"
    }

    var id: JSONValue {
        switch self {
        case .search(let id, _, _): .string(id)
        case .reasoning(let reasoning): .string(reasoning.id)
        case .message(let message): .string(message.id)
        case .call(let call): .string(call.id)
        }
    }

    var value: JSONValue {
        switch self {
        case .search(let id, let query, let results):
            [
                "id": .string(id), "type": "file_search_call", "status": "completed", "queries": [.string(query)],
                "results": results.map(JSONValue.array) ?? .null,
            ]
        case .reasoning(let reasoning):
            [
                "id": .string(reasoning.id), "type": "reasoning", "summary": [], "status": .string(reasoning.status),
                "content": reasoning.text.isEmpty ? [] : [reasoning.part],
            ]
        case .message(let message):
            [
                "id": .string(message.id), "type": "message", "role": "assistant", "status": .string(message.status),
                "content": .array(message.parts.map(\.value)),
            ]
        case .call(let call):
            [
                "id": .string(call.id), "type": "function_call", "call_id": .string(call.callID),
                "name": .string(call.name), "arguments": .string(call.arguments), "status": .string(call.status),
            ]
        }
    }

    /// A search as it was before it had taken place.
    var unfinished: JSONValue {
        guard case .object(var fields) = value else { return value }
        fields["status"] = "in_progress"
        fields["results"] = .null
        return .object(fields)
    }
}
