import FoundationEssentials
package import Knowledge

/// A `POST /embeddings` body.
package struct EmbeddingRequest: Sendable {
    package enum Encoding: String, Sendable, CaseIterable { case float, base64 }

    package var model: String?
    package var inputs: [EmbeddingInput]
    /// Whether the inputs came as a list, and not one by itself.
    package var isList: Bool
    package var encoding: Encoding
    /// Keep only so many leading components, normalised again.
    package var dimensions: Int?

    /// OpenAI's limits: 2,048 inputs, none of them empty.
    package init(_ body: Fields) throws {
        model = try body.string("model", maxLength: 256)
        encoding = try body.choice("encoding_format") ?? .float
        dimensions = try body.integer("dimensions", in: 1...65_536)
        inputs = try Self.inputs(body)
        isList = body["input"]?.array?.first.map { $0.integer == nil } ?? false
    }

    private static func inputs(_ body: Fields) throws -> [EmbeddingInput] {
        switch body["input"] {
        case nil:
            throw body.missing("input")
        case .string(let text)?:
            return [try input(.string(text), path: "input")]
        case .array(let elements)?:
            guard !elements.isEmpty else { throw body.invalid("input", "must not be empty") }
            if elements[0].integer != nil { return [try input(.array(elements), path: "input")] }
            guard elements.count <= 2_048 else { throw body.invalid("input", "must have at most 2048 elements") }
            return try elements.enumerated().map { try input($1, path: "input[\($0)]") }
        default:
            throw body.wrongType("input", "a string, an array of strings, or arrays of token ids")
        }
    }

    private static func input(_ value: JSONValue, path: String) throws -> EmbeddingInput {
        switch value {
        case .string(let text):
            guard !text.isEmpty else { throw RequestError.invalid(parameter: path, message: "must not be empty") }
            return .text(text)
        case .array(let elements):
            guard !elements.isEmpty else { throw RequestError.invalid(parameter: path, message: "must not be empty") }
            return .tokens(
                try elements.map {
                    guard let token = $0.integer else {
                        throw RequestError.wrongType(parameter: path, expected: "a string or an array of token ids")
                    }
                    return token
                })
        default:
            throw RequestError.wrongType(parameter: path, expected: "a string or an array of token ids")
        }
    }
}

/// A `POST /embeddings` answer.
package func wire(
    _ vectors: [[Float]], model: String, tokens: Int, encoding: EmbeddingRequest.Encoding
) -> JSONValue {
    let data = vectors.enumerated().map { index, vector -> JSONValue in
        let embedding: JSONValue =
            switch encoding {
            case .float: .array(vector.map { .number(Double($0)) })
            case .base64: .string(littleEndianBytes(of: vector).base64EncodedString())
            }
        return ["object": "embedding", "index": .integer(index), "embedding": embedding]
    }
    let usage: JSONValue = ["prompt_tokens": .integer(tokens), "total_tokens": .integer(tokens)]
    return ["object": "list", "data": .array(data), "model": .string(model), "usage": usage]
}

private func littleEndianBytes(of vector: [Float]) -> Data {
    var data = Data(capacity: vector.count * 4)
    for component in vector {
        withUnsafeBytes(of: component.bitPattern.littleEndian) { data.append(contentsOf: $0) }
    }
    return data
}
