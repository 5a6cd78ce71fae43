import Knowledge
import OpenAIWire
import Service

/// A new object's id: 24 hexadecimal digits behind what tells its kind.
func objectID(_ prefix: String) -> String {
    prefix + (0..<24).map { _ in String(Int.random(in: 0..<16), radix: 16) }.joined()
}

extension Answer {
    /// What the answer rests on: `alan` of every reply.
    func alan(removedMarkers: Int?) -> JSONValue {
        var alan: [String: JSONValue] = [
            "resolved": [
                "expert_id": resolved.expert.map { .string($0.id.rawValue) } ?? .null,
                "knowledgebase_ids": .array(resolved.bases.map { .string($0.id.rawValue) }),
                "source": .string(resolved.source.rawValue), "status": .string(resolved.status),
            ],
            "retrieval": [
                "candidates": .integer(retrieval.candidates), "used": .integer(retrieval.used),
                "top_score": retrieval.topScore.map(JSONValue.number) ?? .null,
                "grounded": .bool(retrieval.isGrounded),
                "dropped_turns": .integer(retrieval.droppedTurns),
            ],
            "references": .array(references.enumerated().map { Self.reference($1, index: $0 + 1) }),
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
}
