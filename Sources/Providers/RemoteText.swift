import FoundationEssentials
import Knowledge

/// A text as it is sent to be embedded: not too long, and not empty, which OpenAI refuses.
struct RemoteText: Sendable {
    /// What no server refuses for its length.
    private static let shortTokens = 32

    let item: EmbeddingQueue.Item
    private(set) var input: EmbeddingInput
    /// Exact for token ids, else estimated, rather too high than too low.
    private(set) var tokens: Int
    /// Whether its end is missing.
    private(set) var isCut: Bool

    init(_ item: EmbeddingQueue.Item, maxTokens: Int) {
        self.item = item
        (input, tokens, isCut) = Self.cut(item.input, to: maxTokens)
    }

    var isText: Bool {
        switch input {
        case .text: true
        case .tokens: false
        }
    }

    /// Its beginning, for a server that counts more tokens than we do. Nil where length cannot be what is wrong.
    var half: RemoteText? {
        guard tokens > Self.shortTokens else { return nil }
        var half = self
        (half.input, half.tokens, half.isCut) = Self.cut(input, to: tokens / 2)
        return half
    }

    /// What no tokenizer exceeds, known without a look at the text.
    static func mostTokens(of input: EmbeddingInput) -> Int {
        switch input {
        case .text(let text): text.utf8.count
        case .tokens(let tokens): tokens.count
        }
    }

    private static func cut(_ input: EmbeddingInput, to limit: Int) -> (EmbeddingInput, tokens: Int, isCut: Bool) {
        switch input {
        case .text(let text):
            let start = TokenEstimator.prefix(of: text[...], maxTokens: limit)
            let isCut = start.endIndex < text.endIndex
            return (.text(start.isEmpty ? " " : String(start)), TokenEstimator.count(start), isCut)
        case .tokens(let tokens):
            if tokens.isEmpty { return (.text(" "), 1, false) }
            return (.tokens(Array(tokens.prefix(limit))), min(tokens.count, limit), tokens.count > limit)
        }
    }
}
