import Documents
import Testing

@Suite("Sentences end")
struct SentencesTests {
    /// Sentences joined by `¦`.
    @Test(
        "where German readers see an end",
        arguments: [
            "Das ist gut.¦Das auch.", "Er kam z. B. am Montag.¦Sie nicht.", "Das gilt d. h. nie.¦Oder doch?¦Ja!",
            "Dr. Müller und Prof. Dr. Schmidt kamen.¦Sie blieben.", "Siehe § 5 Abs. 2 S. 1 Nr. 3 BGB.¦Das reicht.",
            "Am 1. Januar 2024 begann es.¦Am 3. Tag endete es.", "Der 2. Weltkrieg endete 1945.¦Danach war Frieden.",
            "Es waren rd. 3.500 Euro bzw. 2,5 Prozent.¦Mehr nicht.", "Im 20. Jahrhundert war das so.¦Heute nicht.",
            "Er sagte: „Ich komme.“¦Dann ging er.", "„Kommst du?“ fragte er.¦Sie nickte.", "Vgl. Art. 3 GG.¦So ist es.",
            "Obst, Gemüse usw. sind gesund.¦Fleisch usw.¦Das war alles.", "Das kostet ca. 5 Mio. Euro.¦Viel Geld.",
            "Die Frist beträgt i. d. R. vier Wochen.¦Ausnahmen gibt es.", "Die GmbH & Co. KG zahlt.¦Sie haftet.",
            "(Siehe oben.)¦Dann weiter.", "Friedrich II.¦Der König war alt.", "Er wohnt in der Str. des 17. Juni.¦Dort ist es laut.",
            "Version 2.5.1 ist da.¦Sie ist schnell.", "Mehr auf www.example.de.¦Oder per E-Mail.", "Was?!¦Wirklich …¦Na gut.",
        ]
    )
    func german(_ marked: String) { check(marked) }

    @Test(
        "where English readers see an end",
        arguments: [
            "Hello World.¦My name is Jonas.", "What is your name?¦My name is Jonas.", "There it is!¦I found it.",
            "My name is Jonas E. Smith.", "Please turn to p. 55.", "Were Jane and co. at the party?",
            "They closed the deal with Pitt, Briggs & Co. at noon.", "Let's ask Jane and co.¦They should know.",
            "They closed the deal with Pitt, Briggs & Co.¦It closed yesterday.", "I can see Mt. Fuji from here.",
            "St. Michael's Church is on 5th st. near the light.", "That is JFK Jr.'s book.", "I visited the U.S.A. last year.",
            "I live in the E.U.¦How about you?", "I work for the U.S. Government in Virginia.",
            "I have lived in the U.S. for 20 years.", "She has $100.00 in her bag.", "He teaches science (He worked for five years as an engineer.) at the local University.",
            "Her email is Jane.Doe@example.com.¦I sent her an email.", "She turned to him, \"This is great.\" she said.",
            "She turned to him, \"This is great.\"¦She held the book out to show him.", "Hello!!¦Long time no see.",
            "Hello??¦Who is there?", "Hello?!¦Is that you?", "The J. Edgar Hoover Building is here.¦It is big.",
            "See Fig. 3 for details.¦It shows more.", "No. 5 is alive.¦No.¦I don't think so.",
            "It was cited before.[3]¦Later it was not.", "Use e.g. Python, i.e. a language.¦It works.",
        ]
    )
    func english(_ marked: String) { check(marked) }

    @Test(
        "at the stops of other scripts, with no space behind them",
        arguments: [
            "これはペンです。¦あれは本です。", "「行きます。」と言った。¦そうだ。", "你好！¦你是谁？¦我是学生。", "वह आया।¦वह गया।",
            "Это дом.¦Он большой.", "هل أنت هنا؟¦نعم.",
        ]
    )
    func otherScripts(_ marked: String) {
        let text = marked.replacing("¦", with: marked.contains("。") || marked.contains("！") ? "" : " ")
        #expect(Sentences.ranges(in: text[...]).map { String(text[$0]) } == marked.split(separator: "¦").map(String.init))
    }

    @Test("at blank lines, list marks and table rows, but not where a line was wrapped")
    func lines() {
        let text = "Kapitel 1\n\nDas ist ein langer\nSatz. Und\nnoch einer\n- Punkt eins\n- Punkt zwei\n\na | b\nc | d\n\nbis zum\n3. Mai"
        let sentences = Sentences.ranges(in: text[...]).map { text[$0].replacing("\n", with: " ") }
        #expect(sentences == [
            "Kapitel 1", "Das ist ein langer Satz.", "Und noch einer", "- Punkt eins", "- Punkt zwei", "a | b", "c | d",
            "bis zum 3. Mai",
        ])
    }

    @Test("so that nothing but white space lies between them", arguments: 0..<50)
    func coverage(seed: Int) {
        var generator = TextGenerator(seed: UInt64(seed))
        let whole = generator.markdown()
        let text = whole.dropFirst(3)
        var end = text.startIndex
        for range in Sentences.ranges(in: text) {
            #expect(range.lowerBound >= end && !range.isEmpty)
            #expect(text[end..<range.lowerBound].allSatisfy { $0.isWhitespace })
            #expect(!text[range].utf8.starts(with: " ".utf8) && text[range].utf8.last != 0x20)
            end = range.upperBound
        }
        #expect(text[end...].allSatisfy { $0.isWhitespace })
    }

    private func check(_ marked: String, sourceLocation: SourceLocation = #_sourceLocation) {
        let expected = marked.split(separator: "¦").map(String.init)
        let text = expected.joined(separator: " ")
        #expect(Sentences.ranges(in: text[...]).map { String(text[$0]) } == expected, sourceLocation: sourceLocation)
    }
}
