import Documents
import Knowledge
import Testing

/// The blocks of a file as `kind: text`.
func shownBlocks(_ source: [UInt8], _ filename: String) throws -> [String] {
    let text = try TextExtractor().extract(source, filename: filename)
    checkStructure(of: text)
    return text.blocks.map { block in
        let content = String(decoding: Array(text.text.utf8)[block.bytes], as: UTF8.self)
        return switch block.kind {
        case .heading(let level): "h\(level): \(content)"
        case .paragraph: "p: \(content)"
        case .listItem: "li: \(content)"
        case .quote: "quote: \(content)"
        case .table: "table: \(content)"
        case .code: "code: \(content)"
        case .note: "note: \(content)"
        case .furniture: "furniture: \(content)"
        }
    }
}

@Suite("Tables and records give")
struct RecordTests {
    private func blocks(_ source: String, _ filename: String) throws -> [String] { try shownBlocks(Array(source.utf8), filename) }

    @Test("rows whatever parts their cells", arguments: [",", ";", "\t", "|"])
    func delimiters(delimiter: String) throws {
        let rows = [["Name", "Ort", "Preis"], ["Ente", "\"Köln, Mitte; \"\"Dom\"\"\nund | Rhein\t!\"", "3,5 €"], ["Gans", "", "7"]]
        let safe = delimiter == "," ? rows.map { $0.map { $0 == "3,5 €" ? "\"3,5 €\"" : $0 } } : rows
        let source = safe.map { $0.joined(separator: delimiter) }.joined(separator: "\r\n")
        #expect(try blocks(source, "a.csv") == [
            "table: Name | Ort | Preis\nEnte | Köln, Mitte; \"Dom\" und | Rhein ! | 3,5 €\nGans |  | 7"
        ])
    }

    @Test("the same fields that were quoted, whatever is in them", arguments: 0..<30)
    func roundTrip(seed: Int) throws {
        var generator = TextGenerator(seed: UInt64(seed))
        let letters = ["a", "ü", ",", ";", "\"", "\"\"", " ", "x y", "|", "'", "1"]
        let rows = (0..<20).map { row in
            (0..<4).map { column in "z\(row)\(column)" + (0..<generator.number(6)).map { _ in letters[generator.number(letters.count)] }.joined() + "z" }
        }
        let source = rows.map { row in row.map { "\"\($0.replacing("\"", with: "\"\""))\"" }.joined(separator: ",") }.joined(separator: "\n")
        let expected = rows.map { $0.joined(separator: " | ") }.joined(separator: "\n")
        #expect(try blocks(source, "a.csv") == ["table: \(expected)"])
    }

    @Test("titles above a table, a warning for rows that are too wide, and the rest of a quote without an end")
    func ragged() throws {
        let source = "Preise 2024,,\n,,\nArtikel,Preis\nDing,1\nSache,2,mehr,noch\n\"offen,3\nEnde,4"
        let text = try TextExtractor().extract(Array(source.utf8), filename: "a.csv")
        #expect(try blocks(source, "a.csv") == [
            "p: Preise 2024", "table: Artikel | Preis\nDing | 1\nSache | 2 | mehr | noch\n\"offen | 3\nEnde | 4",
        ])
        #expect(text.warnings.count == 1 && text.warnings[0].contains("One row"))
    }

    @Test("long tables as several blocks that all begin with the header and say their lines")
    func longTables() throws {
        let source = "Nummer;Name\n" + (0..<2000).map { "\($0);Ding Nummer \($0)" }.joined(separator: "\n")
        let text = try TextExtractor().extract(Array(source.utf8), filename: "a.csv")
        let shown = try blocks(source, "a.csv")
        #expect(shown.count > 3 && shown.allSatisfy { $0.hasPrefix("table: Nummer | Name\n") })
        #expect(text.blocks.first?.locator?.hasPrefix("lines 2–") == true)
        #expect(text.blocks.last?.locator?.hasSuffix("–2001") == true)
        ChunkPromises(text: text, window: 60, counter: PieceCounter(), chunking: .structured).check()
    }

    @Test("JSON's leaves with their paths, in the order of the text")
    func json() throws {
        let long = String(repeating: "Ein langer Text. ", count: 20)
        let source = #"{"title":"Ente","zahl":1.50,"ort":{"stadt":"K\u00f6ln","plz":[1,2]},"text":"\#(long)","leer":null,"tief":[{"a":{"b":true}}]}"#
        let shown = try blocks(source, "a.json")
        #expect(shown == [
            "code: title: Ente\nzahl: 1.50\nort.stadt: Köln\nort.plz[0]: 1\nort.plz[1]: 2",
            "p: text: \(long.dropLast())", "code: leer: null", "code: a.b: true",
        ])
        #expect(try TextExtractor().extract(Array(source.utf8), filename: "a.json").title == "Ente")
    }

    @Test("long names in JSON cut between characters", arguments: 0..<4)
    func longNames(shift: Int) throws {
        let name = String(repeating: "x", count: shift) + String(repeating: "ÿ€", count: 60)
        let source = #"[{"a": {"\#(name)": {"\#(name)": 1}}}, {"\#(name)": 2, "c": [true, null]}]"#
        let text = try TextExtractor().extract(Array(source.utf8), filename: "a.json")
        #expect(text.blocks.last?.bytes.upperBound == text.text.utf8.count)
        #expect(text.text.hasSuffix("c[1]: null") && !text.text.contains("\u{FFFD}"))
    }

    @Test("lists of like objects as rows")
    func jsonRows() throws {
        let source = #"[{"id":1,"name":"Ente"},{"id":2,"farbe":"grün"},{"name":"Gans","id":3}]"#
        #expect(try blocks(source, "a.json") == ["table: id | name | farbe\n1 | Ente\n2 |  | grün\n3 | Gans"])
        let text = try TextExtractor().extract(Array(source.utf8), filename: "a.json")
        #expect(text.blocks[0].locator == "[0] – [2]")
    }

    @Test("JSON lines a record a block, and lines that are none as they are")
    func jsonLines() throws {
        let source = "{\"a\":1,\"b\":\"x\"}\n\nnicht JSON\n{\"a\":2,\"b\":\"\\ud83d\\ude00\"}\n"
        #expect(try blocks(source, "a.jsonl") == ["code: a: 1\nb: x", "code: nicht JSON", "code: a: 2\nb: 😀"])
        let text = try TextExtractor().extract(Array(source.utf8), filename: "a.jsonl")
        #expect(text.blocks.map(\.locator) == ["line 1", "line 3", "line 4"])
        #expect(text.warnings.count == 1)
    }

    @Test("text instead of JSON that is none", arguments: ["{\"a\": 1,}", "[1, 2", "{a: 1}", "// Kommentar\n{}", "{} {}", "\"\\u12\""])
    func noJSON(source: String) throws {
        let text = try TextExtractor().extract(Array(source.utf8), filename: "a.json")
        #expect(text.text == source && text.warnings.count == 1)
    }

    @Test("XML's texts under the names of their elements")
    func xml() throws {
        let source = """
            <?xml version="1.0"?><!DOCTYPE a [<!ENTITY x "y">]><buch xmlns="u:v" jahr="1999"><title>Enten &amp; Gänse</title>
            <tier art="Vogel"><name>Ente</name><preis>3 &#8364;</preis></tier><!-- nie --><p>Ein <b>fetter</b> Satz&x;.</p>
            <![CDATA[a < b]]></buch>
            """
        #expect(try blocks(source, "a.xml") == [
            "code: buch jahr: 1999", "h1: Enten & Gänse", "code: tier art: Vogel", "code: name: Ente\npreis: 3 €",
            "p: Ein fetter Satz&x;.", "code: buch: a < b",
        ])
    }

    @Test("a notebook's cells")
    func notebook() throws {
        let source = ##"{"cells":[{"cell_type":"markdown","source":["# Titel\n","\n","Text"]},{"cell_type":"code","source":"x = 1","outputs":[{"text":["1\n"]}]}]}"##
        #expect(try blocks(source, "a.ipynb") == ["h1: Titel", "p: Text", "code: x = 1", "note: 1"])
    }
}
