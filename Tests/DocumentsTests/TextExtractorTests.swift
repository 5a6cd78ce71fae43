import Documents
import Foundation
import Knowledge
import Testing

@Suite("Extraction refuses")
struct RefusalTests {
    struct Case: CustomTestStringConvertible {
        var testDescription: String
        var bytes: [UInt8]
        var filename: String
        var reason: DocumentFailure.Reason
        /// A word that the message must have.
        var word: String
    }

    static let cases = [
        Case(testDescription: "a cut Word file", bytes: [0x50, 0x4B, 3, 4, 0], filename: "a.docx", reason: .unreadable, word: "damaged"),
        Case(testDescription: "a ZIP", bytes: [0x50, 0x4B, 3, 4, 0], filename: "a.txt", reason: .unsupportedType, word: "ZIP"),
        Case(testDescription: "a program", bytes: [0x7F, 0x45, 0x4C, 0x46, 2], filename: "a", reason: .unsupportedType, word: "program"),
        Case(testDescription: "gzip", bytes: [0x1F, 0x8B, 8, 0], filename: "a.txt", reason: .unsupportedType, word: "gzip"),
        Case(testDescription: "an Outlook message", bytes: [0xD0, 0xCF, 0x11, 0xE0, 0xA1], filename: "a.msg", reason: .unsupportedType, word: ".eml"),
        Case(testDescription: "zero bytes", bytes: Array("Text\u{0}und mehr Text".utf8), filename: "a.txt", reason: .unreadable, word: "binary"),
        Case(testDescription: "control characters", bytes: (0..<200).map { UInt8($0 % 7 + 1) }, filename: "a.txt", reason: .unreadable, word: "binary"),
        Case(testDescription: "an unknown encoding", bytes: [0x41, 0x81, 0x8D, 0x8F], filename: "a.txt", reason: .unreadable, word: "encoding"),
        Case(testDescription: "mostly damaged text", bytes: Array(repeating: [0xC3, 0xA4, 0xC3, 0xA4, 0x80], count: 90).flatMap(\.self), filename: "a.txt", reason: .unreadable, word: "damaged"),
        Case(testDescription: "nothing", bytes: [], filename: "a.txt", reason: .empty, word: "no text"),
        Case(testDescription: "white space", bytes: Array(" \r\n\t\u{A0}\u{200B}\u{FEFF}\n".utf8), filename: "a.md", reason: .empty, word: "no text"),
        Case(testDescription: "empty markup", bytes: Array("<html><p> </p><script>x</script>".utf8), filename: "a.html", reason: .empty, word: "no text"),
    ]

    @Test("what is no readable text, and says why", arguments: cases)
    func refusals(example: Case) throws {
        let failure = #expect(throws: DocumentFailure.self) {
            try TextExtractor().extract(Data(example.bytes), filename: example.filename)
        }
        #expect(failure?.reason == example.reason)
        #expect(failure?.message.contains(example.word) == true)
    }

    @Test("files and texts above 64 MiB")
    func tooLarge() throws {
        let file = [UInt8](repeating: 0x61, count: TextExtractor.maxInputBytes + 1)
        #expect(throws: DocumentFailure.self) { try TextExtractor().extract(file, filename: "a.txt") }
    }
}

@Suite("Extraction reads")
struct TextExtractorTests {
    private func text(_ bytes: [UInt8], _ filename: String = "a.txt") throws -> ExtractedText {
        let text = try TextExtractor().extract(bytes, filename: filename)
        checkStructure(of: text)
        return text
    }

    @Test("the same text from every encoding")
    func encodings() throws {
        let text = "Größe: 10 € – naïve Füße"
        let little = text.utf16.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
        let big = text.utf16.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] }
        let western = try #require(text.data(using: .windowsCP1252))
        #expect(try self.text(Array(text.utf8)).text == text)
        #expect(try self.text([0xEF, 0xBB, 0xBF] + text.utf8).text == text)
        #expect(try self.text([0xFF, 0xFE] + little).text == text)
        #expect(try self.text([0xFE, 0xFF] + big).text == text)
        #expect(try self.text(Array(western)).text == text)
        #expect(try self.text(Array(western)).warnings.count == 1)
        #expect(try self.text(little.map { $0 } + Array("Mehr".utf16.flatMap { [UInt8($0), 0] })).text == text + "Mehr")
    }

    @Test("damaged UTF-8 with a mark at the damage and a warning")
    func damage() throws {
        let cut = try text(Array("Schöne Grüße aus Köl".utf8) + [0xC3])
        #expect(cut.text == "Schöne Grüße aus Köl\u{FFFD}" && cut.warnings.count == 1)
        let broken = try text(Array(String(repeating: "Öl und Käse. ", count: 50).utf8) + [0x80, 0x21])
        #expect(broken.text.hasSuffix("\u{FFFD}!") && broken.warnings.count == 1)
    }

    @Test("one form of text whatever was typed")
    func canonical() throws {
        let source = "Fu\u{308}r\u{A0}Do\u{AD}nau\u{200B}dampf\r\nZeile\rzwei\u{85}drei\u{2028}vier\u{C}\u{7}\u{FEFF}! 한국 \u{1112}\u{1161}\u{11AB}"
        let text = try text(Array(source.utf8)).text
        #expect(Array(text.utf8) == Array("Für Donaudampf\nZeile\nzwei\ndrei\nvier ! 한국 한".utf8))
        #expect(try Array(self.text(Array(text.utf8)).text.utf8) == Array(text.utf8))
    }

    @Test("canonical text of the same form as Foundation's, whatever the scripts", arguments: 0..<20)
    func normalisation(seed: Int) throws {
        var generator = TextGenerator(seed: UInt64(seed))
        let ranges = [0x41...0x5A, 0xC0...0x17F, 0x300...0x345, 0x390...0x3CE, 0x5D0...0x5EA, 0x5B0...0x5BC, 0x915...0x93C, 0x1100...0x1112,
            0x1161...0x1175, 0x11A8...0x11C2, 0x1F00...0x1F15, 0x3041...0x309A, 0xAC00...0xD7A3, 0x2126...0x212B, 0xF900...0xFA0D]
        let scalars = (0..<300).compactMap { _ in
            let range = ranges[generator.number(ranges.count)]
            return Unicode.Scalar(range.lowerBound + generator.number(range.count))
        }
        let source = String(String.UnicodeScalarView(scalars))
        #expect(try Array(text(Array(source.utf8)).text.utf8) == Array(source.precomposedStringWithCanonicalMapping.utf8))
    }

    @Test("paragraphs of plain text, with the lines of the original")
    func plainText() throws {
        let long = String(repeating: "Ein langer Satz. ", count: 20).trimmingCharacters(in: .whitespaces)
        let text = try text(Array("\nErste\nZeilen.\n\n  Zweiter Absatz.\n\(long)\n\(long)\nEnde\n".utf8))
        let blocks = text.blocks.map { String(decoding: Array(text.text.utf8)[$0.bytes], as: UTF8.self) }
        #expect(blocks == ["Erste\nZeilen.", "Zweiter Absatz.\n\(long)", long, "Ende"])
        let chunks = Chunker(window: 30, counter: PieceCounter()).chunks(of: text, chunking: .structured, filename: "1.txt")
        #expect(chunks.first?.locator == "lines 2–3")
        #expect(chunks.last?.locator == "lines 7–8")
    }

    @Test("by content rather than name")
    func contentFirst() throws {
        #expect(try text(Array("<!DOCTYPE html><h1>Titel</h1><p>Text".utf8), "a.txt").title == "Titel")
        let disguised = try text(Array("Nur Text.".utf8), "a.pdf")
        #expect(disguised.text == "Nur Text." && disguised.warnings.count == 1)
        #expect(try text(Array("a,b\n1,2\n".utf8), "a.csv").blocks.map(\.kind) == [.table])
        #expect(try text(Array("let a = 1\n\nlet b = 2".utf8), "a.swift").blocks.map(\.kind) == [.code, .code])
    }
}

@Suite("Extraction survives")
struct HostileInputTests {
    @Test(
        "input made to hurt it",
        arguments: [
            ("[", 200_000, "a.md"), ("![", 100_000, "a.md"), ("[](", 100_000, "a.md"), ("[a](b \"", 50_000, "a.md"),
            ("<!--", 50_000, "a.md"), ("*a _b ", 50_000, "a.md"), ("`` ` ", 50_000, "a.md"), (">", 200_000, "a.md"),
            ("> - ", 50_000, "a.md"), ("<a ", 50_000, "a.md"), ("&", 200_000, "a.md"), ("|-\n", 50_000, "a.md"), ("\\", 99_999, "a.md"),
            ("<div>", 100_000, "a.html"), ("<b>", 100_000, "a.html"), ("<table><tr><td>", 30_000, "a.html"),
            ("<ul><li>a", 50_000, "a.html"), ("</p>", 50_000, "a.html"), ("<", 200_000, "a.html"), ("<!--", 50_000, "a.html"),
            ("<script>", 50_000, "a.html"), ("</script", 50_000, "a.html"), ("<p a=\"", 50_000, "a.html"), ("<span hidden>x", 50_000, "a.html"),
            ("<section><div></section>", 20_000, "a.html"), ("a\u{301}\u{323}", 50_000, "a.txt"), (". ", 100_000, "a.txt"),
            ("\"", 100_001, "a.csv"), ("\"a\n", 50_001, "a.csv"), (",", 200_000, "a.csv"), ("a,\n", 50_000, "a.csv"),
            ("[", 200_000, "a.json"), ("{\"a\":", 100_000, "a.json"), ("[1,", 50_000, "a.jsonl"), ("\"\\u", 50_000, "a.json"),
            ("<a>", 100_000, "a.xml"), ("<a b=\"", 50_000, "a.xml"), ("<!--", 50_000, "a.xml"), ("<![CDATA[", 50_000, "a.xml"),
            ("<!DOCTYPE [", 50_000, "a.xml"), ("</a>", 100_000, "a.xml"), ("<a>x", 50_000, "a.xml"), ("&", 100_000, "a.xml"),
            ("A: =?a?q?", 50_000, "a.eml"), ("A: b\n", 50_000, "a.eml"), (" =?utf-8?b?4?=", 50_000, "a.eml"), ("\nFrom x\n\n", 20_000, "a.mbox"),
            ("Content-Type: multipart/mixed; boundary=b\n\n--b\n", 5_000, "a.eml"), (";a*1*=b", 50_000, "a.eml"),
            ("{\\rtf1", 50_000, "a.rtf"), ("\\par", 100_000, "a.rtf"), ("\\u1", 50_000, "a.rtf"), ("\\cell\\row", 50_000, "a.rtf"),
        ]
    )
    func repetition(unit: String, count: Int, filename: String) throws {
        let source = Array((String(repeating: unit, count: count) + "\n\n<p>Ende").utf8)
        guard let text = try? TextExtractor().extract(source, filename: filename) else { return }
        checkStructure(of: text)
        #expect(!Chunker(window: 254, counter: PieceCounter()).chunks(of: text, chunking: .structured, filename: filename).isEmpty)
    }

    @Test("random bytes and random markup", arguments: 0..<20)
    func noise(seed: Int) throws {
        var generator = TextGenerator(seed: UInt64(seed))
        let parts = [
            "<", ">", "</", "<p", "<td>", "<table>", "</table>", "<li>", "<ul>", "<h2>", "<pre>", "<!--", "-->", "<span hidden>", "</span>",
            "&amp", "&#x", "\"", "=", " ", "\n", "a", "é", "|", "```", "# ", "- ", "1. ", "---\n", "[", "](", ")", "*", "_", "\\", "> ",
            "    ", "\t", "\u{301}", "<script>", "</script>", "<br>", "<![CDATA[",
        ]
        let source = Array((0..<400).map { _ in parts[generator.number(parts.count)] }.joined().utf8)
        let bytes = (0..<400).map { _ in UInt8(generator.number(255) + 1) }
        let names = ["md", "html", "txt", "csv", "json", "jsonl", "xml", "eml", "ipynb", "rtf", "mbox", "swift"].map { "a.\($0)" }
        for (data, name) in names.flatMap({ [(source, $0), (bytes, $0)] }) {
            // An error is an answer as well; a crash is not.
            guard let text = try? TextExtractor().extract(data, filename: name) else { continue }
            checkStructure(of: text)
            ChunkPromises(text: text, window: 20, counter: PieceCounter(), chunking: .structured).check()
        }
    }
}
