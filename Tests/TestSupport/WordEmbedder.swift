package import Knowledge

/// An embedder that needs no model: texts are near each other as far as they share words.
///
/// Every word has a fixed direction among 256; a text is the sum of its words'. Enough to test what is around an
/// embedder, and to know beforehand what a search must find.
package struct WordEmbedder: Embedder {
    package let model: EmbeddingModel

    package init(name: String = "words", fingerprint: String = "words-1") {
        model = EmbeddingModel(name: name, dimension: 256, maxTokens: 256, fingerprint: fingerprint)
    }

    package func count(_ text: Substring) -> Int { Self.words(text).count }

    /// Every Unicode scalar is a token.
    package var tokenizer: (any TokenCodec)? { ScalarTokenizer() }

    private struct ScalarTokenizer: TokenCodec {
        func ids(of text: String) -> [Int] { text.unicodeScalars.map { Int($0.value) } }

        func text(of ids: [Int]) throws -> String {
            var scalars = String.UnicodeScalarView()
            for id in ids {
                guard let scalar = UInt32(exactly: id).flatMap(Unicode.Scalar.init) else {
                    throw RequestError.invalid(parameter: "tokens", message: "token \(id) is not in the vocabulary")
                }
                scalars.append(scalar)
            }
            return String(scalars)
        }
    }

    package func embed(
        _ inputs: [EmbeddingInput], as role: EmbeddingRole, priority: Workers.Priority
    ) async throws -> Embeddings {
        try Task.checkCancellation()
        let vectors = inputs.map { input -> [Float] in
            switch input {
            case .text(let text): Self.vector(Self.words(text[...]))
            case .tokens(let tokens): Self.vector(tokens.map { "\($0)" })
            }
        }
        let counts = inputs.map { input in
            switch input {
            case .text(let text): count(text[...]) + 2
            case .tokens(let tokens): tokens.count + 2
            }
        }
        return Embeddings(vectors: vectors, tokenCounts: counts)
    }

    private static func words(_ text: Substring) -> [String] {
        text.lowercased().split { !$0.isLetter && !$0.isNumber }.map(String.init)
    }

    private static func vector(_ words: [String]) -> [Float] {
        var vector = [Float](repeating: 0, count: 256)
        // A text without words still has a direction, as with a real model.
        for word in words.isEmpty ? [""] : words {
            var hash: UInt64 = 14_695_981_039_346_656_037  // FNV-1a
            for byte in word.utf8 { hash = (hash ^ UInt64(byte)) &* 1_099_511_628_211 }
            vector[Int(hash % 256)] += 1
        }
        let length = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return vector.map { $0 / length }
    }
}
