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
    /// Whether lines end within words only where these have a hyphen anyway: so it is in long documents that never break a
    /// word which they also write whole.
    private var breaksAtHyphens = false
    /// A document of fewer words may break words and yet write none of them whole.
    private static let tellingWords = 5_000
    private static let conjunctions: Set<String> = [
        "und", "oder", "bzw.", "bis", "sowie", "and", "or", "to", "et", "ou", "y", "o", "e", "en", "of",
    ]

    init(_ pages: [PageLayout]) {
        var whole: Set<String> = []
        var hyphenated: Set<String> = []
        for page in pages {
            for (line, next) in zip(page.lines, page.lines.dropFirst()) {
                guard let head = line.words.last?.text, Self.isBroken(head), let tail = next.words.first?.text else {
                    continue
                }
                whole.insert(Self.word(head.dropLast() + tail))
                hyphenated.insert(Self.word(head + tail))
            }
        }
        guard !whole.isEmpty else { return }
        var count = 0
        for line in pages.lazy.flatMap(\.lines) {
            count += line.words.count
            for word in line.words.map({ Self.word($0.text) }) where whole.contains(word) || hyphenated.contains(word) {
                known.insert(word)
            }
        }
        breaksAtHyphens = count >= Self.tellingWords && known.isDisjoint(with: whole)
    }

    /// How the last word of a line and the first of the next belong together; nil if the line ends with a whole word.
    func mending(_ head: some StringProtocol, _ tail: some StringProtocol) -> Mending? {
        guard Self.isBroken(head), let first = tail.first else { return nil }
        if Self.conjunctions.contains(tail.lowercased()) || !first.isLetter && !first.isNumber { return .apart }
        if known.contains(Self.word(String(head.dropLast()) + String(tail))) { return .join }
        if known.contains(Self.word(String(head) + String(tail))) { return .keepHyphen }
        if breaksAtHyphens && head.last != "\u{AD}" { return .keepHyphen }
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
