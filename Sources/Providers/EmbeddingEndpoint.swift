import FoundationEssentials
import Knowledge

/// `POST /embeddings` for one model: one request, one checked answer.
struct EmbeddingEndpoint: Sendable {
    let transport: Transport
    let model: String
    /// A third of the size of decimal numbers; not every server knows it.
    var asksForBase64: Bool
    /// Once known, every vector must have it.
    var dimension: Int?

    struct Reply: Sendable {
        /// In the order of the inputs, of unit length, at least one.
        var vectors: [[Float]]
        /// What the server counted for all inputs together.
        var tokens: Int?
    }

    /// - Parameter inputs: At least one, all of one kind.
    /// - Throws: `UpstreamError`, or `CancellationError`.
    func embed(_ inputs: [EmbeddingInput]) async throws -> Reply {
        var fields: [String: JSONValue] = ["model": .string(model), "input": .array(inputs.map(\.json))]
        if asksForBase64 { fields["encoding_format"] = "base64" }
        let call = Call(path: "/embeddings", body: Array(try JSONValue.object(fields).json()))
        let list = try await transport.value(
            of: EmbeddingList.self, from: call, within: Deadlines(transport.settings.timeouts))
        do {
            return Reply(vectors: try vectors(in: list, count: inputs.count), tokens: list.usage?.tokens)
        } catch {
            throw Failures(transport.settings).garbage(error.reason)
        }
    }

    private func vectors(in list: EmbeddingList, count: Int) throws(NoAnswer) -> [[Float]] {
        guard list.data.count == count else {
            throw NoAnswer(reason: "it has \(list.data.count) vectors for \(count) texts")
        }
        var vectors = [[Float]](repeating: [], count: count)
        for (position, item) in list.data.enumerated() {
            let index = item.index ?? position
            guard vectors.indices.contains(index), vectors[index].isEmpty else {
                throw NoAnswer(reason: "its indices are not those of the texts")
            }
            let expected = dimension ?? vectors.first { !$0.isEmpty }?.count ?? item.embedding.values.count
            vectors[index] = try unitVector(item.embedding.values, dimension: expected)
        }
        return vectors
    }

    private func unitVector(_ values: [Float], dimension: Int) throws(NoAnswer) -> [Float] {
        guard values.count == dimension, !values.isEmpty else {
            throw NoAnswer(reason: "a vector has \(values.count) numbers in place of \(dimension)")
        }
        let length = values.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
        guard length.isFinite, length > 0 else {
            throw NoAnswer(reason: "a vector is zero or has numbers that are not finite")
        }
        return values.map { Float(Double($0) / length) }
    }
}

private struct EmbeddingList: Decodable {
    var data: [Item]
    var usage: Usage?

    struct Item: Decodable {
        var index: Int?
        var embedding: Numbers
    }

    struct Usage: Decodable {
        private var prompt: Int?
        var tokens: Int? { prompt.flatMap { (1...(1 << 40)).contains($0) ? $0 : nil } }

        private enum CodingKeys: String, CodingKey {
            case prompt = "prompt_tokens"
        }
    }

    /// A list of numbers, or the base64 of little-endian float32.
    struct Numbers: Decodable {
        var values: [Float]

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            guard let text = try? container.decode(String.self) else {  // then it is a list, or nothing we know
                values = try container.decode([Float].self)
                return
            }
            guard let bytes = Data(base64Encoded: text), bytes.count.isMultiple(of: 4) else {
                throw DecodingError.dataCorruptedError(in: container, debugDescription: "no base64 of float32")
            }
            values = bytes.withUnsafeBytes { raw in
                (0..<raw.count / 4).map { position in
                    let bits = raw.loadUnaligned(fromByteOffset: position * 4, as: UInt32.self)
                    return Float(bitPattern: UInt32(littleEndian: bits))
                }
            }
        }
    }
}

extension EmbeddingInput {
    fileprivate var json: JSONValue {
        switch self {
        case .text(let text): .string(text)
        case .tokens(let tokens): .array(tokens.map { .integer($0) })
        }
    }
}
