import Knowledge
import OpenAIWire
import Service

/// One answer as the events of Alan's own streams, told apart by `kind`: `message` at the beginning and at the end, `tokens`
/// between, `error` where it breaks off.
///
///     data: {"kind": "message", "message": {"resource_id": …, "state": "Generating", "content": ""}, "alan": {…}}
///     data: {"kind": "tokens", "message_id": …, "tokens": "In 1871", "reasoning_tokens": ""}
///     data: {"kind": "message", "message": {…, "state": "Done"}, "finish_reason": "stop", "usage": {…}}
struct GenerateStreamEvents: AnswerShape {
    let answer: Answer
    private let id = objectID("msg_")

    init(_ answer: Answer) {
        self.answer = answer
    }

    func opening() -> [JSONValue] {
        [
            [
                "kind": "message", "message": message(state: "Generating", content: ""),
                "alan": answer.alan(removedMarkers: nil),
            ]
        ]
    }

    func object(_ piece: AnswerPieces.Element) -> JSONValue? {
        switch piece.event {
        case .text(let text):
            return tokens(text, reasoning: "")
        case .fields(let fields):
            let reasoning = fields["reasoning_content"]?.string ?? fields["reasoning"]?.string
            return reasoning.map { tokens("", reasoning: $0) }
        case .finish, .logprobs, .usage:
            return nil
        }
    }

    var hasClosing: Bool { true }

    func closing(_ usage: TokenUsage, of made: AssembledAnswer) -> JSONValue {
        [
            "kind": "message", "message": message(state: "Done", content: made.choices[0].text),
            "finish_reason": .string(made.choices[0].finish), "usage": wire(usage),
        ]
    }

    func failure(_ error: ErrorAnswer) -> JSONValue { Self.failure(error) }

    static func failure(_ error: ErrorAnswer) -> JSONValue {
        let fields: [String: JSONValue] = [
            "kind": "error", "message": .string(error.message), "detail": .string(error.message),
        ]
        return .object(fields.merging(error.body.object ?? [:]) { own, _ in own })
    }

    private func message(state: String, content: String) -> JSONValue {
        [
            "resource_id": .string(id), "role": "assistant", "state": .string(state), "content": .string(content),
        ]
    }

    private func tokens(_ text: String, reasoning: String) -> JSONValue {
        [
            "kind": "tokens", "message_id": .string(id), "tokens": .string(text), "reasoning_tokens": .string(reasoning),
        ]
    }
}
