@testable import Documents
import Foundation
import Knowledge
import Testing

/// Whether this machine has the programs of poppler.
let hasPoppler = Tools.installed.pdftotext != nil && Tools.installed.pdfinfo != nil
let hasTesseract = Tools.installed.tesseract != nil

/// Poppler without tesseract.
var popplerOnly: Tools {
    var tools = Tools.installed
    tools.tesseract = nil
    return tools
}

@Suite("A PDF document", .enabled(if: hasPoppler))
struct PDFTests {
    private func text(_ fixture: PDFFixture) throws -> ExtractedText {
        let text = try PDFReader(tools: popplerOnly).read(fixture.bytes)
        checkStructure(of: text)
        return text
    }

    /// Kind, page and content of every block.
    private func lines(_ text: ExtractedText) -> [String] {
        let bytes = Array(text.text.utf8)
        return text.blocks.map { block in
            let kind =
                switch block.kind {
                case .heading(let level): "h\(level)"
                case .paragraph: "p"
                case .listItem: "li"
                case .table: "t"
                case .furniture: "f"
                default: "?"
                }
            return "\(block.page ?? 0) \(kind): \(String(decoding: bytes[block.bytes], as: UTF8.self))"
        }
    }

    @Test("says of every block which page it is on, and no block is on two")
    func pages() throws {
        let pages = (1...3).map { page in
            PDFFixture.column((1...30).map { "Auf Seite \(page) steht in der Zeile \($0) etwas, das ohne Ende" })
        }
        let text = try text(PDFFixture(pages))
        let bytes = Array(text.text.utf8)
        for block in text.blocks {
            let words = String(decoding: bytes[block.bytes], as: UTF8.self).split(separator: " ")
            let said = Set(zip(words, words.dropFirst()).filter { $0.0 == "Seite" }.map(\.1))
            #expect(said == ["\(try #require(block.page))"])
        }
        #expect(text.quality.pages == 3)
    }

    @Test("reads one column after the other")
    func columns() throws {
        let word = ["eins", "zwei", "drei", "vier", "acht"]
        let left = (0..<20).map { "linke Spalte \(word[$0 % 5]) mit Prosa bis zum Rand l\($0)" }
        let right = (0..<20).map { "rechte Spalte \(word[$0 % 5]) mit Prosa bis zum Rand r\($0)" }
        let text = try text(PDFFixture([PDFFixture.column(left, x: 60) + PDFFixture.column(right, x: 320)])).text
        let marks = text.split(whereSeparator: \.isWhitespace).filter { ["l", "r"].contains($0.first) && $0.last?.isNumber == true }
        #expect(marks.map(String.init) == (0..<20).map { "l\($0)" } + (0..<20).map { "r\($0)" })
    }

    @Test("keeps running heads and page numbers as furniture, whatever the page number")
    func furniture() throws {
        let pages = (8...13).map { page in
            [PDFFixture.Text(x: 72, y: 40, string: page % 2 == 0 ? "Handbuch der Pumpen" : "Kapitel 2: Wartung")]
                + PDFFixture.column((1...8).map { "Zeile \($0) des Textes von Blatt \(page * 7) geht immer noch weiter" })
                + [PDFFixture.Text(x: 290, y: 800, string: "- \(page) -")]
        }
        let lines = try lines(text(PDFFixture(pages)))
        #expect(lines.filter { $0.contains(" f: ") }.count == 12)
        #expect(lines.filter { $0.contains("Handbuch der Pumpen") || $0.contains("- 9 -") }.allSatisfy { $0.contains(" f: ") })
        #expect(lines.filter { $0.contains("Zeile") }.allSatisfy { $0.contains(" p: ") })
    }

    @Test("has no broken words: it mends them as the rest of the document writes them")
    func hyphens() throws {
        let lines = [
            "Der Kapitän der Donau-", "dampfschiffe ist well-known, und die Haupt-", "und Nebensachen sind es auch, so well-",
            "known und für CO-", "Werte gilt das-", "selbe bis zum Ende des Absatzes.",
        ]
        let text = try text(PDFFixture([PDFFixture.column(lines)])).text
        #expect(text == """
            Der Kapitän der Donaudampfschiffe ist well-known, und die Haupt- und Nebensachen sind es auch, so well-known und für \
            CO-Werte gilt dasselbe bis zum Ende des Absatzes.
            """)
    }

    @Test("keeps the hyphens at its lines' ends where it is long and never breaks a word that it also writes whole")
    func ownHyphens() throws {
        let broken = ["The fee is one-", "time and self-", "explaining."]
        func text(breaking more: [String]) throws -> String {
            let filler = (0..<15).map { _ in
                PDFFixture.column((0..<45).map { _ in "eight plain words that stand in a line" })
            }
            return try self.text(PDFFixture([PDFFixture.column(broken + more)] + filler)).text
        }
        #expect(try text(breaking: []).contains("The fee is one-time and self-explaining."))
        #expect(try text(breaking: ["It is plain, and pl-", "ain."]).contains("The fee is onetime and selfexplaining."))
    }

    @Test("has the headings of its outline, and below them those that its type shows")
    func headings() throws {
        func prose(_ y: Int) -> [PDFFixture.Text] {
            PDFFixture.column((1...6).map { "Gewöhnlicher Text in Zeile \($0), der von nichts Besonderem erzählt" }, y: y)
        }
        var fixture = PDFFixture([
            [.init(x: 72, y: 80, string: "1. Aufbau", size: 16, isBold: true)] + prose(110)
                + [.init(x: 72, y: 220, string: "Werkzeug und Teile", isBold: true)] + prose(240),
            [.init(x: 72, y: 80, string: "2. Betrieb", size: 16, isBold: true)] + prose(110),
        ])
        let byType = try lines(text(fixture)).filter { $0.contains(" h") }
        #expect(byType == ["1 h1: 1. Aufbau", "1 h2: Werkzeug und Teile", "2 h1: 2. Betrieb"])
        fixture.outline = [("Aufbau", 1), ("Betrieb", 2)]
        #expect(try lines(text(fixture)).filter { $0.contains(" h") } == byType)
        #expect(try text(fixture).title == "1. Aufbau")
        fixture.title = "Die Pumpe im Alltag"
        #expect(try text(fixture).title == "Die Pumpe im Alltag")
        fixture.title = "Microsoft Word - pumpe_v3.doc"
        #expect(try text(fixture).title == "1. Aufbau")
    }

    @Test("has the rows of its tables on one line each, in columns")
    func tables() throws {
        let rows = [["", "2023", "2024"], ["Net sales", "81,797", "85,777"], ["Cost of sales", "45,384", "46,099"], ["Margin", "", "39,678"]]
        let cells = rows.enumerated().flatMap { row, cells in
            cells.enumerated().filter { !$0.element.isEmpty }.map { column, cell in
                PDFFixture.Text(x: [72, 300, 400][column], y: 200 + 14 * row, string: cell)
            }
        }
        let prose = PDFFixture.column((1...5).map { "Der Text über der Tabelle in Zeile \($0) ist ganz gewöhnlich" })
        let text = try text(PDFFixture([prose + cells]))
        #expect(lines(text).last == "1 t: | 2023 | 2024\nNet sales | 81,797 | 85,777\nCost of sales | 45,384 | 46,099\nMargin |  | 39,678")
        #expect(text.quality.tables == 1)
    }

    @Test("has its lists as items")
    func lists() throws {
        let items = ["Vor dem Start:", "1. Ventil schließen und warten, bis", "   der Druck gefallen ist", "2. Filter prüfen", "3. Pumpe füllen"]
        let lines = try lines(text(PDFFixture([PDFFixture.column(items)])))
        #expect(lines == [
            "1 p: Vor dem Start:", "1 li: 1. Ventil schließen und warten, bis der Druck gefallen ist", "1 li: 2. Filter prüfen",
            "1 li: 3. Pumpe füllen",
        ])
    }

    @Test("names the pages that are pictures, but not those that are blank")
    func picturePages() throws {
        var fixture = PDFFixture([PDFFixture.column(["Eine Seite mit Text, der gelesen werden kann"]), [], [], []])
        fixture.pages[1].picture = (2, [0, 255, 255, 0])
        fixture.pages[3].picture = (2, [0, 255, 255, 0])
        let text = try text(fixture)
        #expect(text.quality.pagesWithoutText == [2, 4])
        #expect(text.warnings.contains { $0.contains("pages 2 and 4") })
    }

    @Test("that is only pictures fails with the name of what would read it; one that is blank has no text")
    func picturesOnly() {
        var fixture = PDFFixture([[], []])
        #expect(throws: DocumentFailure.noText) { try text(fixture) }
        fixture.pages[0].picture = (2, [0, 255, 255, 0])
        let failure = #expect(throws: DocumentFailure.self) { try text(fixture) }
        #expect(failure?.reason == .noTextLayer && failure?.message.contains("tesseract-ocr") == true)
    }

    @Test("with a password is said to be encrypted")
    func encrypted() throws {
        let data = try #require(Data(base64Encoded: Self.locked))
        let failure = #expect(throws: DocumentFailure.self) { try TextExtractor().extract(data, filename: "a.pdf") }
        #expect(failure?.reason == .encrypted)
    }

    @Test("with too many pages is too large, and one that takes too long times out")
    func limits() {
        let fixture = PDFFixture([[], [], []])
        var limits = PDFReader.Limits()
        limits.pages = 2
        #expect(throws: DocumentFailure.self) { try PDFReader(limits: limits).read(fixture.bytes) }
        limits = PDFReader.Limits()
        limits.time = .zero
        #expect(throws: DocumentFailure.readingTimedOut) { try PDFReader(limits: limits).read(fixture.bytes) }
    }

    @Test("is the same in one batch of pages as in many")
    func batches() throws {
        let pages = (1...5).map { page in PDFFixture.column((1...5).map { "Zeile \($0) von Seite \(page)" }) }
        var limits = PDFReader.Limits()
        limits.batch = 2
        let bytes = PDFFixture(pages).bytes
        #expect(try PDFReader(tools: popplerOnly, limits: limits).read(bytes) == PDFReader(tools: popplerOnly).read(bytes))
    }

    @Test("cut off or damaged anywhere is read or refused")
    func damage() {
        var fixture = PDFFixture([PDFFixture.column((1...6).map { "Zeile \($0) einer kurzen Seite" })])
        fixture.outline = [("Zeile", 1)]
        let whole = fixture.bytes
        var generator = TextGenerator(seed: 6)
        for round in 0..<40 {
            var bytes = Array(whole.prefix(round < 20 ? whole.count * round / 20 : whole.count))
            if round >= 20 { for _ in 0..<8 { bytes[9 + generator.number(bytes.count - 9)] = UInt8(generator.number(256)) } }
            guard let text = try? PDFReader(tools: popplerOnly).read(bytes) else { continue }
            checkStructure(of: text)
        }
    }

    /// An empty page behind the password "open sesame".
    private static let locked = """
        JVBERi0xLjMKJeLjz9MKMiAwIG9iago8PAovVHlwZSAvUGFnZXMKL0NvdW50IDEKL0tpZHMgWyA0IDAgUiBdCj4+CmVuZG9iagozIDAgb2JqCj\
        w8Ci9UeXBlIC9DYXRhbG9nCi9QYWdlcyAyIDAgUgo+PgplbmRvYmoKNCAwIG9iago8PAovVHlwZSAvUGFnZQovUmVzb3VyY2VzIDw8Cj4+Ci9N\
        ZWRpYUJveCBbIDAuMCAwLjAgNzIgNzIgXQovUGFyZW50IDIgMCBSCj4+CmVuZG9iago1IDAgb2JqCjw8Ci9WIDEKL1IgMgovTGVuZ3RoIDQwCi\
        9QIDQyOTQ5NjcyOTIKL0ZpbHRlciAvU3RhbmRhcmQKL08gPDhlZWIwOTU4MTFhYTAxNWE2YjVhMTQ2ZWY1NzM4ZjAxNjNhMTcwODAyN2M0ODY0\
        ZjM0MTFjODNjMGU3NmE5MDE+Ci9VIDxjODNhMmQ2YTVlNDc5MGZkNDYyYTcwNGRmZmMzMjIxMmY3ZDU4ZWIzZDA3MTA4ZjY1OTBjNTFlYzgxZD\
        kwZjg4Pgo+PgplbmRvYmoKeHJlZgowIDYKMDAwMDAwMDAwMSA2NTUzNSBmIAowMDAwMDAwMDAwIDAwMDAxIGYgCjAwMDAwMDAwMTUgMDAwMDAg\
        biAKMDAwMDAwMDA3NCAwMDAwMCBuIAowMDAwMDAwMTIzIDAwMDAwIG4gCjAwMDAwMDAyMTUgMDAwMDAgbiAKdHJhaWxlcgo8PAovU2l6ZSA2Ci\
        9Sb290IDMgMCBSCi9JRCBbIDxkN2Y0YjU1ZTI2Y2EzOTVkY2M3NTc5ZjAyZDM1OWY1OD4gPGQ3ZjRiNTVlMjZjYTM5NWRjYzc1NzlmMDJkMzU5\
        ZjU4PiBdCi9FbmNyeXB0IDUgMCBSCj4+CnN0YXJ0eHJlZgo0MjkKJSVFT0YK
        """
}

@Suite("Without poppler and tesseract")
struct MissingToolTests {
    @Test("uploads fail with the names of the packages that read them")
    func missing() {
        let pdf = #expect(throws: DocumentFailure.self) { try PDFReader(tools: .none).read(PDFFixture([[]]).bytes) }
        #expect(pdf?.reason == .unsupportedType && pdf?.message.contains("poppler-utils") == true)
        let picture = #expect(throws: DocumentFailure.self) { try ImageReader(tools: .none).read([0x89, 0x50, 0x4E, 0x47]) }
        #expect(picture?.reason == .unsupportedType && picture?.message.contains("tesseract-ocr") == true)
    }
}

@Suite("A scanned page", .enabled(if: hasPoppler && hasTesseract))
struct RecognitionTests {
    @Test("is read by recognising its text, with the page it is on and how sure that is")
    func scan() throws {
        var fixture = PDFFixture([PDFFixture.column(["The first page has its own text layer."]), []])
        let written = PDFFixture([[.init(x: 60, y: 120, string: "The pump stops at 42 bar.", size: 32, isBold: true)]])
        let pdftoppm = try #require(Tools.installed.pdftoppm)
        let picture = try pdftoppm.run(
            ["-r", "60", "-gray", "-"], input: written.bytes, maxOutputBytes: 1 << 20, until: .now + .seconds(30)
        ).output
        // Three lines of head, then the pixels.
        let width = try #require(String(decoding: picture.prefix(20), as: UTF8.self).split(whereSeparator: \.isWhitespace).dropFirst().first)
        let head = try #require(picture.indices.filter { picture[$0] == 0x0A }.dropFirst(2).first)
        fixture.pages[1].picture = (try #require(Int(width)), Array(picture[(head + 1)...]))
        let text = try PDFReader().read(fixture.bytes)
        checkStructure(of: text)
        #expect(text.text.contains("The pump stops at 42 bar"))
        #expect(text.blocks.last?.page == 2 && text.quality.recognisedPages == [2] && text.quality.pagesWithoutText.isEmpty)
        #expect(try #require(text.quality.recognitionConfidence) > 0.5)
        let late = try TextExtractor(recognitionEnd: .now).extract(fixture.bytes, filename: "a.pdf")
        #expect(late.text.contains("its own text layer") && late.quality.pagesWithoutText == [2])
    }

    @Test("with little text of its own keeps it where recognition reads as little, and something else")
    func ownText() throws {
        // Letters of a Latin font that look like others when turned: what is recognised is not what the page says.
        let page = PDFFixture([[.init(x: 60, y: 120, string: "\u{DE}\u{DE}\u{DE}\u{DE}\u{DE}", size: 30)]])
        let text = try PDFReader().read(page.bytes)
        #expect(text.text == "\u{DE}\u{DE}\u{DE}\u{DE}\u{DE}" && text.quality.recognisedPages.isEmpty)
    }

    @Test("that is no picture at all is unreadable")
    func broken() {
        let failure = #expect(throws: DocumentFailure.self) {
            try TextExtractor().extract([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 1, 2, 3], filename: "a.png")
        }
        #expect(failure?.reason == .unreadable)
    }
}
