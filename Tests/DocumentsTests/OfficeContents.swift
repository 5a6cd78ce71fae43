/// One document, written in every office format: headings, prose, a list, a table, a note.
struct OfficeContents {
    struct Section {
        var heading: String
        var paragraphs: [String]
        var items: [String] = []
        var table: [[String]] = []
        var note: String?
    }

    var title: String
    var sections: [Section]

    static let handbook = OfficeContents(
        title: "Handbuch & <Regeln>",
        sections: [
            Section(heading: "Kündigung", paragraphs: ["Die Frist beträgt drei Monate.", "Sie beginnt am Monatsende."]),
            Section(
                heading: "Reisekosten", paragraphs: ["Vor der Reise:"], items: ["Antrag stellen", "Freigabe abwarten"],
                table: [["Land", "Satz", "Währung"], ["Schweiz", "64", "CHF"], ["Österreich", "", "EUR"]],
                note: "Stand vom 1. Mai."
            ),
            Section(heading: "Ende", paragraphs: ["日本語 und 👩‍👩‍👧 stehen am Schluss."]),
        ]
    )

    static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
    }

    static func relationships(_ links: [(String, String, String)]) -> String {
        let office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
        let core = "http://schemas.openxmlformats.org/package/2006/relationships/metadata/"
        let rows = links.map { id, kind, target in
            "<Relationship Id=\"\(id)\" Type=\"\(kind == "core-properties" ? core : office)\(kind)\" Target=\"\(target)\"/>"
        }
        return "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">\(rows.joined())</Relationships>"
    }

    /// - Parameter parts: Names and contents; the first is the main part, `type` its content type without what all have.
    static func package(_ type: String, _ parts: [(String, String)], title: String = "") -> [UInt8] {
        let main = parts[0].0
        let types = """
            <?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">\
            <Override PartName="/\(main)" ContentType="application/vnd.openxmlformats-officedocument.\(type).main+xml"/></Types>
            """
        let core = """
            <cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" \
            xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>\(escaped(title))</dc:title></cp:coreProperties>
            """
        let root = relationships([("r1", "officeDocument", main), ("r2", "core-properties", "docProps/core.xml")])
        let all = [("[Content_Types].xml", types), ("_rels/.rels", root), ("docProps/core.xml", core)] + parts
        return ZipWriter.archive(all.map { ZipWriter.Entry($0.0, $0.1) })
    }

    // MARK: - Word

    var docx: [UInt8] { docx(namespace: "http://schemas.openxmlformats.org/wordprocessingml/2006/main") }

    func docx(namespace: String) -> [UInt8] {
        func paragraph(_ text: String, _ properties: String = "", _ more: String = "") -> String {
            "<x:p><x:pPr>\(properties)</x:pPr><x:r><x:t>\(Self.escaped(text))</x:t></x:r>\(more)</x:p>"
        }
        var body = ""
        var notes = ""
        for (index, section) in sections.enumerated() {
            body += paragraph(section.heading, "<x:pStyle x:val=\"Deep\"/>")
            body += section.paragraphs.map { paragraph($0) }.joined()
            body += section.items.map { paragraph($0, "<x:numPr><x:ilvl x:val=\"0\"/><x:numId x:val=\"1\"/></x:numPr>") }.joined()
            for row in section.table.isEmpty ? [] : [section.table] {
                let rows = row.map { cells in "<x:tr>\(cells.map { "<x:tc>\(paragraph($0))</x:tc>" }.joined())</x:tr>" }
                body += "<x:tbl>\(rows.joined())</x:tbl>"
            }
            if let note = section.note {
                // A reference in a paragraph without text.
                body += "<x:p><x:r><x:footnoteReference x:id=\"\(index)\"/></x:r></x:p>"
                notes += "<x:footnote x:id=\"\(index)\">\(paragraph(note))</x:footnote>"
            }
        }
        let styles = """
            <x:style x:type="paragraph" x:styleId="Deep"><x:name x:val="Mine"/><x:basedOn x:val="Middle"/></x:style>\
            <x:style x:type="paragraph" x:styleId="Middle"><x:name x:val="Other"/><x:basedOn x:val="h"/></x:style>\
            <x:style x:type="paragraph" x:styleId="h"><x:name x:val="heading 2"/><x:pPr><x:outlineLvl x:val="1"/></x:pPr></x:style>
            """
        let lists = """
            <x:abstractNum x:abstractNumId="0"><x:lvl x:ilvl="0"><x:numFmt x:val="bullet"/></x:lvl></x:abstractNum>\
            <x:num x:numId="1"><x:abstractNumId x:val="0"/></x:num>
            """
        func part(_ root: String, _ content: String) -> String { "<x:\(root) xmlns:x=\"\(namespace)\">\(content)</x:\(root)>" }
        let links = [("a", "styles", "styles.xml"), ("b", "numbering", "numbering.xml"), ("c", "footnotes", "footnotes.xml")]
        return Self.package(
            "wordprocessingml.document",
            [
                ("word/document.xml", part("document", "<x:body>\(body)</x:body>")), ("word/styles.xml", part("styles", styles)),
                ("word/numbering.xml", part("numbering", lists)), ("word/footnotes.xml", part("footnotes", notes)),
                ("word/_rels/document.xml.rels", Self.relationships(links)),
            ],
            title: title
        )
    }

    // MARK: - PowerPoint

    var pptx: [UInt8] {
        let names = """
            xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main" \
            xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" \
            xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"
            """
        func shape(_ placeholder: String, _ paragraphs: [String], _ properties: String = "") -> String {
            let texts = paragraphs.map { "<a:p>\(properties)<a:r><a:t>\(Self.escaped($0))</a:t></a:r></a:p>" }
            return "<p:sp><p:nvSpPr><p:nvPr>\(placeholder)</p:nvPr></p:nvSpPr><p:txBody>\(texts.joined())</p:txBody></p:sp>"
        }
        var parts: [(String, String)] = []
        var links: [(String, String, String)] = []
        for (index, section) in sections.enumerated() {
            var tree = "<p:grpSp>\(shape("", section.paragraphs))</p:grpSp>"
            if !section.items.isEmpty { tree += shape("<p:ph idx=\"1\"/>", section.items) }
            if !section.table.isEmpty {
                let rows = section.table.map { cells in
                    "<a:tr>\(cells.map { "<a:tc><a:txBody><a:p><a:r><a:t>\($0)</a:t></a:r></a:p></a:txBody></a:tc>" }.joined())</a:tr>"
                }
                tree += "<p:graphicFrame><a:tbl>\(rows.joined())</a:tbl></p:graphicFrame>"
            }
            // The title comes last in the file, as it may.
            tree += shape("<p:ph type=\"title\"/>", [section.heading]) + shape("<p:ph type=\"sldNum\"/>", ["\(index)"])
            // Files are named against the order of the slides.
            let name = "slide\(sections.count - index).xml"
            parts.append(("ppt/slides/\(name)", "<p:sld \(names)>\(tree)</p:sld>"))
            links.append(("s\(index)", "slide", "/ppt/slides/\(name)"))
            if let note = section.note {
                parts.append(("ppt/notes.xml", "<p:notes \(names)>\(shape("<p:ph type=\"body\"/>", [note]))</p:notes>"))
                parts.append(("ppt/slides/_rels/\(name).rels", Self.relationships([("n", "notesSlide", "../notes.xml")])))
            }
        }
        let order = sections.indices.map { "<p:sldId id=\"\($0 + 256)\" r:id=\"s\($0)\"/>" }.joined()
        let main = "<p:presentation \(names)><p:sldIdLst>\(order)</p:sldIdLst></p:presentation>"
        parts.append(("ppt/_rels/presentation.xml.rels", Self.relationships(links)))
        return Self.package("presentationml.presentation", [("ppt/presentation.xml", main)] + parts, title: title)
    }

    // MARK: - Excel

    /// The rows of a section's sheet: paragraphs and items alone in their rows, blank rows around the table.
    private func rows(_ section: Section) -> [[String]] {
        (section.paragraphs + section.items).map { [$0] } + [[]] + section.table
    }

    var xlsx: [UInt8] {
        let names = """
            xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" \
            xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"
            """
        var strings: [String] = []
        var parts: [(String, String)] = []
        var links = [("t", "sharedStrings", "sharedStrings.xml")]
        for (index, section) in sections.enumerated() {
            let rows = rows(section).enumerated().map { number, cells in
                let cells = cells.enumerated().filter { !$0.element.isEmpty }.map { column, cell in
                    strings.append(cell)
                    return "<c r=\"\("CDE".map(String.init)[column])\(number + 1)\" t=\"s\"><v>\(strings.count - 1)</v></c>"
                }
                return "<row r=\"\(number + 1)\">\(cells.joined())</row>"
            }
            parts.append(("xl/s\(index).xml", "<worksheet \(names)><sheetData>\(rows.joined())</sheetData></worksheet>"))
            links.append(("s\(index)", "worksheet", "s\(index).xml"))
            if let note = section.note {
                let comment = "<comment ref=\"A1\"><text><r><t>\(note)</t></r></text></comment>"
                parts.append(("xl/c.xml", "<comments \(names)><commentList>\(comment)</commentList></comments>"))
                parts.append(("xl/_rels/s\(index).xml.rels", Self.relationships([("c", "comments", "c.xml")])))
            }
        }
        let sheets = sections.enumerated().map { "<sheet name=\"\($1.heading)\" sheetId=\"\($0 + 1)\" r:id=\"s\($0)\"/>" }.joined()
        let table = strings.map { "<si><r><t>\(Self.escaped(String($0.prefix(2))))</t></r><r><t>\(Self.escaped(String($0.dropFirst(2))))</t></r></si>" }
        let workbook = "<workbook \(names)><sheets>\(sheets)</sheets></workbook>"
        parts += [
            ("xl/_rels/workbook.xml.rels", Self.relationships(links)),
            ("xl/sharedStrings.xml", "<sst \(names)>\(table.joined())</sst>"),
        ]
        return Self.package("spreadsheetml.sheet", [("xl/workbook.xml", workbook)] + parts, title: title)
    }
}
