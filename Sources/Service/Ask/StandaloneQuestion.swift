import Knowledge

/// Makes a query of a conversation's last turn, so that it is understood without the others.
///
/// What the user asked before goes along as background: much where the last turn leans on it ("and how long does it
/// take?"), nothing where the user changed the subject. How near the two are in meaning is settled by the search, which has
/// the vectors. No model is asked.
struct StandaloneQuestion: Sendable {
    /// What the turn before counts where the last one leans on it; earlier ones half as much as the next.
    private static let leaning = 0.4
    /// Earlier turns looked at.
    private static let depth = 3
    /// A turn of at most this many words that carry meaning is taken to lean on what was said before.
    private static let fewWords = 3

    let query: SearchQuery

    /// - Returns: nil where the user asked nothing.
    init?(_ turns: [Question.Turn]) {
        let asked = turns.filter { $0.role == .user && !$0.text.allSatisfy(\.isWhitespace) }.map(\.text)
        guard let last = asked.last, turns.last(where: { $0.role == .user })?.text == last else { return nil }
        let leans = Self.leans(last)
        let weight = leans ? Self.leaning : Self.leaning / 2
        var factor = 1.0
        let background = asked.dropLast().suffix(Self.depth).reversed().map { text in
            defer { factor /= 2 }
            return SearchQuery.Background(text: text, weight: weight * factor, isCertain: leans)
        }
        query = SearchQuery(last, background: background)
    }

    /// Whether a turn can hardly be understood alone: it points back, goes on, or says very little.
    static func leans(_ text: String) -> Bool {
        let words = text.lowercased().split { !$0.isLetter && !$0.isNumber && $0 != "'" }.map(String.init)
        let content = words.filter { $0.count >= 4 || $0.contains(where: \.isNumber) }
        return content.count <= fewWords || words.contains(where: pointing.contains)
            || openings.contains { words.starts(with: $0) }
    }

    /// Words that stand for something said before.
    private static let pointing: Set<String> = [
        "it", "its", "they", "them", "their", "this", "that", "these", "those", "he", "she", "his", "her", "him", "one",
        "ones", "there", "same", "such", "other", "others", "another", "former", "latter", "else", "more", "both", "also",
        "too", "er", "sie", "es", "ihn", "ihm", "ihr", "ihre", "ihren", "ihrem", "ihnen", "sein", "seine", "dies", "diese",
        "dieser", "dieses", "dessen", "deren", "dort", "dafür", "davon", "dazu", "damit", "darüber", "daran", "dabei",
        "darin", "dann", "auch", "noch", "weitere", "andere", "anderen",
    ]
    /// How a turn begins that goes on with the one before.
    private static let openings: [[String]] = [
        ["and"], ["but"], ["so"], ["or"], ["what", "about"], ["how", "about"], ["why"], ["und"], ["aber"], ["oder"],
        ["also"], ["was", "ist", "mit"], ["wie", "sieht", "es"], ["warum"], ["wieso"],
    ]
}
