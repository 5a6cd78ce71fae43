import Foundation
import Knowledge
import OpenAIWire
import Service

/// The texts made of one prompt, as choices of OpenAI's legacy `text_completion` object.
struct CompletionObjects: AnswerShape {
    /// What the prompts of one request have in common.
    struct Frame: Sendable {
        let id = objectID("cmpl-")
        let created = Date()
        /// The first answer's: all prompts go to the same model.
        let model: String
        let includesUsage: Bool
        /// How many texts each prompt gets, and whether there are several prompts.
        let choices: Int
        let hasSeveralPrompts: Bool
    }

    let answer: Answer
    let frame: Frame
    /// The prompt's place in the request.
    let number: Int
    /// What each text begins with.
    let echo: String

    // MARK: - Whole

    static func completion(_ parts: [(objects: CompletionObjects, made: AssembledAnswer)]) async throws -> JSONValue {
        guard let first = parts.first?.objects else { return .null }
        var choices: [JSONValue] = []
        for (objects, made) in parts {
            for (index, choice) in made.choices.enumerated() {
                choices.append(
                    objects.choice(
                        index, objects.echo + choice.text, finish: .string(choice.finish), logprobs: choice.logprobs,
                        evidence: index == 0))
            }
        }
        var more: [String: JSONValue] = ["usage": wire(try await parts.map(\.made).usage())]
        if parts.count == 1 {
            let removed = parts[0].made.choices.reduce(0) { $0 + $1.removedMarkers }
            more["alan"] = first.answer.alan(removedMarkers: removed)
        }
        return first.object(choices, more)
    }

    // MARK: - Streamed

    func opening() -> [JSONValue] {
        answer.choices.indices.map { index in
            object(
                [choice(index, echo, finish: .null, evidence: index == 0)],
                index == 0 && !frame.hasSeveralPrompts ? ["alan": answer.alan(removedMarkers: nil)] : [:])
        }
    }

    func object(_ piece: AnswerPieces.Element) -> JSONValue? {
        switch piece.event {
        case .text(let text): object([choice(piece.choice, text, finish: .null)])
        case .logprobs(let logprobs): object([choice(piece.choice, "", finish: .null, logprobs: logprobs)])
        case .finish(let reason, _, let removed):
            object(
                [choice(piece.choice, "", finish: .string(reason))],
                frame.hasSeveralPrompts ? [:] : ["alan": ["removed_markers": .integer(removed)]])
        case .fields, .usage: nil
        }
    }

    var hasClosing: Bool { frame.includesUsage }

    func closing(_ usage: TokenUsage, of made: AssembledAnswer) -> JSONValue {
        object([], ["usage": wire(usage)])
    }

    /// - Parameter evidence: Whether to say what the text rests on, where several prompts rest on different things.
    private func choice(
        _ index: Int, _ text: String, finish: JSONValue, logprobs: JSONValue = .null, evidence: Bool = false
    ) -> JSONValue {
        var choice: [String: JSONValue] = [
            "index": .integer(number * frame.choices + index), "text": .string(text), "finish_reason": finish,
            "logprobs": logprobs,
        ]
        if evidence, frame.hasSeveralPrompts { choice["alan"] = answer.alan(removedMarkers: nil) }
        return .object(choice)
    }

    private func object(_ choices: [JSONValue], _ more: [String: JSONValue] = [:]) -> JSONValue {
        var fields: [String: JSONValue] = [
            "id": .string(frame.id), "object": "text_completion", "created": wire(frame.created),
            "model": .string(frame.model), "choices": .array(choices), "system_fingerprint": .null,
        ]
        if frame.includesUsage { fields["usage"] = .null }
        return .object(fields.merging(more) { _, more in more })
    }
}
