/// Guesses how many tokens a text has for a model whose tokenizer is not at hand, rather too many than too few.
///
/// A weighted count of what the text is made of, fitted on 17 samples of prose, code, tables and eleven scripts against
/// the larger of the llama-3 and qwen2 counts, where it was off by -12 to +22 %; 15 % are added on top. Older vocabularies
/// (BERT, GPT-2) cut non-Latin scripts finer and can have up to twice as many.
struct TokenEstimator: Sendable {
    private static let margin = 1.15

    private var weight = 0.0
    private var lettersOfWord = 0

    static func count(_ text: Substring) -> Int {
        var estimator = TokenEstimator()
        for scalar in text.unicodeScalars { estimator.take(scalar) }
        return estimator.tokens
    }

    /// The longest beginning of a text that has no more tokens than that.
    static func prefix(of text: Substring, maxTokens: Int) -> Substring {
        var estimator = TokenEstimator()
        for index in text.unicodeScalars.indices {
            estimator.take(text.unicodeScalars[index])
            if estimator.tokens > maxTokens { return text[..<index] }
        }
        return text
    }

    private var tokens: Int { Int((weight * Self.margin).rounded(.up)) }

    private mutating func take(_ scalar: Unicode.Scalar) {
        let isLatin = Self.isLatinLetter(scalar)
        lettersOfWord = isLatin ? lettersOfWord + 1 : 0
        weight += isLatin ? latinWeight : Self.weight(of: scalar)
    }

    /// A word costs by its beginning, and by its length from the seventh letter on.
    private var latinWeight: Double {
        switch lettersOfWord {
        case 1: 0.9
        case 2...6: 0
        default: 0.45
        }
    }

    private static func isLatinLetter(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x41...0x5A, 0x61...0x7A: true
        case 0xC0...0x24F: scalar.value != 0xD7 && scalar.value != 0xF7
        default: false
        }
    }

    private static func weight(of scalar: Unicode.Scalar) -> Double {
        switch scalar.value {
        case 0x0A: 0.2
        case 0x09, 0x0D, 0x20: 0
        case 0x30...0x39: 1
        case 0x21...0x7E: 0.6
        case 0x370...0x6FF: 0.42  // Greek, Cyrillic, Armenian, Hebrew, Arabic
        case 0x3040...0x30FF, 0x3400...0x9FFF, 0xAC00...0xD7AF, 0xF900...0xFAFF: 0.72  // Chinese, Japanese, Korean
        default: 1.5
        }
    }
}
