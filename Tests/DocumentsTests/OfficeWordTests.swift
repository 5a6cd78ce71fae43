import Documents
import Knowledge
import Testing

/// A Word document around some markup; the prefix is `w`.
func wordFile(_ body: String, styles: String = "", numbering: String = "", notes: String = "") -> [UInt8] {
    let names = """
        xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" \
        xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" \
        xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing"
        """
    let links = [("a", "styles", "styles.xml"), ("b", "numbering", "numbering.xml"), ("c", "comments", "comments.xml")]
    return OfficeContents.package(
        "wordprocessingml.document",
        [
            ("word/document.xml", "<w:document \(names)><w:body>\(body)</w:body></w:document>"),
            ("word/styles.xml", "<w:styles \(names)>\(styles)</w:styles>"),
            ("word/numbering.xml", "<w:numbering \(names)>\(numbering)</w:numbering>"),
            ("word/comments.xml", "<w:comments \(names)>\(notes)</w:comments>"),
            ("word/_rels/document.xml.rels", OfficeContents.relationships(links)),
        ]
    )
}

private func run(_ text: String) -> String { "<w:r><w:t>\(text)</w:t></w:r>" }

private func paragraph(_ text: String, _ properties: String = "") -> String {
    "<w:p><w:pPr>\(properties)</w:pPr>\(run(text))</w:p>"
}

private func item(_ text: String, level: Int = 0, list: Int = 1) -> String {
    paragraph(text, "<w:numPr><w:ilvl w:val=\"\(level)\"/><w:numId w:val=\"\(list)\"/></w:numPr>")
}

@Suite("A Word document shows")
struct OfficeWordTests {
    private func shown(_ file: [UInt8]) throws -> [String] {
        let text = try TextExtractor().extract(file, filename: "a.docx")
        checkStructure(of: text)
        let bytes = Array(text.text.utf8)
        return text.blocks.map { block in
            let content = String(decoding: bytes[block.bytes], as: UTF8.self)
            return switch block.kind {
            case .heading(let level): "\(level) \(content)"
            case .note: "note: \(content)"
            case .table: "table: \(content)"
            default: content
            }
        }
    }

    @Test("inserted text and no deleted text, results and no field codes, breaks and tabs")
    func changes() throws {
        let file = wordFile(
            """
            <w:p><w:pPr><w:tabs><w:tab w:val="left"/></w:tabs><w:pPrChange><w:pPr><w:pStyle w:val="h1"/></w:pPr></w:pPrChange></w:pPr>\
            \(run("Alt"))<w:del><w:r><w:delText>weg</w:delText><w:t>weg</w:t></w:r></w:del><w:ins>\(run("neu"))</w:ins>\
            <w:r><w:tab/><w:t>a</w:t><w:br/><w:t>b</w:t><w:noBreakHyphen/><w:t>c</w:t><w:sym w:font="S" w:char="03B1"/></w:r>\
            <w:r><w:instrText>PAGE</w:instrText></w:r><w:hyperlink>\(run(" Seite"))</w:hyperlink>\
            <w:sdt><w:sdtPr><w:alias/></w:sdtPr><w:sdtContent>\(run(" Feld"))</w:sdtContent></w:sdt></w:p>
            """,
            styles: "<w:style w:type=\"paragraph\" w:styleId=\"h1\"><w:name w:val=\"heading 1\"/></w:style>"
        )
        #expect(try shown(file) == ["Altneu\ta\nb-cα Seite Feld"])
    }

    @Test("a text box once, behind the paragraph that it hangs on, and what pictures are said to show")
    func boxes() throws {
        let box = "<w:txbxContent>\(paragraph("Kasten"))</w:txbxContent>"
        let file = wordFile(
            """
            <w:p>\(run("Vor"))<mc:AlternateContent><mc:Choice>\(box)</mc:Choice><mc:Choice>\(box)</mc:Choice>\
            <mc:Fallback>\(box)</mc:Fallback></mc:AlternateContent>\(run("her"))\
            <w:r><wp:docPr id="1" descr="Ein Bild"/></w:r></w:p>
            """
        )
        #expect(try shown(file) == ["Vorher", "Kasten", "note: Ein Bild"])
    }

    @Test("headings by outline level or by their names in other languages, and no table of contents")
    func headings() throws {
        func style(_ id: String, _ name: String, _ more: String = "") -> String {
            "<w:style w:type=\"paragraph\" w:styleId=\"\(id)\"><w:name w:val=\"\(name)\"/>\(more)</w:style>"
        }
        let styles = style("a", "Überschrift 2") + style("b", "Eigen", "<w:basedOn w:val=\"c\"/>")
            + style("c", "Auch", "<w:basedOn w:val=\"b\"/><w:pPr><w:outlineLvl w:val=\"2\"/></w:pPr>") + style("d", "toc 1")
            + style("e", "Title") + style("f", "Body", "<w:pPr><w:outlineLvl w:val=\"9\"/></w:pPr>")
        let body = ["e", "d", "a", "b", "f", "zz"].map { paragraph($0, "<w:pStyle w:val=\"\($0)\"/>") }.joined()
        let last = paragraph("x", "<w:outlineLvl w:val=\"8\"/>")
        #expect(try shown(wordFile(body + last, styles: styles)) == ["1 e", "2 a", "3 b", "f", "zz", "6 x"])
    }

    @Test("the numbers that Word counts")
    func numbers() throws {
        func level(_ level: Int, _ format: String, _ text: String) -> String {
            "<w:lvl w:ilvl=\"\(level)\"><w:start w:val=\"1\"/><w:numFmt w:val=\"\(format)\"/><w:lvlText w:val=\"\(text)\"/></w:lvl>"
        }
        let numbering = """
            <w:abstractNum w:abstractNumId="7">\(level(0, "upperRoman", "%1."))\(level(1, "decimal", "%1.%2"))\
            \(level(2, "lowerLetter", "%3)"))</w:abstractNum><w:abstractNum w:abstractNumId="8">\(level(0, "bullet", "x"))</w:abstractNum>\
            <w:num w:numId="1"><w:abstractNumId w:val="7"/></w:num><w:num w:numId="2"><w:abstractNumId w:val="7"/>\
            <w:lvlOverride w:ilvl="0"><w:startOverride w:val="4"/></w:lvlOverride></w:num><w:num w:numId="3"><w:abstractNumId w:val="8"/></w:num>
            """
        let body = item("a") + item("b", level: 1) + item("c", level: 2) + item("d", level: 2) + item("e") + item("f", level: 1)
            + item("g", list: 2) + item("h", list: 3) + item("i", list: 0) + item("j", list: 99)
        #expect(
            try shown(wordFile(body, numbering: numbering)) == [
                "I. a", "I.1 b", "a) c", "b) d", "II. e", "II.1 f", "IV. g", "- h", "i", "- j",
            ]
        )
    }

    @Test("merged cells in their columns, the paragraphs of a cell in a line, layout as text")
    func tables() throws {
        func cell(_ text: String, _ properties: String = "") -> String {
            "<w:tc><w:tcPr>\(properties)</w:tcPr>\(text.split(separator: "/").map { paragraph(String($0)) }.joined())</w:tc>"
        }
        let file = wordFile(
            """
            <w:tbl><w:tr>\(cell("a", "<w:gridSpan w:val=\"2\"/>"))\(cell("b"))</w:tr>\
            <w:tr>\(cell("c", "<w:vMerge w:val=\"restart\"/>"))\(cell("d/e"))\(cell("f"))</w:tr>\
            <w:tr>\(cell("", "<w:vMerge/>"))\(cell("g"))\(cell("h"))</w:tr></w:tbl><w:tbl><w:tr>\(cell("i"))</w:tr></w:tbl>
            """
        )
        #expect(try shown(file) == ["table: a |  | b\nc | d e | f\n | g | h".replacing("\n |", with: "\n |"), "i"])
    }

    @Test("comments and notes behind their paragraph, and all of them")
    func comments() throws {
        let notes = [1, 2].map { "<w:comment w:id=\"\($0)\">\(paragraph("Zu \($0)"))\(paragraph("Ja"))</w:comment>" }.joined()
        let body = "<w:p>\(run("Text"))<w:r><w:commentReference w:id=\"2\"/></w:r></w:p>" + paragraph("Ende")
        #expect(try shown(wordFile(body, notes: notes)) == ["Text", "note: Zu 2 Ja", "Ende", "note: Zu 1 Ja"])
    }
}
