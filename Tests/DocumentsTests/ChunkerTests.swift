import Documents
import Foundation
import Knowledge
import Testing

@Suite("Chunking keeps")
struct ChunkerTests {
    static let chunkings: [Chunking] = [
        .structured, .fixed(maxTokens: 40, overlapTokens: 0), .fixed(maxTokens: 40, overlapTokens: 20),
        .fixed(maxTokens: 3, overlapTokens: 1), .fixed(maxTokens: 100_000, overlapTokens: 90_000),
    ]

    @Test("its promises for texts of every kind", arguments: chunkings, 0..<6)
    func promises(chunking: Chunking, seed: Int) throws {
        var generator = TextGenerator(seed: UInt64(seed))
        let text = try TextExtractor().extract(Array(generator.markdown().utf8), filename: "notes.md")
        checkStructure(of: text)
        for window in [3, 60, 254] {
            ChunkPromises(text: text, window: window, counter: PieceCounter(), chunking: chunking).check()
            ChunkPromises(text: text, window: window, counter: NastyCounter(), chunking: chunking).check()
        }
    }

    static let hardTexts: KeyValuePairs<String, String> = [
        "a letter": "a", "a long word": String(repeating: "x", count: 2000), "Japanese": String(repeating: "日本語", count: 600),
        "families": String(repeating: "👩‍👩‍👧‍👦", count: 100), "marks": "e" + String(repeating: "\u{301}\u{323}", count: 1000),
        "Hindi": String(repeating: "नमस्ते", count: 100), "words": String(repeating: "wort ", count: 1000),
        "clauses": String(repeating: "Ein Satz, noch einer; und – so weiter: ", count: 60),
        "a long heading": "# " + String(repeating: "Überschrift ", count: 300) + "\n\nText.",
        "chapters": String(repeating: "# Kapitel\n\n", count: 50),
        "sections": String(repeating: "### Punkt\n\nKurz.\n\n", count: 100),
        "a table": "| a | b |\n|---|---|\n" + String(repeating: "| eins | zwei |\n", count: 300),
        "code": "```\n" + String(repeating: "let x = 1\n\n", count: 150) + "```",
    ]

    @Test("its promises for texts that are hard to cut", arguments: hardTexts.map(\.key))
    func hard(name: String) throws {
        let source = try #require(Self.hardTexts.first { $0.key == name }?.value)
        let text = try TextExtractor().extract(Array(source.utf8), filename: "hard.md")
        for chunking in Self.chunkings {
            for window in [1, 254] {
                ChunkPromises(text: text, window: window, counter: PieceCounter(), chunking: chunking).check()
                ChunkPromises(text: text, window: window, counter: NastyCounter(), chunking: chunking).check()
            }
        }
    }

    @Test("grapheme clusters whole when a word must be cut")
    func graphemes() throws {
        let family = "👩‍👩‍👧‍👦"
        let text = try TextExtractor().extract(Array(String(repeating: family, count: 300).utf8), filename: "f.txt")
        for chunk in Chunker(window: 30, counter: PieceCounter()).chunks(of: text, chunking: .structured, filename: "f.txt") {
            #expect(chunk.text.count * family.utf8.count == chunk.text.utf8.count)
        }
    }

    @Test("sentences whole wherever they fit")
    func sentences() throws {
        var generator = TextGenerator(seed: 7)
        let source = (0..<40).map { _ in generator.paragraph(sentences: 30) }.joined(separator: "\n\n")
        let text = try TextExtractor().extract(Array(source.utf8), filename: "prose.txt")
        let starts = Set(Sentences.ranges(in: text.text[...]).map { text.text.utf8.distance(from: text.text.startIndex, to: $0.lowerBound) })
        let chunks = Chunker(window: 120, counter: PieceCounter()).chunks(of: text, chunking: .structured, filename: "p.txt")
        #expect(chunks.count > 40)
        #expect(chunks.allSatisfy { starts.contains($0.bytes.lowerBound) })
        // What was cut inside a paragraph goes on with the sentence before the cut, if that is short.
        #expect(zip(chunks, chunks.dropFirst()).contains { $1.bytes.lowerBound < $0.bytes.upperBound })
    }

    @Test("headings with the text under them, and names the rest of the path in the context")
    func headings() throws {
        let source = "# Handbuch\n\n## Urlaub\n\nEs gibt 30 Tage.\n\n### Antrag\n\nIm Portal.\n\n## Reise\n\nBahn fahren.\n"
        let text = try TextExtractor().extract(Array(source.utf8), filename: "handbuch.md")
        let chunks = Chunker(window: 100, counter: PieceCounter()).chunks(of: text, chunking: .structured, filename: "h.md")
        #expect(chunks.map(\.text) == [
            "Handbuch\n\nUrlaub\n\nEs gibt 30 Tage.\n\nAntrag\n\nIm Portal.", "Reise\n\nBahn fahren.",
        ])
        #expect(chunks.map(\.context) == ["", "Handbuch\n"])
        #expect(chunks.map(\.headingPath) == [["Handbuch", "Urlaub"], ["Handbuch", "Reise"]])
    }

    @Test("the names of columns in the context of rows that a cut took from them")
    func tableHeader() throws {
        let source = "Artikel,Preis\n" + (0..<200).map { "Ding \($0),\($0 * 3)" }.joined(separator: "\n")
        let text = try TextExtractor().extract(Array(source.utf8), filename: "2024.csv")
        let chunks = Chunker(window: 60, counter: PieceCounter()).chunks(of: text, chunking: .structured, filename: "2024.csv")
        #expect(chunks.count > 5)
        #expect(chunks.dropFirst().allSatisfy { $0.context == "Artikel | Preis\n" && $0.text.hasPrefix("Ding") })
        #expect(chunks[1].locator?.hasPrefix("lines ") == true)
    }

    @Test("the file and the declarations around a piece of code in its context")
    func code() throws {
        let body = (0..<30).map { "        let value\($0) = compute(\($0))\n" }.joined(separator: "\n")
        let source = "struct Duck: Bird {\n    func swim() {\n\(body)    }\n\n    func fly() {\n\(body)    }\n}\n\nfunc other() {\n\(body)}\n"
        let text = try TextExtractor().extract(Array(source.utf8), filename: "Duck.swift")
        ChunkPromises(text: text, window: 60, counter: PieceCounter(), chunking: .structured).check()
        let chunks = Chunker(window: 120, counter: PieceCounter()).chunks(of: text, chunking: .structured, filename: "Duck.swift")
        let contexts = Set(chunks.map(\.context))
        #expect(chunks[0].context == "Duck.swift\n")
        #expect(contexts.isSuperset(of: ["Duck.swift › Duck › swim\n", "Duck.swift › Duck › fly\n", "Duck.swift › other\n"]))
        #expect(chunks.allSatisfy { $0.locator?.hasPrefix("lines ") == true })
    }

    @Test("pages, places and furniture", arguments: chunkings)
    func places(chunking: Chunking) throws {
        var source = ""
        var blocks: [ExtractedText.Block] = []
        func add(_ kind: ExtractedText.Block.Kind, _ text: String, page: Int) {
            if !source.isEmpty { source += "\n\n" }
            let start = source.utf8.count
            source += text
            blocks.append(.init(kind: kind, bytes: start..<source.utf8.count, page: page, locator: "slide \(page)"))
        }
        for page in 1...6 {
            add(.paragraph, String(repeating: "Ein Satz über Seite \(page). ", count: page * 3) + "Ende.", page: page)
            if page % 2 == 0 { add(.furniture, "Fuß \(page)", page: page) }
            add(.note, "Eine Notiz.", page: page)
        }
        let text = ExtractedText(text: source, blocks: blocks)
        checkStructure(of: text)
        for window in [5, 40, 254] {
            ChunkPromises(text: text, window: window, counter: PieceCounter(), chunking: chunking).check()
        }
        let chunks = Chunker(window: 254, counter: PieceCounter()).chunks(of: text, chunking: .structured, filename: "a.pptx")
        #expect(chunks.map(\.page) == chunks.map { $0.locator.flatMap { Int($0.dropFirst("slide ".count)) } })
        // No chunk reaches over the end of a page, so that what is cited stands on the page that the citation names.
        #expect(Set(chunks.map(\.page)) == Set(1...6))
    }

    @Test("fixed windows full and without overlap if none is asked for")
    func fixedWindows() throws {
        let text = try TextExtractor().extract(Array(String(repeating: "wort ", count: 1000).utf8), filename: "w.txt")
        let plain = Chunker(window: 254, counter: PieceCounter())
            .chunks(of: text, chunking: .fixed(maxTokens: 100, overlapTokens: 0), filename: "w.txt")
        #expect(plain.map(\.tokenCount) == Array(repeating: 100, count: 10))
        let overlapping = Chunker(window: 50, counter: PieceCounter())
            .chunks(of: text, chunking: .fixed(maxTokens: 4096, overlapTokens: 10), filename: "w.txt")
        #expect(overlapping.dropLast().allSatisfy { $0.tokenCount == 50 })
        #expect(zip(overlapping, overlapping.dropFirst()).allSatisfy { $0.bytes.upperBound - $1.bytes.lowerBound == 49 })
    }
}

/// Texts from a seed: the same seed gives the same text.
struct TextGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 0xD1B5_4A32_D192_ED03 }

    mutating func number(_ bound: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int(state >> 33) % bound
    }

    mutating func word() -> String {
        let words = [
            "Haus", "gehen", "z. B.", "über", "naïve", "3.14", "日本語。", "Vertragsstrafe", "x", "foo_bar", "**fett**", "👍🏽", "e\u{301}",
            "https://example.org/a.b?c=d", "(siehe", "Nr. 5)", "„Zitat“", "und,", "Ω", "a|b", "&amp;", "[Link](x)",
            String(repeating: "lang", count: number(40) + 1),
        ]
        return words[number(words.count)]
    }

    mutating func sentence() -> String {
        let count = number(25) + 1
        return "Der " + (0..<count).map { _ in word() }.joined(separator: number(4) == 0 ? "\n" : " ") + "."
    }

    mutating func paragraph(sentences: Int) -> String {
        (0..<sentences).map { _ in "Das Haus steht seit \(number(3000)) Jahren an der \(number(30)) Straßen entfernten Ecke." }
            .joined(separator: " ")
    }

    mutating func markdown() -> String {
        (0..<number(30) + 1).map { _ in
            switch number(8) {
            case 0, 1: String(repeating: "#", count: number(6) + 1) + " " + word() + " " + word()
            case 2: (0..<number(12) + 1).map { _ in "- " + sentence().replacing("\n", with: " ") }.joined(separator: "\n")
            case 3: "| A | B |\n|---|---|\n" + (0..<number(30)).map { "| \($0) | \(word()) |\n" }.joined()
            case 4: "```\n" + (0..<number(30)).map { "line \($0)\n" }.joined() + "```"
            case 5: "> " + sentence().replacing("\n", with: " ")
            default: (0..<number(20) + 1).map { _ in sentence() }.joined(separator: " ")
            }
        }.joined(separator: "\n\n")
    }
}
