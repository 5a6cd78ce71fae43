import Documents
import Knowledge
import Synchronization
import Testing

/// Documents made to cost more than their size.
enum HostileText: String, CaseIterable, CustomTestStringConvertible {
    case longHeading = "a long heading", longTitle = "a long title"
    case markedHeading = "a heading of one character with many marks"
    case deepHeadings = "long headings of every level", manyHeadings = "headings and nothing else"
    case invisibleHeadings = "headings without tokens", invisibleWords = "words without tokens"
    case quoteMarks = "quote marks before spaces", wideHeader = "a table with a long header"
    case quotedTargets = "link targets with quotes", colons = "announcements of nothing"

    var testDescription: String { rawValue }

    /// The text, with its longest part repeated `size` times.
    func source(_ size: Int) -> String {
        func times(_ part: String) -> String { String(repeating: part, count: size) }
        let prose = times("Noch ein kurzer Satz. ")
        return switch self {
        case .longHeading: "# " + times("Titel ") + "\n\n" + prose
        case .longTitle: "---\ntitle: " + times("Titel ") + "\n---\n\n" + prose
        case .markedHeading: "# e" + times("\u{301}\u{323}") + "\n\n" + prose
        case .deepHeadings:
            (1...6).map { String(repeating: "#", count: $0) + " \($0)" + times(" Titel") + "\n\n" }.joined() + prose
        case .manyHeadings: times("### Punkt\n\n")
        case .invisibleHeadings: times("### \u{200D}\n\n")
        case .invisibleWords: times("\u{200D} \u{200C} ") + times("Wort ")
        case .quoteMarks: times("> ") + "Zitat" + times(" ")
        case .wideHeader: "| " + times("Spalte ") + " | b |\n|---|---|\n" + times("| eins | zwei |\n")
        case .quotedTargets: times("\"[](\\\"")
        case .colons: times("Es folgt:\n\n")
        }
    }
}

/// Counts as WordPiece does, sees nothing in joiners, and adds up the bytes that it was asked about.
private final class MeasuringCounter: TokenCounter {
    private let bytes = Atomic(0)
    var work: Int { bytes.load(ordering: .relaxed) }

    func count(_ text: Substring) -> Int {
        bytes.add(text.utf8.count, ordering: .relaxed)
        let visible = text.unicodeScalars.filter { $0.value != 0x200C && $0.value != 0x200D }
        return PieceCounter().count(Substring(visible))
    }
}

@Suite("A hostile document")
struct HostileTests {
    @Test("costs and becomes no more than its size allows", arguments: HostileText.allCases, [
        Chunking.structured, .fixed(maxTokens: 40, overlapTokens: 20),
    ])
    func linear(kind: HostileText, chunking: Chunking) throws {
        let (small, large) = (try cost(of: kind.source(1000), chunking), try cost(of: kind.source(4000), chunking))
        // What is linear grows four times, what is quadratic sixteen times.
        #expect(large.work < 6 * small.work + 10_000, "bytes that the tokenizer sees")
        #expect(large.output < 6 * small.output + 10_000, "bytes of chunks, contexts and paths")
    }

    private func cost(of source: String, _ chunking: Chunking) throws -> (work: Int, output: Int) {
        let text = try TextExtractor().extract(Array(source.utf8), filename: "hostile.md")
        let counter = MeasuringCounter()
        let chunks = Chunker(window: 60, counter: counter).chunks(of: text, chunking: chunking, filename: "hostile.md")
        let output = chunks.reduce(0) { sum, chunk in
            ([chunk.text, chunk.context] + chunk.headingPath).reduce(sum) { $0 + $1.utf8.count }
        }
        return (counter.work, output)
    }

    @Test("keeps its promises", arguments: HostileText.allCases)
    func promises(kind: HostileText) throws {
        let text = try TextExtractor().extract(Array(kind.source(300).utf8), filename: "hostile.md")
        checkStructure(of: text)
        ChunkPromises(text: text, window: 60, counter: MeasuringCounter(), chunking: .structured).check()
    }

    @Test("has no chunk of more words than the window has tokens, even of words without any")
    func invisibleWords() throws {
        for kind in [HostileText.invisibleHeadings, .invisibleWords] {
            let text = try TextExtractor().extract(Array(kind.source(500).utf8), filename: "hostile.md")
            for chunking in [Chunking.structured, .fixed(maxTokens: 60, overlapTokens: 10)] {
                let chunker = Chunker(window: 60, counter: MeasuringCounter())
                let chunks = chunker.chunks(of: text, chunking: chunking, filename: "hostile.md")
                #expect(chunks.allSatisfy { $0.text.split(whereSeparator: \.isWhitespace).count <= 60 })
            }
        }
    }

    @Test(
        "is named by the beginning of its heading, in whole characters, and loses nothing of it",
        arguments: [("letters", "Ü", 199), ("families", "👩‍👩‍👧‍👦", 63), ("a short one", "", 0)]
    )
    func names(_: String, character: String, kept: Int) throws {
        let heading = character.isEmpty ? "Kurz" : String(repeating: character, count: 5000)
        let expected = character.isEmpty ? "Kurz" : String(repeating: character, count: kept) + "…"
        let text = try TextExtractor().extract(Array("# \(heading)\n\nText.".utf8), filename: "a.md")
        #expect(text.text == heading + "\n\nText.")
        #expect(text.title == expected)
        #expect(text.headingPaths() == [[expected], [expected]])
    }
}

@Suite("A Markdown line")
struct MarkdownLineTests {
    @Test("loses its quote marks and the target's title, escaped quotes and all", arguments: [
        ("> > a", "quote: a"), (">> > b  ", "quote: b"), ("   > c", "quote: c"), ("> a > b", "quote: a > b"),
        ("[a](b \"c \\\" ) d\") e", "p: a e"), ("[a](b \"c ) d", "p: [a](b \"c ) d"),
    ])
    func marks(source: String, expected: String) throws {
        #expect(try blocks(source, "a.md") == [expected])
    }
}
