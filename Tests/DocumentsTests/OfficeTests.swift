import Documents
import Foundation
import Knowledge
import Testing

@Suite("Office documents of every format")
struct OfficeTests {
    private static let contents = OfficeContents.handbook
    static let formats: [(name: String, bytes: [UInt8])] = [
        ("docx", contents.docx), ("pptx", contents.pptx), ("xlsx", contents.xlsx), ("odt", contents.odt), ("ods", contents.ods),
        ("odp", contents.odp), ("epub", contents.epub),
        ("strict docx", contents.docx(namespace: "http://purl.oclc.org/ooxml/wordprocessingml/main")),
    ]

    @Test("say the same: title, headings, prose, cells, notes, in order", arguments: formats)
    func sameness(name: String, bytes: [UInt8]) throws {
        // Whatever the file is called.
        let text = try TextExtractor().extract(bytes, filename: "a.txt")
        checkStructure(of: text)
        #expect(text.title == Self.contents.title)
        let hasTables = text.blocks.filter { $0.kind == .table }.count
        #expect(hasTables == 1 && text.quality.tables == 1)
        var lines: [String] = []
        for section in Self.contents.sections {
            lines.append("## " + section.heading)
            lines += section.paragraphs + section.items
            lines += section.table.map { $0.joined(separator: " | ").trimmingCharacters(in: .whitespaces) }
            if let note = section.note { lines.append(note) }
        }
        #expect(shown(text) == lines)
    }

    /// A line for each block and row, without the marks of list items.
    private func shown(_ text: ExtractedText) -> [String] {
        let bytes = Array(text.text.utf8)
        return text.blocks.flatMap { block -> [String] in
            let content = String(decoding: bytes[block.bytes], as: UTF8.self)
            switch block.kind {
            case .heading(let level): return [String(repeating: "#", count: level) + " " + content]
            case .listItem: return [String(content.trimmingPrefix("- "))]
            default: return content.split(separator: "\n").map(String.init)
            }
        }
    }

    @Test("say where each block stands", arguments: [
        ("pptx", "slide 2", "slide 2 (notes)"), ("odp", "slide 2", "slide 2 (notes)"),
        ("xlsx", "sheet \"Reisekosten\"", "sheet \"Reisekosten\""), ("ods", "sheet \"Reisekosten\"", "sheet \"Reisekosten\""),
        ("epub", "chapter 2", "chapter 2"),
    ])
    func places(name: String, place: String, notePlace: String) throws {
        let bytes = try #require(Self.formats.first { $0.name == name }?.bytes)
        let text = try TextExtractor().extract(bytes, filename: "a.\(name)")
        let content = Array(text.text.utf8)
        let table = try #require(text.blocks.first { $0.kind == .table })
        let note = try #require(text.blocks.first { content[$0.bytes].starts(with: "Stand vom".utf8) })
        #expect(table.locator == place && note.locator == notePlace)
    }

    @Test("that are cut or damaged give an answer", arguments: formats)
    func damage(name: String, bytes: [UInt8]) {
        for length in stride(from: 0, to: bytes.count, by: 211) {
            #expect(throws: DocumentFailure.self) { try TextExtractor().extract(Array(bytes[..<length]), filename: "a.docx") }
        }
        var generator = TextGenerator(seed: 7)
        for _ in 0..<60 {
            var damaged = bytes
            for _ in 0...generator.number(3) { damaged[generator.number(damaged.count)] = UInt8(generator.number(256)) }
            guard let text = try? TextExtractor().extract(damaged, filename: "a.docx") else { continue }
            checkStructure(of: text)
        }
    }

    @Test("are told from other archives by their content")
    func plainArchives() {
        let archive = ZipWriter.archive([ZipWriter.Entry("a.txt", "Text"), ZipWriter.Entry("word/document.xml", "<a/>")])
        let failure = #expect(throws: DocumentFailure.self) { try TextExtractor().extract(archive, filename: "a.docx") }
        #expect(failure?.reason == .unsupportedType)
    }
}
