/// Words of questions and sentences that say nothing of what is asked for, German and English.
///
/// They are in the index, so that phrases are found, and left out of queries that have other words.
enum StopWords {
    enum Language {
        case german, english, both
    }

    /// Whose stop word it is; nil if it is none.
    static func language(of word: [UInt8]) -> Language? { words[word] }

    /// Folded as `LetterTable` does; umlauts also as two letters.
    private static let words: [[UInt8]: Language] = {
        var words: [[UInt8]: Language] = [:]
        for word in german.split(whereSeparator: \.isWhitespace) {
            words[Array(word.utf8)] = .german
            let spelled = word.replacing("ä", with: "ae").replacing("ö", with: "oe").replacing("ü", with: "ue")
            words[Array(spelled.utf8)] = .german
        }
        for word in english.split(whereSeparator: \.isWhitespace) {
            words[Array(word.utf8), default: .english] = words[Array(word.utf8)] == nil ? .english : .both
        }
        return words
    }()

    private static let german = """
        aber als am an auf aus bei beim bin bis bist da damit dann das dass dein dem den der des die durch ein eine
        einem einen einer eines er es euer für hat hatte haben hatten ich ihm ihn ihr ihre ihrem ihren ihrer im in
        ist ja kann kein keine können man mein mit nach nicht noch nur ob oder sein seine seinem seinen seiner sich
        sie sind so über um und uns unter viel viele vom von vor wann war waren warum was weil welche welchem
        welchen welcher welches wem wen wenn wer werden wie wieviel wieviele wir wird wo woher wohin wurde wurden zu
        zum zur zwischen
        """

    private static let english = """
        a about also am an and any are as at be been but by can could did do does for from had has have he her his
        how i if in into is it its me my no not of on or our s she should so such t than that the their them then
        there these they this to us was we were what when where which who whom whose why will with would you your
        """
}
