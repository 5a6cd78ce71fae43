package import Knowledge

/// An item of a conversation in the Responses API, checked: what `/responses/{id}/input_items` lists.
package struct ResponseItem: Hashable, Sendable {
    /// As it is listed, with an id.
    package var value: JSONValue
    /// Where in the request its first part is that is no text.
    var firstMedia: String?

    /// An item of an earlier response, checked when it came in.
    package init(stored value: JSONValue) {
        self.value = value
        let isText = (value["content"]?.array ?? []).allSatisfy { $0["text"] != nil || $0["refusal"] != nil }
        firstMedia = isText ? nil : "previous_response_id"
    }

    private init(_ value: [String: JSONValue], firstMedia: String? = nil) {
        self.value = .object(value)
        self.firstMedia = firstMedia
    }

    /// Reads `input`: a text, or up to 2,048 items.
    static func items(of body: Fields) throws -> [ResponseItem] {
        switch body["input"] {
        case nil: throw body.missing("input")
        case .string(let text)?:
            let part: JSONValue = ["type": "input_text", "text": .string(text)]
            return [ResponseItem(message(role: "user", content: [part]))]
        case .array?:
            let items = try body.objects("input", maxCount: 2_048) ?? []
            guard !items.isEmpty else { throw body.invalid("input", "must hold at least one item") }
            return try items.map { try ResponseItem(item: $0) }
        default: throw body.wrongType("input", "a string or an array of items")
        }
    }

    private init(item: Fields) throws {
        switch try item.string("type", maxLength: 64) ?? "message" {
        case "message": try self.init(message: item)
        case "function_call":
            self.init([
                "id": Self.id(of: item, "fc_"), "type": "function_call", "status": "completed",
                "call_id": .string(try item.requiredString("call_id", maxLength: 256)),
                "name": .string(try item.requiredString("name", maxLength: 128)),
                "arguments": .string(try item.requiredString("arguments")),
            ])
        case "function_call_output":
            self.init([
                "id": Self.id(of: item, "fco_"), "type": "function_call_output", "status": "completed",
                "call_id": .string(try item.requiredString("call_id", maxLength: 256)), "output": try Self.output(item),
            ])
        case "file_search_call", "reasoning":
            // What a client hands back of an earlier answer. It says nothing to the model, and is kept as it came.
            var values = item.values
            values["id"] = Self.id(of: item, "item_")
            self.init(values)
        case "item_reference":
            throw RequestError.invalid(
                parameter: item.path, message: "must be the item itself, or go by 'previous_response_id'")
        default:
            throw item.invalid("type", "must be one of: message, function_call, function_call_output")
        }
    }

    private enum Role: String, CaseIterable { case user, system, developer, assistant }

    private init(message item: Fields) throws {
        guard let role: Role = try item.choice("role") else { throw item.missing("role") }
        let textType = role == .assistant ? "output_text" : "input_text"
        var content: [JSONValue] = []
        var media: String?
        switch item["content"] {
        case nil: throw item.missing("content")
        case .string(let text)?: content = [Self.part(textType, text)]
        case .array?:
            for part in try item.objects("content", maxCount: 1_024) ?? [] {
                let (value, isText) = try Self.part(part, of: role)
                content.append(value)
                if !isText { media = media ?? part.path }
            }
            guard !content.isEmpty else { throw item.invalid("content", "must hold at least one part") }
        default: throw item.wrongType("content", "a string or an array of parts")
        }
        var message = Self.message(role: role.rawValue, content: content)
        if item["id"] != nil { message["id"] = Self.id(of: item, "msg_") }
        self.init(message, firstMedia: media)
    }

    private static func part(_ part: Fields, of role: Role) throws -> (JSONValue, isText: Bool) {
        switch try part.requiredString("type", maxLength: 64) {
        case "input_text" where role != .assistant:
            return (Self.part("input_text", try part.requiredString("text", maxLength: .max)), true)
        case "output_text" where role == .assistant:
            return (Self.part("output_text", try part.requiredString("text", maxLength: .max)), true)
        case "refusal" where role == .assistant:
            return (["type": "refusal", "refusal": .string(try part.requiredString("refusal"))], true)
        case "input_image" where role != .assistant:
            guard let url = try part.string("image_url", maxLength: 8 << 20) else {
                throw part.invalid("image_url", "must be given: images by file_id are not read here")
            }
            let detail = try part.string("detail", maxLength: 16) ?? "auto"
            return (["type": "input_image", "image_url": .string(url), "detail": .string(detail)], false)
        default:
            let known = role == .assistant ? "output_text, refusal" : "input_text, input_image"
            throw part.invalid("type", "must be one of: \(known)")
        }
    }

    private static func part(_ type: String, _ text: String) -> JSONValue {
        type == "output_text"
            ? ["type": "output_text", "text": .string(text), "annotations": []]
            : ["type": .string(type), "text": .string(text)]
    }

    /// A function's result: a text, or text parts.
    private static func output(_ item: Fields) throws -> JSONValue {
        switch item["output"] {
        case nil: throw item.missing("output")
        case .string(let text)?: return .string(text)
        case .array?:
            return .array(
                try (item.objects("output", maxCount: 1_024) ?? []).map { part in
                    guard try part.requiredString("type", maxLength: 64) == "input_text" else {
                        throw part.invalid("type", "must be input_text")
                    }
                    return Self.part("input_text", try part.requiredString("text", maxLength: .max))
                })
        default: throw item.wrongType("output", "a string or an array of parts")
        }
    }

    private static func message(role: String, content: [JSONValue]) -> [String: JSONValue] {
        [
            "id": .string(newID("msg_")), "type": "message", "role": .string(role), "status": "completed",
            "content": .array(content),
        ]
    }

    private static func id(of item: Fields, _ prefix: String) -> JSONValue {
        item["id"].flatMap { $0.string.map { .string(String($0.prefix(128))) } } ?? .string(newID(prefix))
    }

    /// A new id of an item.
    package static func newID(_ prefix: String) -> String {
        prefix + (0..<32).map { _ in String(Int.random(in: 0..<16), radix: 16) }.joined()
    }
}

// MARK: - As turns of a chat

extension ResponseItem {
    /// The turns of a conversation, as a chat model knows them: calls of functions belong to the assistant's turn before
    /// them.
    static func turns(of items: [ResponseItem]) -> [Question.Turn] {
        var turns: [Question.Turn] = []
        for item in items {
            switch item.value["type"]?.string {
            case "message": turns.append(item.message)
            case "function_call": turns.append(call: item.toolCall)
            case "function_call_output": turns.append(item.toolResult)
            default: break
            }
        }
        return turns
    }

    private var message: Question.Turn {
        let role = value["role"]?.string.flatMap(Question.Role.init) ?? .user
        let parts = value["content"]?.array ?? []
        let text = parts.compactMap { ($0["text"] ?? $0["refusal"])?.string }.joined(separator: "\n")
        let content: JSONValue = firstMedia == nil ? .string(text) : .array(parts.map(Self.chatPart))
        return Question.Turn(
            role: role, text: text, message: ["role": .string(role.rawValue), "content": content],
            firstMedia: firstMedia)
    }

    private static func chatPart(_ part: JSONValue) -> JSONValue {
        guard let url = part["image_url"] else { return ["type": "text", "text": part["text"] ?? ""] }
        return ["type": "image_url", "image_url": ["url": url, "detail": part["detail"] ?? "auto"]]
    }

    private var toolCall: JSONValue {
        [
            "id": value["call_id"] ?? "", "type": "function",
            "function": ["name": value["name"] ?? "", "arguments": value["arguments"] ?? ""],
        ]
    }

    private var toolResult: Question.Turn {
        let output = value["output"] ?? ""
        let text = output.string ?? (output.array ?? []).compactMap { $0["text"]?.string }.joined(separator: "\n")
        return Question.Turn(
            role: .tool, text: text,
            message: ["role": "tool", "tool_call_id": value["call_id"] ?? "", "content": .string(text)])
    }
}

extension [Question.Turn] {
    fileprivate mutating func append(call: JSONValue) {
        if let last, last.role == .assistant, case .object(var message) = last.message {
            message["tool_calls"] = .array((message["tool_calls"]?.array ?? []) + [call])
            self[count - 1].message = .object(message)
        } else {
            append(
                Question.Turn(
                    role: .assistant, text: "", message: ["role": "assistant", "content": .null, "tool_calls": [call]]))
        }
    }
}
