import Documents
import Knowledge
import Testing

@Suite("Rich Text gives")
struct RTFTests {
    private func blocks(_ body: String) throws -> [String] {
        try shownBlocks(Array("{\\rtf1\\ansi\\ansicpg1252\\deff0\(body)}".utf8), "a.rtf")
    }

    @Test("characters however they are written")
    func characters() throws {
        let body = #"{\fonttbl{\f0\fcharset0 Arial;}{\f1\fcharset204 Cyr;}{\f2\fcharset128 J;}}K\'f6ln \u8364?\u-10179?\u-8704? \emdash  {\f1\'cf\'f0\'e8} {\f2\'93\'fa\'96\'7b}\{\\\}\uc2\u252 ue.\~x\-y\par"#
        #expect(try blocks(body) == ["p: Köln €😀 — При 日本{\\}ü. xy"])
    }

    @Test("paragraphs, headings, lists and notes, but no fields, pictures and running heads")
    func structure() throws {
        let body = #"{\stylesheet{\s1\outlinelevel0 \'dcberschrift 1;}{\s2 heading 2;}}{\info{\title Akte}}{\header Kopf}\pard\s1 Titel\par\pard\s2 Unter\par\pard Text{\footnote Fu\'dfnote} mit {\field{\*\fldinst HYPERLINK x}{\fldrslt Link}}{\pict 00ff}{\*\unbekannt weg}.\par{\listtext\'b7\tab}Punkt\par\pard Ende"#
        #expect(try blocks(body) == ["h1: Titel", "h2: Unter", "p: Text mit Link.", "note: Fußnote", "li: - Punkt", "p: Ende"])
        let text = try TextExtractor().extract(Array("{\\rtf1\(body)}".utf8), filename: "a.rtf")
        #expect(text.title == "Akte")
    }

    @Test("tables a row a line")
    func tables() throws {
        let row = #"\trowd\cellx1\cellx2\pard\intbl A\cell\pard\intbl B1\par B2\cell\row"#
        #expect(try blocks(#"\pard vor\par"# + row + row + #"\pard nach\par"#) == ["p: vor", "table: A | B1 B2\nA | B1 B2", "p: nach"])
    }

    @Test("what there is of damaged and hostile files", arguments: [
        "{\\rtf1 Text", "{\\rtf1 Text}}}}}", "{\\rtf1 Text\\bin99999999 x", "{\\rtf1 Text\\'", "{\\rtf1 Text\\u", "{\\rtf1 Text\\u99999999999 ",
        "{\\rtf1 Text\\", "{\\rtf1 Text{\\*", "{\\rtf1 Text" + String(repeating: "{", count: 200_000),
        "{\\rtf1 Text" + String(repeating: "{\\b x}", count: 20_000), "{\\rtf1 Text\\uc99999999\\u65 x", "{\\rtf1 Text\\f-5 x\\ilvl-99999",
    ])
    func damaged(source: String) throws {
        let text = try TextExtractor().extract(Array(source.utf8), filename: "a.rtf")
        checkStructure(of: text)
        #expect(text.text.hasPrefix("Text"))
    }
}
