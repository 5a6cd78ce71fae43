import Knowledge

/// How well an embedding model knows the language of a text, told by how finely its tokenizer must cut the words.
///
/// A tokenizer's vocabulary holds the words of the language that the model learned from: it cuts an English word into 1.0 to
/// 1.2 pieces where the model is English, a German one into 2 to 3.3. Where the model does not know the language its
/// similarities say less, and the words must say more.
enum EncoderTrust {
    /// Pieces a word of a language that the model knows, and of one that it does not know at all.
    private static let known = 1.2
    private static let unknown = 2.2
    /// What similarities are worth in an unknown language.
    private static let least = 0.3
    private static let maxPieces = 3.0
    /// More of a text says no more of its language.
    private static let maxCharacters = 100_000

    /// From `least` to 1, by the pieces a word of a query and of a knowledge base.
    static func value(query: Double, base: Double) -> Double {
        let pieces = max(min(maxPieces, query), base)
        let strangeness = min(1, max(0, (pieces - known) / (unknown - known)))
        return 1 - (1 - least) * strangeness
    }

    /// From 0 for a language that the model knows to 1.
    static func strangeness(ofTrust trust: Double) -> Double { (1 - trust) / (1 - least) }

    /// Whether a text of so many pieces a word is in a language that the model knows.
    static func knows(_ fertility: Double) -> Bool { fertility <= 1.6 }

    /// Word pieces for each word of letters at the text's beginning; as for a known language where there is no such word,
    /// or where nobody knows the vocabulary.
    static func fertility(of text: String, by counter: any Embedder) -> Double {
        guard counter.countsByVocabulary else { return known }
        let words = text.prefix(maxCharacters).split { !$0.isLetter }
        guard !words.isEmpty else { return known }
        return Double(counter.count(words.joined(separator: " ")[...])) / Double(words.count)
    }
}
