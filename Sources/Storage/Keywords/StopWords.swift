/// Words of questions and sentences that say nothing of what is asked for, German and English.
///
/// They are in the index, so that phrases are found, and left out of queries that have other words.
enum StopWords {
    static func contains(_ word: [UInt8]) -> Bool { words.contains(word) }

    /// Folded as `LetterTable` does; umlauts also as two letters.
    private static let words: Set<[UInt8]> = {
        var words: Set<[UInt8]> = []
        for word in (german + " " + english).split(whereSeparator: \.isWhitespace) {
            words.insert(Array(word.utf8))
            let spelled = word.replacing("ä", with: "ae").replacing("ö", with: "oe").replacing("ü", with: "ue")
            words.insert(Array(spelled.utf8))
        }
        return words
    }()

    private static let german = """
        aber alle allem allen aller alles als also am an ander andere anderem anderen anderer anderes anders auch auf aus
        bei beim bin bis bist da dadurch daher damit dann das dass dazu dein deine deinem deinen deiner dem den denn der
        deren des dessen dich die dies diese diesem diesen dieser dieses dir doch dort du durch ein eine einem einen einer
        eines einige einigem einigen einiger einiges einmal er es etwas euch euer eure für gegen gibt hab habe haben hat
        hatte hatten hier hin hinter ich ihm ihn ihnen ihr ihre ihrem ihren ihrer ihres im in indem ins ist ja jede jedem
        jeden jeder jedes jene jenem jenen jener jenes jetzt kann kein keine keinem keinen keiner können könnte machen man
        manche manchem manchen mancher manches mein meine mich mir mit muss musste müssen nach nicht nichts noch nun nur ob
        oder ohne sehr sein seine seinem seinen seiner seit selbst sich sie sind so solche solchem solchen solcher soll
        sollte sondern sonst über um und uns unser unsere unter viel vom von vor wann war waren warum was weg weil weiter
        welche welchem welchen welcher welches wenn wer wem wen werde werden wie wieder wieso wieviel wieviele will wir wird
        wirst wo wurde wurden während würde würden zu zum zur zwar zwischen
        """

    private static let english = """
        a about above after again against ain all am an and any are aren as at be because been before being below between
        both but by can cannot could couldn d did didn do does doesn doing don down during each few for from further had
        hadn has hasn have haven having he her here hers herself him himself his how i if in into is isn it its itself just
        ll m me more most my myself no nor not of off on once only or other our ours out over own re s same she should
        shouldn so some such t than that the their theirs them themselves then there these they this those through to too
        under until up ve very was wasn we were weren what when where which while who whom whose why will with won would
        wouldn you your yours
        """
}
