import Documents
import Testing

/// The blocks of a document as `kind: text`.
func blocks(_ source: String, _ filename: String) throws -> [String] {
    let text = try TextExtractor().extract(Array(source.utf8), filename: filename)
    checkStructure(of: text)
    return text.blocks.map { block in
        let kind =
            switch block.kind {
            case .heading(let level): "h\(level)"
            case .paragraph: "p"
            case .listItem: "li"
            case .table: "table"
            case .code: "code"
            case .quote: "quote"
            case .note: "note"
            case .furniture: "furniture"
            }
        return "\(kind): " + String(decoding: Array(text.text.utf8)[block.bytes], as: UTF8.self)
    }
}

@Suite("Markdown becomes")
struct MarkdownTests {
    @Test(
        "text without its inline marks",
        arguments: [
            ("**fett** und *kursiv* und __fett__ und _kursiv_", "fett und kursiv und fett und kursiv"),
            ("***beides*** ~~weg~~ 2 * 3 * 4", "beides weg 2 * 3 * 4"), ("snake_case_name a*b*c", "snake_case_name abc"),
            ("[Text](https://x.org/a_(b) \"Titel\") und ![Bild](b.png)", "Text und Bild"),
            ("[![Abzeichen](a.svg)](https://x.org) [a][b] [c]", "Abzeichen a [c]"), ("<https://x.org> <a@b.org>", "https://x.org a@b.org"),
            ("`**code**` ``a`b`` `offen", "**code** a`b `offen"), ("\\*kein\\* \\[Link\\]", "*kein* [Link]"),
            ("a<br>b <b>c</b> Vec<T> x < y", "a\nb c Vec<T> x < y"), ("&auml;&#228;&#xE4; &copy; &unknown; AT&T", "äää © &unknown; AT&T"),
            ("Fußnote[^1] hier<!-- weg -->.", "Fußnote hier."), ("*offen und **auch", "*offen und **auch"),
            ("umbrochene\nZeile  \nhart", "umbrochene Zeile\nhart"), ("日本\n語", "日本語"),
        ]
    )
    func inline(source: String, expected: String) throws {
        #expect(try blocks(source, "a.md") == ["p: " + expected])
    }

    @Test("blocks with their kinds")
    func structure() throws {
        let source = """
            ---
            title: "Das *Handbuch*"
            tags: [a, b]
            ---

            # Kapitel `eins` #

            Absatz eins
            geht weiter.
            Unterschrift
            ===

            Zweite
            ---

            - eins
              weiter
                - tief
            - [ ] zwei
            3. drei

            1986. Das war ein Jahr

            > Zitat
            > geht weiter

            ```swift
            let a = **1**

                let b = 2
            ```

                eingerückt

            | A | B |
            |---|:-:|
            | 1 | `x` |
            | 2 \\| 3 |

            ***
            [ref]: https://x.org "Titel"
            <div class="x"><p>Aus <b>HTML</b></p><ul><li>Punkt</ul></div>

            <!-- Werkzeug -->
            Ende
            """
        #expect(try blocks(source, "a.md") == [
            "note: tags: [a, b]", "h1: Kapitel eins", "h1: Absatz eins geht weiter. Unterschrift", "h2: Zweite", "li: - eins weiter", "li: - tief",
            "li: - [ ] zwei", "li: 3. drei", "li: 1986. Das war ein Jahr", "quote: Zitat geht weiter", "code: let a = **1**\n\n    let b = 2",
            "code: eingerückt", "table: A | B\n1 | x\n2 | 3", "p: Aus HTML", "li: - Punkt", "p: Ende",
        ])
        #expect(try TextExtractor().extract(Array(source.utf8), filename: "a.md").title == "Das *Handbuch*")
    }

    @Test("nothing less than the text where front matter only seems to begin")
    func noFrontMatter() throws {
        #expect(try blocks("---\nErster Absatz\n\n---\nZweiter", "a.md") == ["p: Erster Absatz", "p: Zweiter"])
    }
}

@Suite("HTML becomes")
struct HTMLTests {
    @Test("blocks with their kinds")
    func structure() throws {
        let source = """
            <!DOCTYPE html><html><head><title>Seite &amp; Titel</title><style>p{}</style><script>if (a < b) "</p>"</script></head>
            <body><h1>Haupt<br>titel</h1><p>Ein <b>Ab</b>satz&nbsp;mit
               Umbruch.<p>Noch einer<ul><li>eins<li><p>zwei</p><p>mehr</p><ol start=3><li>tief</ol></ul>
            <pre>a  b
              c</pre><blockquote>Zitat</blockquote><dl><dt>Wort<dd>Sinn</dl>
            <table><caption>Tafel</caption><tr><th>A<th>B<tr><td>1<td><p>x</p><p>y</p></table>
            <div>lose <span style="display: none">weg</span>Worte</div><p hidden>weg</p><template>weg</template>Ende
            """
        #expect(try blocks(source, "a.html") == [
            "h1: Haupt titel", "p: Ein Absatz mit Umbruch.", "p: Noch einer", "li: - eins", "li: - zwei", "p: mehr", "li: 3. tief",
            "code: a  b\n  c", "quote: Zitat", "p: Wort", "p: Sinn", "p: Tafel", "table: A | B\n1 | x y", "p: lose Worte", "p: Ende",
        ])
        #expect(try TextExtractor().extract(Array(source.utf8), filename: "a.html").title == "Seite & Titel")
    }

    @Test(
        "rows of whole cells, where some reach over several rows or columns",
        arguments: [
            ("<tr><th rowspan=2>Land<th colspan=2>Jahr<th>x<tr><th>23<th>24<th>y", "Land | Jahr |  | x\nLand | 23 | 24 | y"),
            ("<tr><td rowspan=2>A<td rowspan=2>b<td>1<tr><td>2<tr><td>C<td>d<td>3", "A | b | 1\nA | b | 2\nC | d | 3"),
            ("<tr><td>A<td rowspan=2>b<td>1<tr><td>B<td>2", "A | b | 1\nB |  | 2"),
            ("<tr><td rowspan=0>A<td colspan=-3>b<tr><td rowspan=99999999999999999999>c<td>d<tr><td>e<td>f", "A | b\nc | d\ne | f"),
        ])
    func spans(rows: String, expected: String) throws {
        #expect(try blocks("<html><table>\(rows)</table>", "a.html") == ["table: " + expected])
    }

    @Test("the main part of a page, unless that is not where the text is")
    func regions() throws {
        let main = String(repeating: "Wichtig. ", count: 30)
        let page = "<html><nav>Menü</nav><div>Rand</div><main><p>\(main)</p><aside>Werbung</aside></main><form>Suche</form>"
        #expect(try blocks(page, "a.html") == ["p: " + main.dropLast()])
        let empty = "<html><nav>Menü</nav><main>kurz</main><p>\(main)</p>"
        #expect(try blocks(empty, "a.html") == ["p: kurz", "p: " + main.dropLast()])
        let form = "<html><form><p>\(main)</p></form><p>x</p>"
        #expect(try blocks(form, "a.html") == ["p: " + main.dropLast(), "p: x"])
    }

    @Test("plain flow where a table only arranges the page")
    func layout() throws {
        let source = "<html><table><tr><td>links<td><h2>Titel</h2><p>Text</p><table><tr><td>a<td>b</table></table><p>Ende"
        #expect(try blocks(source, "a.html") == ["p: links", "h2: Titel", "p: Text", "table: a | b", "p: Ende"])
    }

    @Test(
        "the characters that its declared set means",
        arguments: [("iso-8859-2", "Łódź", [0xA3, 0xF3, 0x64, 0xBC]), ("windows-1251", "Мир", [0xCC, 0xE8, 0xF0]),
            ("gbk", "你好", [0xC4, 0xE3, 0xBA, 0xC3]), ("shift_jis", "日本", [0x93, 0xFA, 0x96, 0x7B]),
            ("iso-8859-1", "für", [0x66, 0xFC, 0x72])] as [(String, String, [UInt8])]
    )
    func charsets(name: String, text: String, bytes: [UInt8]) throws {
        let page = Array("<html><meta charset=\"\(name)\"><p>".utf8) + bytes
        #expect(try TextExtractor().extract(page, filename: "a.html").text == text)
    }

    @Test("text in spite of markup that is broken")
    func broken() throws {
        #expect(try blocks("<html><p>a</b></i></div>b <c d<p>e & f &lt g &#0; 1 < 2", "a.html") == ["p: ab e & f < g \u{FFFD} 1 < 2"])
    }
}

@Suite("Plain text")
struct PlainTextTests {
    @Test("has the headings that are underlined, in the levels of their marks, and its other lines where they were")
    func headings() throws {
        let source = """
            ========
            Handbuch
            ========

            Ein Absatz über
            zwei Zeilen
            -----------

            Einbau
            ------
            Der Text folgt.

            Größe
            ======

            -----

            Ende
            """
        #expect(try blocks(source, "a.txt") == [
            "h1: Handbuch", "p: Ein Absatz über\nzwei Zeilen\n-----------", "h2: Einbau", "p: Der Text folgt.", "h1: Größe", "p: -----",
            "p: Ende",
        ])
        let text = try TextExtractor().extract(Array(source.utf8), filename: "a.txt")
        let (before, after) = (source.split(separator: "\n", omittingEmptySubsequences: false), text.text.split(separator: "\n", omittingEmptySubsequences: false))
        #expect(before.count == after.count && text.title == "Handbuch")
        #expect(zip(before, after).allSatisfy { $1.isEmpty || $0 == $1 })
    }
}
