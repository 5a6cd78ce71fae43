import Knowledge
import TestSupport
import Testing

@testable import Storage

@Suite("Keyword search")
struct KeywordSearchTests {
    /// A query, a text, and whether the one finds the other.
    struct Pair: CustomTestStringConvertible, Sendable {
        var query: String
        var text: String
        var isFound: Bool
        var testDescription: String { "\(query) \(isFound ? "in" : "not in") \(text)" }

        init(_ query: String, _ text: String, _ isFound: Bool = true) {
            (self.query, self.text, self.isFound) = (query, text, isFound)
        }
    }

    static let pairs: [Pair] = [
        // German spelling
        Pair("größe", "Die Größe der Straße"), Pair("groesse", "Die Größe der Straße"),
        Pair("grosse", "Die Größe der Straße"), Pair("GRÖSSE", "die größe"), Pair("Größe", "Groesse XL"),
        Pair("strasse", "Die Größe der Straße"), Pair("Straße", "Hauptstrasse und Strasse"),
        Pair("muenchen", "in München"), Pair("München", "in Muenchen"), Pair("munchen", "in München"),
        Pair("Mueller", "Herr Müller"), Pair("Müller", "Herr Mueller"), Pair("Mu\u{308}ller", "Herr Müller"),
        Pair("neue", "die neuen Steuern"), Pair("Steuer", "die neuen Steuern"), Pair("STRASSE", "Straße"),
        // Endings
        Pair("Kündigungen", "die Kündigung"), Pair("Häuser", "ein Haus am See"), Pair("Haus", "viele Häuser"),
        Pair("Verträge", "der Vertrag"), Pair("running", "he runs"), Pair("connections", "a connection"),
        Pair("policies", "the policy"), Pair("company's", "the companies"), Pair("Kinder", "des Kindes"),
        // Accents, width, ligatures
        Pair("cafe", "ein Café"), Pair("café", "ein cafe"), Pair("Ångström", "angstrom"), Pair("ﬁle", "a file"),
        Pair("ＡＢＣ", "abc"), Pair("m2", "80 m²"), Pair("naïve", "naive"), Pair("soft\u{AD}hyphen", "softhyphen"),
        Pair("ΑΘΗΝΑ", "Αθήνα"), Pair("москва", "МОСКВА"), Pair("Œuvre", "oeuvre"), Pair("Łódź", "lodz"),
        // Identifiers
        Pair("v1.2.3", "Fixed in v1.2.3."), Pair("§ 433", "nach §433 BGB"), Pair("§433", "nach § 433 BGB"),
        Pair("433", "nach § 433 BGB"), Pair("ISO-9001", "certified by ISO9001"), Pair("iso9001", "ISO-9001"),
        Pair("ISO 9001", "ISO-9001"), Pair("c++", "in C++ and Rust"), Pair("C#", "written in C#."),
        Pair("foo_bar", "call foo_bar()"), Pair("bar", "call foo_bar()"), Pair("user@host.org", "to user@host.org."),
        Pair("host", "to user@host.org"), Pair("e-mail", "your email"), Pair("AT&T", "AT&T was split"),
        Pair("2019-2020", "im Winter 2019-2020"), Pair("ERR_42", "error ERR_42: broken"),
        // Scripts without spaces
        Pair("東京", "私は東京に住んでいます"), Pair("東京都", "東京の都"), Pair("京都", "東京都"), Pair("大阪", "東京都", false),
        Pair("データ", "データベース"), Pair("학교", "학교에서"), Pair("กรุงเทพ", "เมืองกรุงเทพมหานคร"),
        Pair("gen", "重跑gen-itgc"), Pair("猫", "猫"), Pair("猫", "黒猫"),
        // What must not be found
        Pair("Hund", "die Katze"), Pair("", "text"), Pair("?!", "what?!"), Pair("C++", "C is old"), Pair("the", "a cat", false),
    ].map { pair in
        // No words, no hits; a sign is part of its name.
        let none = ["", "?!", "Hund"].contains(pair.query)
        return none ? Pair(pair.query, pair.text, false) : pair
    }

    @Test("finds words however they are written", arguments: pairs)
    func finds(pair: Pair) async throws {
        let world = try KeywordWorld()
        let base = try await world.base(with: [["\(pair.text) anderes Wort", "gar nichts davon"]])
        let hits = try await world.search(pair.query, in: base)
        #expect(hits.map(\.position).contains(0) == pair.isFound)
    }
}
