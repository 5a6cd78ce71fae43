import Documents
import Foundation
import Knowledge
import Testing

@Suite("A hostile office document")
struct OfficeHostileTests {
    private func reason(_ bytes: [UInt8], _ filename: String = "a.docx") -> DocumentFailure.Reason? {
        do {
            checkStructure(of: try TextExtractor().extract(bytes, filename: filename))
            return nil
        } catch {
            return error.reason
        }
    }

    private func sheet(_ rows: String) -> [UInt8] {
        let base = "urn:oasis:names:tc:opendocument:xmlns:"
        let content = """
            <office:document-content xmlns:office="\(base)office:1.0" xmlns:table="\(base)table:1.0" xmlns:text="\(base)text:1.0">\
            <office:body><office:spreadsheet><table:table table:name="A">\(rows)</table:table></office:spreadsheet></office:body>\
            </office:document-content>
            """
        let type = "application/vnd.oasis.opendocument.spreadsheet"
        return ZipWriter.archive([ZipWriter.Entry("mimetype", type), ZipWriter.Entry("content.xml", content)])
    }

    @Test("cannot nest, declare entities or heap up attributes")
    func markup() {
        let deep = String((0..<200_000).map { "<w:x\($0 % 7)>" }.joined())
        #expect(reason(wordFile(deep)) == .unreadable)
        let bomb = "<!DOCTYPE a [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;\">]>"
        let book = OfficeContents.handbook.epub
        #expect(reason(wordFile("<w:p>&b;</w:p>")) == .unreadable)
        for part in ["word/document.xml", "META-INF/container.xml"] {
            let entries = [
                ZipWriter.Entry("[Content_Types].xml", part.hasPrefix("word") ? "wordprocessingml.document.main+xml" : ""),
                ZipWriter.Entry("mimetype", "application/epub+zip"),
                ZipWriter.Entry("_rels/.rels", OfficeContents.relationships([("a", "officeDocument", part)])),
                ZipWriter.Entry(part, bomb + "<a>&b;</a>"),
            ].filter { !$0.content.isEmpty }
            #expect(reason(ZipWriter.archive(entries)) == .unreadable)
        }
        let attributes = (0..<1001).map { " a\($0)=\"\"" }.joined()
        #expect(reason(wordFile("<w:p\(attributes)/>")) == .unreadable)
        #expect(reason(book) == nil)
    }

    @Test("cannot repeat cells, rows or strings beyond measure")
    func repeats() {
        func cell(_ attributes: String, _ text: String) -> String {
            "<table:table-cell \(attributes)><text:p>\(text)</text:p></table:table-cell>"
        }
        let wide = "table:number-columns-repeated=\"2147483647\"", tall = "table:number-rows-repeated=\"2147483647\""
        #expect(reason(sheet("<table:table-row>\(cell(wide, "a"))</table:table-row>")) == .tooLarge)
        #expect(reason(sheet("<table:table-row \(tall)>\(cell("", "a"))</table:table-row>")) == .tooLarge)
        #expect(reason(sheet("<table:table-row \(tall)>\(cell(wide, ""))</table:table-row>")) == .empty)
        let long = String((0..<20_000).map { "Wort\($0) " }.joined())
        let many = "table:number-columns-repeated=\"900000\""
        #expect(reason(sheet("<table:table-row>\(cell(many, long))</table:table-row>")) == .tooLarge)
        let names = "xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\""
        let cells = String(repeating: "<c t=\"s\"><v>0</v></c>", count: 1000)
        let workbook = OfficeContents.package(
            "spreadsheetml.sheet",
            [
                ("xl/workbook.xml", "<workbook \(names) xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships\"><sheets><sheet name=\"A\" r:id=\"s\"/></sheets></workbook>"),
                ("xl/_rels/workbook.xml.rels", OfficeContents.relationships([("s", "worksheet", "s.xml"), ("t", "sharedStrings", "t.xml")])),
                ("xl/s.xml", "<worksheet \(names)><sheetData><row>\(cells)</row></sheetData></worksheet>"),
                ("xl/t.xml", "<sst \(names)><si><t>\(long)</t></si></sst>"),
            ]
        )
        #expect(reason(workbook, "a.xlsx") == .tooLarge)
    }

    @Test("of Office behind a password says so")
    func password() {
        let name: [UInt8] = "EncryptedPackage".utf8.flatMap { [$0, 0] }
        let container: [UInt8] = [0xD0, 0xCF, 0x11, 0xE0] + [UInt8](repeating: 0, count: 508) + name
        #expect(reason(container) == .encrypted)
        #expect(reason(Array(container.prefix(512)), "a.doc") == .unsupportedType)
    }
}
