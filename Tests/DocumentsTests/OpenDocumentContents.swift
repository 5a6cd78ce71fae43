/// The same document as OpenDocument files and as a book.
extension OfficeContents {
    private func openDocument(_ type: String, _ body: String) -> [UInt8] {
        let base = "urn:oasis:names:tc:opendocument:xmlns:"
        let names = ["office", "text", "table", "presentation", "style", "meta"].map { "xmlns:\($0)=\"\(base)\($0):1.0\"" }
            + ["xmlns:draw=\"\(base)drawing:1.0\"", "xmlns:dc=\"http://purl.org/dc/elements/1.1/\""]
        let root = "office:document-content \(names.joined(separator: " "))"
        let styles = """
            <office:automatic-styles><text:list-style style:name="L"><text:list-level-style-bullet text:level="1"/>\
            </text:list-style></office:automatic-styles>
            """
        let meta = "<\(root)><office:meta><dc:title>\(Self.escaped(title))</dc:title></office:meta></office:document-content>"
        var mimetype = ZipWriter.Entry("mimetype", "application/vnd.oasis.opendocument.\(type)")
        mimetype.isDeflated = false
        let content = "<\(root)>\(styles)<office:body>\(body)</office:body></office:document-content>"
        return ZipWriter.archive([mimetype, ZipWriter.Entry("content.xml", content), ZipWriter.Entry("meta.xml", meta)])
    }

    private func paragraph(_ text: String, _ more: String = "") -> String {
        "<text:p>\(Self.escaped(text).replacing(" ", with: "\n  "))\(more)</text:p>"
    }

    private func list(_ items: [String]) -> String {
        guard !items.isEmpty else { return "" }
        return "<text:list text:style-name=\"L\">\(items.map { "<text:list-item>\(paragraph($0))</text:list-item>" }.joined())</text:list>"
    }

    private func table(_ rows: [[String]], _ name: String = "") -> String {
        guard !rows.isEmpty else { return "" }
        let lines = rows.map { cells in
            "<table:table-row>\(cells.map { "<table:table-cell>\($0.isEmpty ? "" : paragraph($0))</table:table-cell>" }.joined())</table:table-row>"
        }
        return "<table:table table:name=\"\(name)\">\(lines.joined())</table:table>"
    }

    var odt: [UInt8] {
        let body = sections.map { section in
            let note = section.note.map {
                "<text:p><text:note><text:note-citation>1</text:note-citation><text:note-body>\(paragraph($0))</text:note-body></text:note></text:p>"
            }
            return "<text:h text:outline-level=\"2\">\(section.heading)</text:h>" + section.paragraphs.map { paragraph($0) }.joined()
                + list(section.items) + table(section.table) + (note ?? "")
        }
        return openDocument("text", "<office:text>\(body.joined())</office:text>")
    }

    var odp: [UInt8] {
        let body = sections.map { section in
            func frame(_ kind: String, _ content: String) -> String {
                content.isEmpty ? "" : "<draw:frame presentation:class=\"\(kind)\"><draw:text-box>\(content)</draw:text-box></draw:frame>"
            }
            let text = frame("outline", section.paragraphs.map { paragraph($0) }.joined() + list(section.items))
            let notes = section.note.map { "<presentation:notes>\(frame("notes", paragraph($0)))</presentation:notes>" }
            return "<draw:page>\(text)<draw:frame>\(table(section.table))</draw:frame>\(frame("title", paragraph(section.heading)))\(notes ?? "")</draw:page>"
        }
        return openDocument("presentation", "<office:presentation>\(body.joined())</office:presentation>")
    }

    var ods: [UInt8] {
        let body = sections.map { section in
            var rows = (section.paragraphs + section.items).map { [$0] } + [[]] + section.table
            if rows.last?.isEmpty ?? false { rows.removeLast() }
            let cells = table(rows, section.heading)
            guard let note = section.note else { return cells }
            return cells.replacing("</table:table>", with: """
                <table:table-row table:number-rows-repeated="1000000"><table:table-cell table:number-columns-repeated="16384"/>\
                </table:table-row><table:table-row><table:table-cell><office:annotation><dc:creator>A</dc:creator>\(paragraph(note))\
                </office:annotation></table:table-cell></table:table-row></table:table>
                """)
        }
        return openDocument("spreadsheet", "<office:spreadsheet>\(body.joined())</office:spreadsheet>")
    }

    var epub: [UInt8] {
        let container = """
            <container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles><rootfile full-path="OPS/book.opf"/>\
            </rootfiles></container>
            """
        let items = sections.indices.map { "<item id=\"c\($0)\" href=\"Kapitel%20\($0).xhtml\" media-type=\"application/xhtml+xml\"/>" }
        let links = sections.enumerated().map { "<a href=\"Kapitel%20\($0).xhtml#a\">\($1.heading)</a>" }
        let navigation = "<html xmlns=\"http://www.w3.org/1999/xhtml\"><body><p>Inhalt</p>\(links.joined())</body></html>"
        let spine = ["nav"] + sections.indices.map { "c\($0)" }
        let package = """
            <!DOCTYPE package SYSTEM "nowhere.dtd"><package xmlns="http://www.idpf.org/2007/opf" \
            xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata><dc:title>\(Self.escaped(title))</dc:title></metadata><manifest>\
            <item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>\(items.joined())</manifest>\
            <spine>\(spine.map { "<itemref idref=\"\($0)\"/>" }.joined())</spine></package>
            """
        var entries = [
            ZipWriter.Entry("mimetype", "application/epub+zip"), ZipWriter.Entry("META-INF/container.xml", container),
            ZipWriter.Entry("OPS/book.opf", package), ZipWriter.Entry("OPS/nav.xhtml", navigation),
        ]
        for (index, section) in sections.enumerated() {
            let list = section.items.isEmpty ? "" : "<ul>\(section.items.map { "<li>\($0)</li>" }.joined())</ul>"
            let rows = section.table.map { "<tr>\($0.map { "<td>\($0)</td>" }.joined())</tr>" }.joined()
            let text = section.paragraphs.map { "<p>\($0)</p>" }.joined() + list + (rows.isEmpty ? "" : "<table>\(rows)</table>")
            // A heading as it should be, one that is a plain paragraph, and one in the table of contents alone.
            let heading = ["<h2>\(section.heading)</h2>", "<p class=\"h\">\(section.heading)</p>", ""][index % 3]
            let body = heading + text + "<p>\(section.note ?? "")</p>"
            let page = "<!DOCTYPE html><html xmlns=\"http://www.w3.org/1999/xhtml\"><body>\(body)</body></html>"
            entries.append(ZipWriter.Entry("OPS/Kapitel \(index).xhtml", page))
        }
        return ZipWriter.archive(entries)
    }
}
