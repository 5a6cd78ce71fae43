/// The few sentences that Almanac says itself, in the question's language.
struct Wording: Sendable {
    let isGerman: Bool

    /// Guesses the language from the most frequent small words; English where in doubt.
    init(of question: String) {
        let words = question.lowercased().split { !$0.isLetter }
        let german = words.count { Self.germanWords.contains(String($0)) }
        let english = words.count { Self.englishWords.contains(String($0)) }
        isGerman = german > english || (german == english && question.contains { "äöüÄÖÜß".contains($0) })
    }

    var nothingFound: String {
        isGerman ? "Dazu steht nichts in den Dokumenten." : "The documents say nothing about this."
    }

    var quoted: String { isGerman ? "Aus den Dokumenten:" : "From the documents:" }

    var needsKnowledge: String {
        isGerman
            ? "Das Modell „extractive“ antwortet nur mit Sätzen aus Dokumenten. Nenne eine Wissensbasis oder einen Experten."
            : "The model “extractive” answers only with sentences from documents. Name a knowledge base or an expert."
    }

    private static let germanWords: Set<String> = [
        "der", "die", "das", "den", "dem", "ein", "eine", "einen", "einer", "ist", "sind", "war", "wird", "werden",
        "wie", "wo", "wer", "wann", "warum", "welche", "welcher", "welches", "welchem", "wieviel", "und", "oder",
        "nicht", "für", "auf", "mit", "von", "zu", "zum", "zur", "im", "bei", "nach", "über", "kann", "man", "ich",
        "lange", "viele", "viel", "wurde", "hat", "haben", "es", "sich", "wenn", "gibt", "aus",
    ]
    private static let englishWords: Set<String> = [
        "the", "a", "an", "is", "are", "was", "were", "be", "how", "where", "who", "when", "why", "which", "what",
        "and", "or", "not", "for", "on", "with", "of", "to", "at", "after", "about", "can", "do", "does", "did", "i",
        "long", "many", "much", "has", "have", "it", "if", "from", "by", "my", "in",
    ]
}
