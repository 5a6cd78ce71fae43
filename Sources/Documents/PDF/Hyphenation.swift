/// Mends words that were broken at the end of a line, by what the rest of the document shows about them.
struct Hyphenation {
    enum Mending: Hashable {
        /// `Donau-` `dampfer`: one word.
        case join
        /// `well-` `known`: one word with its hyphen.
        case keepHyphen
        /// `Haupt-` `und Nebensache`: two words.
        case apart
    }

    /// Whole words of the document, in lower case, that a broken one could be.
    private var known: Set<String> = []
    private static let conjunctions: Set<String> = [
        "und", "oder", "bzw.", "bis", "sowie", "and", "or", "to", "et", "ou", "y", "o", "e", "en", "of",
    ]

    init(_ pages: [PageLayout]) {
        var wanted: Set<String> = []
        for page in pages {
            for (line, next) in zip(page.lines, page.lines.dropFirst()) {
                guard let head = line.words.last?.text, Self.isBroken(head), let tail = next.words.first?.text else {
                    continue
                }
                wanted.insert(Self.word(head.dropLast() + tail))
                wanted.insert(Self.word(head + tail))
            }
        }
        guard !wanted.isEmpty else { return }
        for page in pages {
            for line in page.lines {
                for word in line.words.map({ Self.word($0.text) }) where wanted.contains(word) { known.insert(word) }
            }
        }
    }

    /// How the last word of a line and the first of the next belong together; nil if the line ends with a whole word.
    func mending(_ head: some StringProtocol, _ tail: some StringProtocol) -> Mending? {
        guard Self.isBroken(head), let first = tail.first else { return nil }
        if Self.conjunctions.contains(tail.lowercased()) || !first.isLetter && !first.isNumber { return .apart }
        if known.contains(Self.word(String(head.dropLast()) + String(tail))) { return .join }
        if known.contains(Self.word(String(head) + String(tail))) { return .keepHyphen }
        return first.isLowercase || !first.isCased ? .join : .keepHyphen
    }

    /// Whether a word ends with a hyphen behind a letter.
    private static func isBroken(_ word: some StringProtocol) -> Bool {
        guard let last = word.last, last == "-" || last == "\u{2010}" || last == "\u{AD}" else { return false }
        return word.dropLast().last?.isLetter ?? false
    }

    private static func word(_ text: some StringProtocol) -> String {
        let text = text.drop { !$0.isLetter }
        guard let end = text.lastIndex(where: \.isLetter) else { return "" }
        return text[...end].lowercased()
    }
}
