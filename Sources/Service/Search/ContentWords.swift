import Foundation

/// The words of a text that carry meaning: of four letters or more, or with a digit.
struct ContentWords: Sendable {
    /// In lower case and composed, each once.
    private let words: Set<[Unicode.Scalar]>

    init(_ text: String) {
        words = Set(
            text.lowercased().precomposedStringWithCanonicalMapping.unicodeScalars
                .split { !$0.properties.isAlphabetic && $0.properties.numericType == nil }
                .filter { $0.count >= 4 || $0.contains { $0.properties.numericType != nil } }.map(Array.init))
    }

    /// The share of these words that stand in a text, in whatever inflection, 0…1; 0 if there are none.
    func share(in text: ContentWords) -> Double {
        guard !words.isEmpty else { return 0 }
        return Double(words.count { word in text.words.contains { Self.shareStem(word, $0) } }) / Double(words.count)
    }

    /// Whether one of the words begins with the other's first letters, as inflected forms of one word mostly do.
    private static func shareStem(_ one: [Unicode.Scalar], _ other: [Unicode.Scalar]) -> Bool {
        let length = max(4, min(one.count, other.count) - 2)
        return one.prefix(length).elementsEqual(other.prefix(length))
    }
}
