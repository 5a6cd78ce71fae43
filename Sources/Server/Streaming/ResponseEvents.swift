import Foundation
import Knowledge
import OpenAIWire
import Service

/// One answer as a `response` object of the Responses API, and as the events that build it up.
///
/// Events come in OpenAI's order: what was searched is an item of its own, then the message grows, then the calls of
/// functions; each ends with its whole self, and the last event has the whole response.
struct ResponseEvents: Sendable {
    let id = ResponseID.random()
    let createdAt = Date()
    private let request: ResponseRequest
    private let answer: Answer
    private var status = "in_progress"
    private var items: [ResponseOutput] = []
    private var reasoning: Int?
    private var message: Int?
    /// Positions in `items` by the model's own numbers of the calls.
    private var calls: [Int: Int] = [:]
    private var more: [String: JSONValue] = ["usage": .null, "error": .null, "incomplete_details": .null]
    private var sequence = 0
    private(set) var text = ""

    init(_ request: ResponseRequest, _ answer: Answer) {
        self.request = request
        self.answer = answer
    }

    // MARK: - The response

    var response: JSONValue {
        let resolved = answer.resolved
        let fields: [String: JSONValue] = [
            "id": .string(id.rawValue), "object": "response", "created_at": wire(createdAt), "status": .string(status),
            "model": .string(answer.model), "output": .array(items.map(\.value)),
            "temperature": resolved.parameters["temperature"] ?? .null, "top_p": resolved.parameters["top_p"] ?? .null,
        ]
        return .object(fields.merging(request.echo) { own, _ in own }.merging(more) { _, more in more })
    }

    /// As it is kept, for a later request to go on from.
    var stored: StoredResponse {
        StoredResponse(
            id: id, previous: request.previous, input: request.items.map(\.value), object: response,
            createdAt: createdAt)
    }

    // MARK: - Events

    /// The beginning: the response without output, and the search that has taken place.
    mutating func begin() -> [JSONValue] {
        more["alan"] = answer.alan(removedMarkers: nil)
        var events = [lifecycle("created"), lifecycle("in_progress")]
        guard !answer.resolved.bases.isEmpty, let query = answer.query else { return events }
        let results = request.includesResults ? answer.references.map(Self.result) : nil
        let search = ResponseOutput.search(id: ResponseItem.newID("fs_"), query: query, results: results)
        events.append(added(search.unfinished))
        for step in ["in_progress", "searching", "completed"] {
            events.append(event("file_search_call.\(step)", at: 0, ["item_id": search.id]))
        }
        items.append(search)
        return events + [done(0)]
    }

    /// What a piece of the answer adds.
    mutating func take(_ piece: AnswerEvent) -> [JSONValue] {
        switch piece {
        case .text(let more): return add(more, as: .text)
        case .fields(let fields):
            // Model servers have two names for it.
            var events = (fields["reasoning_content"] ?? fields["reasoning"])?.string.map { add(reasoning: $0) } ?? []
            events += fields["refusal"]?.string.map { add($0, as: .refusal) } ?? []
            for call in fields["tool_calls"]?.array ?? [] { events += add(call: call) }
            return events
        case .finish(let reason, let citations, let removed):
            more["alan"] = answer.alan(removedMarkers: removed)
            return finish(reason, citations)
        case .logprobs, .usage: return []
        }
    }

    /// The last event, once everything has come.
    mutating func end(_ usage: TokenUsage) -> [JSONValue] {
        more["usage"] = Self.wireUsage(usage)
        more["completed_at"] = status == "completed" ? wire(Date()) : .null
        return [lifecycle(status)]
    }

    /// The last event of an answer that broke off.
    mutating func fail(_ error: ErrorAnswer) -> [JSONValue] {
        status = "failed"
        // OpenAI's list of codes is closed.
        let code = error.code == "rate_limit_exceeded" ? "rate_limit_exceeded" : "server_error"
        more["error"] = ["code": .string(code), "message": .string(error.message)]
        return [lifecycle(status)]
    }

    private typealias Part = ResponseOutput.Message.Part

    private mutating func add(_ delta: String, as part: Part) -> [JSONValue] {
        guard !delta.isEmpty else { return [] }
        var events = openPart(part)
        guard let at = message, case .message(var content) = items[at] else { return events }
        let place = content.place(of: part).index
        content.parts[place].text += delta
        items[at] = .message(content)
        var fields: [String: JSONValue] = [
            "item_id": .string(content.id), "content_index": .integer(place), "delta": .string(delta),
        ]
        if part.kind == .text {
            text += delta
            fields["logprobs"] = []
        }
        events.append(event(part.kind == .text ? "output_text.delta" : "refusal.delta", at: at, fields))
        return events
    }

    /// Begins the message and its part of this kind, as far as they have not begun.
    private mutating func openPart(_ part: Part) -> [JSONValue] {
        var events: [JSONValue] = []
        let at = openMessage(&events)
        guard case .message(var content) = items[at] else { return events }
        let (place, isNew) = content.place(of: part)
        guard isNew else { return events }
        items[at] = .message(content)
        let fields: [String: JSONValue] = [
            "item_id": .string(content.id), "content_index": .integer(place), "part": part.value,
        ]
        events.append(event("content_part.added", at: at, fields))
        return events
    }

    private mutating func openMessage(_ events: inout [JSONValue]) -> Int {
        if let message { return message }
        let new = ResponseOutput.message(ResponseOutput.Message(id: ResponseItem.newID("msg_")))
        events.append(added(new.value))
        items.append(new)
        message = items.count - 1
        return items.count - 1
    }

    private mutating func add(reasoning delta: String) -> [JSONValue] {
        guard !delta.isEmpty else { return [] }
        var events: [JSONValue] = []
        if reasoning == nil {
            let new = ResponseOutput.Reasoning(id: ResponseItem.newID("rs_"))
            events.append(added(ResponseOutput.reasoning(new).value))
            items.append(.reasoning(new))
            reasoning = items.count - 1
            let fields: [String: JSONValue] = ["item_id": .string(new.id), "content_index": 0, "part": new.part]
            events.append(event("content_part.added", at: items.count - 1, fields))
        }
        guard let at = reasoning, case .reasoning(var content) = items[at] else { return events }
        content.text += delta
        items[at] = .reasoning(content)
        let fields: [String: JSONValue] = ["item_id": .string(content.id), "content_index": 0, "delta": .string(delta)]
        events.append(event("reasoning_text.delta", at: at, fields))
        return events
    }

    private mutating func add(call: JSONValue) -> [JSONValue] {
        var events: [JSONValue] = []
        let number = call["index"]?.integer ?? calls.count
        let at: Int
        if let known = calls[number] {
            at = known
        } else {
            let new = ResponseOutput.call(
                ResponseOutput.Call(
                    id: ResponseItem.newID("fc_"), callID: call["id"]?.string ?? ResponseItem.newID("call_"),
                    name: call["function"]?["name"]?.string ?? ""))
            events.append(added(new.value))
            items.append(new)
            at = items.count - 1
            calls[number] = at
        }
        guard case .call(var content) = items[at], let delta = call["function"]?["arguments"]?.string, !delta.isEmpty
        else { return events }
        content.arguments += delta
        items[at] = .call(content)
        events.append(
            event("function_call_arguments.delta", at: at, ["item_id": .string(content.id), "delta": .string(delta)]))
        return events
    }

    /// Ends every item; what was cut off says so.
    private mutating func finish(_ reason: String, _ citations: [Citation]) -> [JSONValue] {
        status = reason == "length" || reason == "content_filter" ? "incomplete" : "completed"
        if status == "incomplete" {
            more["incomplete_details"] = ["reason": reason == "length" ? "max_output_tokens" : "content_filter"]
        }
        // An answer that says nothing is an empty message.
        var events = calls.isEmpty && message == nil ? openPart(.text) : []
        for at in items.indices {
            switch items[at] {
            case .search: continue
            case .reasoning(let content): events += close(content, at: at)
            case .message(let content): events += close(content, citations, at: at)
            case .call(let content): events += close(content, at: at)
            }
            events.append(done(at))
        }
        return events
    }

    private mutating func close(_ content: ResponseOutput.Reasoning, at: Int) -> [JSONValue] {
        var content = content
        content.status = status
        items[at] = .reasoning(content)
        let common: [String: JSONValue] = ["item_id": .string(content.id), "content_index": 0]
        return [
            event("reasoning_text.done", at: at, common.merging(["text": .string(content.text)]) { own, _ in own }),
            event("content_part.done", at: at, common.merging(["part": content.part]) { own, _ in own }),
        ]
    }

    private mutating func close(_ content: ResponseOutput.Call, at: Int) -> [JSONValue] {
        var content = content
        content.status = status
        items[at] = .call(content)
        let fields: [String: JSONValue] = ["item_id": .string(content.id), "arguments": .string(content.arguments)]
        return [event("function_call_arguments.done", at: at, fields)]
    }

    private mutating func close(
        _ content: ResponseOutput.Message, _ citations: [Citation], at: Int
    ) -> [JSONValue] {
        var (content, events) = (content, [JSONValue]())
        content.status = status
        for place in content.parts.indices {
            let common: [String: JSONValue] = ["item_id": .string(content.id), "content_index": .integer(place)]
            if content.parts[place].kind == .text {
                content.parts[place].annotations = citations.compactMap(annotation)
                for (number, annotation) in content.parts[place].annotations.enumerated() {
                    let fields: [String: JSONValue] = ["annotation_index": .integer(number), "annotation": annotation]
                    events.append(
                        event("output_text.annotation.added", at: at, common.merging(fields) { own, _ in own }))
                }
            }
            let part = content.parts[place]
            let whole: [String: JSONValue] =
                part.kind == .text ? ["text": .string(part.text), "logprobs": []] : ["refusal": .string(part.text)]
            let name = part.kind == .text ? "output_text.done" : "refusal.done"
            events.append(event(name, at: at, common.merging(whole) { own, _ in own }))
            events.append(event("content_part.done", at: at, common.merging(["part": part.value]) { own, _ in own }))
        }
        items[at] = .message(content)
        return events
    }

    private func annotation(_ citation: Citation) -> JSONValue? {
        guard answer.references.indices.contains(citation.reference - 1) else { return nil }
        let passage = answer.references[citation.reference - 1]
        return [
            "type": "file_citation", "file_id": .string(passage.file.rawValue), "filename": .string(passage.filename),
            "index": .integer(citation.position),
        ]
    }

    private static func result(_ passage: Passage) -> JSONValue {
        [
            "file_id": .string(passage.file.rawValue), "filename": .string(passage.filename),
            "score": .number(passage.score), "text": .string(passage.text), "attributes": .object(passage.attributes),
        ]
    }

    private static func wireUsage(_ usage: TokenUsage) -> JSONValue {
        /// A count of the model's server, which may say anything, or 0.
        func detail(_ name: String, of tokens: String) -> JSONValue {
            .integer(max(usage.details["\(tokens)_tokens_details"]?[name]?.integer ?? 0, 0))
        }
        return [
            "input_tokens": .integer(usage.prompt),
            "input_tokens_details": [
                "cached_tokens": detail("cached_tokens", of: "prompt"),
                "cache_write_tokens": detail("cache_write_tokens", of: "prompt"),
            ],
            "output_tokens": .integer(usage.completion),
            "output_tokens_details": ["reasoning_tokens": detail("reasoning_tokens", of: "completion")],
            "total_tokens": .integer(usage.total),
        ]
    }

    // MARK: - The frame of an event

    private mutating func lifecycle(_ state: String) -> JSONValue { event(state, ["response": response]) }

    private mutating func added(_ item: JSONValue) -> JSONValue {
        event("output_item.added", at: items.count, ["item": item])
    }

    private mutating func done(_ at: Int) -> JSONValue { event("output_item.done", at: at, ["item": items[at].value]) }

    private mutating func event(_ name: String, at: Int, _ fields: [String: JSONValue]) -> JSONValue {
        event(name, fields.merging(["output_index": .integer(at)]) { own, _ in own })
    }

    private mutating func event(_ name: String, _ fields: [String: JSONValue]) -> JSONValue {
        defer { sequence += 1 }
        return .object(
            fields.merging(["type": .string("response.\(name)"), "sequence_number": .integer(sequence)]) { own, _ in own
            })
    }
}
