import Foundation
import Knowledge
import OpenAIWire
import Service

/// One answer as OpenAI's `chat.completion` and `chat.completion.chunk` objects, with Alan's `alan` beside them.
struct ChatObjects: AnswerShape {
    let answer: Answer
    private let id: String
    private let created: Date
    private let kind: AnnotationKind
    private let includesUsage: Bool
    /// Whether chunks hold a `message` beside the `delta`, as text-generation-webui's once did.
    private let mirrorsDeltas: Bool

    init(
        _ answer: Answer, annotations kind: AnnotationKind = .file, includesUsage: Bool = false,
        mirrorsDeltas: Bool = false
    ) {
        self.answer = answer
        self.kind = kind
        self.includesUsage = includesUsage
        self.mirrorsDeltas = mirrorsDeltas
        id = objectID("chatcmpl-")
        created = Date()
    }

    // MARK: - Whole

    func completion(_ made: AssembledAnswer) async throws -> JSONValue {
        let choices = made.choices.enumerated().map { index, choice -> JSONValue in
            var message = choice.message
            if kind != .none, !answer.references.isEmpty || !choice.citations.isEmpty {
                message["annotations"] = annotations(choice.citations)
            }
            return [
                "index": .integer(index), "message": .object(message), "finish_reason": .string(choice.finish),
                "logprobs": choice.logprobs,
            ]
        }
        let removed = made.choices.reduce(0) { $0 + $1.removedMarkers }
        return object(
            "chat.completion", choices: choices,
            ["usage": wire(try await made.usage()), "alan": answer.alan(removedMarkers: removed)])
    }

    // MARK: - Streamed

    func opening() -> [JSONValue] {
        answer.choices.indices.map { index in
            chunk(
                index, ["role": "assistant", "content": ""], finish: .null,
                index == 0 ? ["alan": answer.alan(removedMarkers: nil)] : [:])
        }
    }

    func object(_ piece: AnswerPieces.Element) -> JSONValue? {
        switch piece.event {
        case .text(let text):
            return chunk(piece.choice, ["content": .string(text)], finish: .null)
        case .fields(let fields):
            return chunk(piece.choice, fields.merging(["content": .null]) { own, _ in own }, finish: .null)
        case .logprobs(let logprobs):
            return chunk(piece.choice, ["content": ""], finish: .null, logprobs: logprobs)
        case .finish(let reason, let citations, let removed):
            var delta: [String: JSONValue] = ["content": .null]
            if kind != .none, !answer.references.isEmpty { delta["annotations"] = annotations(citations) }
            return chunk(
                piece.choice, delta, finish: .string(reason), ["alan": ["removed_markers": .integer(removed)]])
        case .usage:
            return nil
        }
    }

    var hasClosing: Bool { includesUsage }

    func closing(_ usage: TokenUsage, of made: AssembledAnswer) -> JSONValue {
        object("chat.completion.chunk", choices: [], ["usage": wire(usage)])
    }

    private func chunk(
        _ index: Int, _ delta: [String: JSONValue], finish: JSONValue, logprobs: JSONValue = .null,
        _ more: [String: JSONValue] = [:]
    ) -> JSONValue {
        var choice: [String: JSONValue] = [
            "index": .integer(index), "delta": .object(delta), "finish_reason": finish, "logprobs": logprobs,
        ]
        if mirrorsDeltas {
            choice["message"] = ["role": "assistant", "content": .string(delta["content"]?.string ?? "")]
        }
        return object(
            "chat.completion.chunk", choices: [.object(choice)],
            includesUsage ? more.merging(["usage": .null]) { own, _ in own } : more)
    }

    private func object(_ kind: String, choices: [JSONValue], _ more: [String: JSONValue]) -> JSONValue {
        let fields: [String: JSONValue] = [
            "id": .string(id), "object": .string(kind), "created": wire(created), "model": .string(answer.model),
            "choices": .array(choices), "system_fingerprint": .null,
        ]
        return .object(fields.merging(more) { _, more in more })
    }

    /// One annotation a marker, at the marker's place in the text.
    private func annotations(_ citations: [Citation]) -> JSONValue {
        .array(
            citations.compactMap { citation in
                guard answer.references.indices.contains(citation.reference - 1) else { return nil }
                let passage = answer.references[citation.reference - 1]
                return kind == .url ? Self.url(citation, passage) : Self.file(citation, passage)
            })
    }

    private static func file(_ citation: Citation, _ passage: Passage) -> JSONValue {
        let file: [String: JSONValue] = [
            "file_id": .string(passage.file.rawValue), "filename": .string(passage.filename),
            "index": .integer(citation.position),
        ]
        let own: [String: JSONValue] = [
            "type": "file_citation", "file_citation": .object(file), "reference": .integer(citation.reference),
        ]
        return .object(own.merging(file) { own, _ in own })
    }

    /// The document's own address, where its attributes have one, or that of its file on this server.
    private static func url(_ citation: Citation, _ passage: Passage) -> JSONValue {
        let address = passage.attributes["url"]?.string ?? "/v1/files/\(passage.file)/content"
        let markerLength = "[\(citation.reference)]".count
        return [
            "type": "url_citation", "reference": .integer(citation.reference),
            "url_citation": [
                "start_index": .integer(citation.position), "end_index": .integer(citation.position + markerLength),
                "title": .string(passage.title ?? passage.filename), "url": .string(address),
            ],
        ]
    }
}
