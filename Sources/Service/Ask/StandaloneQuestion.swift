import Knowledge

/// Makes a query of a conversation's last turn, so that it is understood without the others.
///
/// What the user asked before goes along as background, and what the last answer said: much where the last turn leans on
/// it ("and how long does it take?"), nothing where the user changed the subject. How near they are in meaning is settled by
/// the search, which has the vectors. No model is asked.
struct StandaloneQuestion: Sendable {
    /// What the turn before counts where the last one leans on it; earlier ones half as much as the next.
    private static let leaning = 0.4
    /// What the meaning and the words of the last answer count beside those of the question before it.
    private static let answerMeaning = 1.5
    private static let answerWords = 0.25
    /// Earlier turns looked at.
    private static let depth = 3
    /// A turn of at most this many words that carry meaning is taken to lean on what was said before.
    private static let fewWords = 3

    let query: SearchQuery

    /// - Returns: nil where the user asked nothing.
    init?(_ turns: [Question.Turn]) {
        let asked = turns.filter { $0.role == .user && !$0.text.allSatisfy(\.isWhitespace) }.map(\.text)
        guard let last = asked.last, turns.last(where: { $0.role == .user })?.text == last else { return nil }
        let dependence = Self.dependence(of: Self.bounded(last))
        let weight = dependence == .none ? Self.leaning / 2 : Self.leaning
        let isCertain = dependence == .certain
        var factor = weight
        var background = asked.dropLast().suffix(Self.depth).reversed().map { text in
            defer { factor /= 2 }
            return SearchQuery.Background(
                .question, text: Self.bounded(text), meaning: factor, words: factor, isCertain: isCertain)
        }
        if !background.isEmpty, let answer = turns.last(where: { $0.role == .assistant })?.text {
            background.append(
                SearchQuery.Background(
                    .answer, text: Self.bounded(answer), meaning: Self.answerMeaning * weight,
                    words: Self.answerWords * weight, isCertain: isCertain))
        }
        query = SearchQuery(Self.bounded(last), background: background)
    }

    /// Beginning and end of a text that is longer than any question: what is asked stands at one of them.
    private static func bounded(_ text: String) -> String {
        let half = 4_000
        guard text.utf8.count > 2 * half, text.count > 2 * half else { return text }
        return text.prefix(half) + "\n" + text.suffix(half)
    }

    enum Dependence { case none, likely, certain }

    /// How far a turn needs the others: certainly where it points back or goes on, likely where it says very little.
    static func dependence(of text: String) -> Dependence {
        let words = text.lowercased().split { !$0.isLetter && !$0.isNumber && $0 != "'" }.map(String.init)
        if words.contains(where: pointing.contains) || openings.contains(where: { words.starts(with: $0) }) {
            return .certain
        }
        let content = words.filter { $0.count >= 4 || $0.contains(where: \.isNumber) }
        return content.count <= fewWords ? .likely : .none
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
