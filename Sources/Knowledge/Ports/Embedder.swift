/// What identifies an embedding model; stored with every knowledge base that uses it.
package struct EmbeddingModel: Hashable, Sendable, Codable {
    package var name: String
    package var dimension: Int
    /// Tokens of one text including special tokens; longer texts are cut.
    package var maxTokens: Int
    /// Changes whenever the model would give other vectors: weights, tokenizer, pooling, prompts.
    ///
    /// Not with the precision or the instruction set that computes them: vectors of one model in two precisions have cosines
    /// of at least 0.999, compare with one another, and may stand in one knowledge base. So a setting, another processor or
    /// a new default never makes a knowledge base unusable.
    package var fingerprint: String

    /// Tokens of one text's own: without the two special ones around it.
    package var window: Int { max(8, maxTokens - 2) }

    package init(name: String, dimension: Int, maxTokens: Int, fingerprint: String) {
        self.name = name
        self.dimension = dimension
        self.maxTokens = maxTokens
        self.fingerprint = fingerprint
    }
}

/// What is embedded: text, or token ids that a client made itself (special tokens not included).
package enum EmbeddingInput: Hashable, Sendable {
    case text(String)
    case tokens([Int])
}

/// Some models want queries and passages marked differently.
package enum EmbeddingRole: Sendable { case query, passage }

package struct Embeddings: Sendable {
    /// In the order of the inputs, of unit length.
    package var vectors: [[Float]]
    /// Tokens per input as the model saw them, special tokens included, after truncation.
    package var tokenCounts: [Int]
    /// Places of the inputs that were longer than the model takes: the ends of their texts are not in their vectors.
    package var cut: Set<Int> = []

    package init(vectors: [[Float]], tokenCounts: [Int]) {
        self.vectors = vectors
        self.tokenCounts = tokenCounts
    }
}

/// How much an embedder has to do, and has done since it was made; what lies between two looks gives the rate.
package struct EmbeddingLoad: Hashable, Sendable {
    /// Texts that nobody has begun to embed.
    package var waiting = 0
    package var texts = 0
    /// As `Embeddings.tokenCounts` counts them.
    package var tokens = 0

    package init() {}
}

/// Counts tokens as a model's own tokenizer does, without special tokens. Safe to call from any thread.
package protocol TokenCounter: Sendable {
    func count(_ text: Substring) -> Int

    /// Whether a text has as many tokens as its words by themselves, where only white space is between them.
    var addsUpWords: Bool { get }
}

extension TokenCounter {
    package var addsUpWords: Bool { false }
}

/// A model's own way between text and token ids, special tokens left out.
package protocol TokenCodec: Sendable {
    func ids(of text: String) -> [Int]

    /// The text of ids, nearly as it was: what the vocabulary does not keep, such as case, does not come back.
    /// - Throws: `RequestError.invalid` for an id that the vocabulary does not have.
    func text(of ids: [Int]) throws -> String
}

extension Embedder {
    package var countsByVocabulary: Bool { false }
    package var load: EmbeddingLoad { EmbeddingLoad() }
    package var tokenizer: (any TokenCodec)? { nil }
}

/// Turns texts into vectors.
package protocol Embedder: TokenCounter {
    var model: EmbeddingModel { get }

    /// Whether `count` counts by the model's own vocabulary, and does not only estimate.
    var countsByVocabulary: Bool { get }

    var load: EmbeddingLoad { get }

    /// nil where the vocabulary is not at hand.
    var tokenizer: (any TokenCodec)? { get }

    /// Embeds all inputs, or throws. `urgent` is for questions that a person waits for.
    func embed(_ inputs: [EmbeddingInput], as role: EmbeddingRole, priority: Workers.Priority) async throws -> Embeddings
}
