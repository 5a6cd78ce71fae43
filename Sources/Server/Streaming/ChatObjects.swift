import Foundation
import Knowledge
import OpenAIWire
import Service

/// One answer as OpenAI's `chat.completion` and `chat.completion.chunk` objects, with Alan's `alan` beside them.
struct ChatObjects: Sendable {
    private let id: String
    private let created: Date
    private let answer: Answer

    init(_ answer: Answer) {
        self.answer = answer
        id = "chatcmpl-" + (0..<24).map { _ in String(Int.random(in: 0..<16), radix: 16) }.joined()
        created = Date()
    }

    // MARK: - Whole

    func completion(_ message: AssembledMessage) -> JSONValue {
        var fields = message.fields
        fields["role"] = "assistant"
        fields["content"] = message.text.isEmpty && !fields.isEmpty && fields["tool_calls"] != nil ? .null : .string(message.text)
        fields["refusal"] = fields["refusal"] ?? .null
        if !answer.references.isEmpty || !message.citations.isEmpty {
            fields["annotations"] = annotations(message.citations)
        }
        return object(
            "chat.completion",
            choices: [
                [
                    "index": 0, "message": .object(fields), "finish_reason": .string(message.finish), "logprobs": .null,
                ]
            ],
            [
                "usage": message.usage.map(wire) ?? .null,
                "alan": alan(removedMarkers: message.removedMarkers),
            ])
    }

    // MARK: - Streamed

    /// Carries what the answer rests on, so that clients can show markers as they come.
    func firstChunk(_ includeUsage: Bool) -> JSONValue {
        chunk(["role": "assistant", "content": ""], finish: .null, includeUsage, ["alan": alan(removedMarkers: nil)])
    }

    /// The chunk of an event; nil for usage that nobody asked for.
    func chunk(_ event: AnswerEvent, _ includeUsage: Bool) -> JSONValue? {
        switch event {
        case .text(let text):
            return chunk(["content": .string(text)], finish: .null, includeUsage)
        case .fields(let fields):
            return chunk(fields.merging(["content": .null]) { own, _ in own }, finish: .null, includeUsage)
        case .finish(let reason, let citations, let removed):
            var delta: [String: JSONValue] = ["content": .null]
            if !answer.references.isEmpty { delta["annotations"] = annotations(citations) }
            return chunk(
                delta, finish: .string(reason), includeUsage, ["alan": ["removed_markers": .integer(removed)]])
        case .usage(let usage):
            return includeUsage ? object("chat.completion.chunk", choices: [], ["usage": wire(usage)]) : nil
        }
    }

    private func chunk(
        _ delta: [String: JSONValue], finish: JSONValue, _ includeUsage: Bool, _ more: [String: JSONValue] = [:]
    ) -> JSONValue {
        object(
            "chat.completion.chunk",
            choices: [["index": 0, "delta": .object(delta), "finish_reason": finish, "logprobs": .null]],
            includeUsage ? more.merging(["usage": .null]) { own, _ in own } : more)
    }

    private func object(_ kind: String, choices: [JSONValue], _ more: [String: JSONValue]) -> JSONValue {
        let fields: [String: JSONValue] = [
            "id": .string(id), "object": .string(kind), "created": wire(created), "model": .string(answer.model),
            "choices": .array(choices), "system_fingerprint": .null,
        ]
        return .object(fields.merging(more) { _, more in more })
    }

    // MARK: - What the answer rests on

    func alan(removedMarkers: Int?) -> JSONValue {
        let resolved = answer.resolved
        var alan: [String: JSONValue] = [
            "resolved": [
                "expert_id": resolved.expert.map { .string($0.id.rawValue) } ?? .null,
                "knowledgebase_ids": .array(resolved.bases.map { .string($0.id.rawValue) }),
                "source": .string(resolved.source.rawValue), "status": .string(resolved.status),
            ],
            "retrieval": [
                "candidates": .integer(answer.retrieval.candidates), "used": .integer(answer.retrieval.used),
                "top_score": answer.retrieval.topScore.map(JSONValue.number) ?? .null,
                "grounded": .bool(answer.retrieval.isGrounded),
                "dropped_turns": .integer(answer.retrieval.droppedTurns),
            ],
            "references": .array(answer.references.enumerated().map { Self.reference($1, index: $0 + 1) }),
        ]
        alan["removed_markers"] = removedMarkers.map(JSONValue.integer)
        return .object(alan)
    }

    private static func reference(_ passage: Passage, index: Int) -> JSONValue {
        var reference: [String: JSONValue] = [
            "index": .integer(index), "knowledgebase_id": .string(passage.knowledgeBase.rawValue),
            "document_id": .string(passage.document.rawValue), "file_id": .string(passage.file.rawValue),
            "filename": .string(passage.filename), "title": .string(passage.title ?? passage.filename),
            "heading_path": .array(passage.headingPath.map(JSONValue.string)),
            "start": .integer(passage.characters.lowerBound), "end": .integer(passage.characters.upperBound),
            "quote": .string(passage.text), "score": .number(passage.score),
            "attributes": .object(passage.attributes),
        ]
        reference["page"] = passage.page.map(JSONValue.integer)
        reference["locator"] = passage.locator.map(JSONValue.string)
        return .object(reference)
    }

    /// One annotation a marker, at the marker's place in the text.
    private func annotations(_ citations: [Citation]) -> JSONValue {
        .array(
            citations.compactMap { citation in
                guard answer.references.indices.contains(citation.reference - 1) else { return nil }
                let passage = answer.references[citation.reference - 1]
                let file: [String: JSONValue] = [
                    "file_id": .string(passage.file.rawValue), "filename": .string(passage.filename),
                    "index": .integer(citation.position),
                ]
                let own: [String: JSONValue] = [
                    "type": "file_citation", "file_citation": .object(file), "reference": .integer(citation.reference),
                ]
                return .object(own.merging(file) { own, _ in own })
            })
    }
}

/// An answer put together from its events, for a client that wants it whole.
struct AssembledMessage: Sendable {
    private(set) var text = ""
    private(set) var fields: [String: JSONValue] = [:]
    private(set) var finish = "stop"
    private(set) var citations: [Citation] = []
    private(set) var removedMarkers = 0
    private(set) var usage: TokenUsage?

    mutating func add(_ event: AnswerEvent) {
        switch event {
        case .text(let more): text += more
        case .fields(let more): fields.merge(more) { Self.joined($0, $1) }
        case .finish(let reason, let citations, let removed):
            finish = reason
            self.citations = citations
            removedMarkers = removed
        case .usage(let usage): self.usage = usage
        }
    }

    /// Deltas of one field in sequence: strings are continued, objects field by field, list elements by their `index`.
    private static func joined(_ one: JSONValue, _ other: JSONValue) -> JSONValue {
        switch (one, other) {
        case (.string(let one), .string(let other)):
            return .string(one + other)
        case (.object(let one), .object(let other)):
            return .object(
                one.merging(other) { $0 == $1 || $0.string == nil && $0.object == nil && $0.array == nil ? $1 : joined($0, $1) })
        case (.array(var one), .array(let other)):
            for element in other {
                if let index = element["index"]?.integer, let place = one.firstIndex(where: { $0["index"]?.integer == index }) {
                    one[place] = joined(one[place], element)
                } else {
                    one.append(element)
                }
            }
            return .array(one)
        default: return other
        }
    }
}
