/// A document as text with structure: what chunks and citations point into.
package struct ExtractedText: Hashable, Sendable, Codable {
    /// A paragraph, a heading, a table…: a stretch of `text` without blank ends.
    package struct Block: Hashable, Sendable, Codable {
        package enum Kind: Hashable, Sendable, Codable {
            /// 1 is the highest level, 6 the lowest.
            case heading(level: Int)
            case paragraph, listItem, quote
            /// One row a line, cells parted by ` | `; the first line is the header.
            case table
            /// Lines mean something: source code, logs, preformatted text.
            case code
            /// Beside the main text: footnotes, speaker notes, comments, captions.
            case note
            /// Running heads and page numbers: part of the text, never of a chunk.
            case furniture
        }

        package var kind: Kind
        /// UTF-8 bytes in the canonical text.
        package var bytes: Range<Int>
        /// The page that the block begins on, from 1, where the format has pages.
        package var page: Int?
        /// Where to look in the original, for people: `slide 7`, `sheet "Q3"`, `part 2 › invoice.pdf`.
        package var locator: String?

        package init(kind: Kind, bytes: Range<Int>, page: Int? = nil, locator: String? = nil) {
            self.kind = kind
            self.bytes = bytes
            self.page = page
            self.locator = locator
        }

        /// 1…6 for a heading, else nil.
        package var headingLevel: Int? {
            guard case .heading(let level) = kind else { return nil }
            return level
        }
    }

    /// The canonical text: NFC, lines end in LF, tab and LF are the only control characters, no soft hyphens, no zero-width
    /// spaces, plain spaces instead of no-break spaces.
    package var text: String
    /// In order, disjoint, not empty; every character that is not white space lies in one of them.
    package var blocks: [Block]
    /// What the document calls itself, at most 200 characters of it.
    package var title: String?
    /// Sentences for the person who uploaded it: what was guessed or left out.
    package var warnings: [String]
    /// Whether line n of `text` is line n of the original, so that line numbers help to find a place.
    package var keepsSourceLines: Bool
    /// How much of the original came through.
    package var quality: Quality

    package init(
        text: String, blocks: [Block], title: String? = nil, warnings: [String] = [], keepsSourceLines: Bool = false,
        quality: Quality = Quality()
    ) {
        self.text = text
        self.blocks = blocks
        self.title = title
        self.warnings = warnings
        self.keepsSourceLines = keepsSourceLines
        self.quality = quality
    }

    /// How much of an original came through; empty for formats that are text already.
    package struct Quality: Hashable, Sendable, Codable {
        /// Pages, slides or sheets, where the format has them.
        package var pages: Int?
        /// Pages without any text, from 1: pictures that nobody read.
        package var pagesWithoutText: [Int] = []
        /// Pages whose text was recognised in a picture, from 1.
        package var recognisedPages: [Int] = []
        /// Mean confidence of the recognised words, 0…1.
        package var recognitionConfidence: Double?
        /// Characters that the original did not say the meaning of, as a share of all, 0…1.
        package var unreadableShare: Double = 0
        package var tables: Int = 0

        package init() {}
    }

    /// The headings above each block, highest first, one path per block; a heading's path ends with the heading itself.
    ///
    /// Every chunk carries its path, so that of a longer heading only the first 200 characters stand in it.
    package func headingPaths() -> [[String]] {
        var open: [(level: Int, title: String)] = []
        var path: [String] = []
        return blocks.map { block in
            guard let level = block.headingLevel else { return path }
            open.removeAll { $0.level >= level }
            open.append((level, String(decoding: text.utf8(block.bytes), as: UTF8.self).shortTitle))
            path = open.map(\.title)
            return path
        }
    }
}

extension String {
    /// The bytes at offsets of the UTF-8 view. Costs O(1) for the native strings that extraction makes.
    func utf8(_ range: Range<Int>) -> Substring.UTF8View {
        let start = utf8.index(utf8.startIndex, offsetBy: range.lowerBound)
        let end = utf8.index(start, offsetBy: range.count)
        return self[start..<end].utf8
    }

    /// The same words with single spaces between them.
    var onOneLine: String {
        split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }

    /// The text on one line, or its beginning and `…`: at most 200 whole characters and 1600 bytes.
    var shortTitle: String {
        let (maxCharacters, maxBytes) = (200, 1600)
        let ellipsis = "…"
        let line = onOneLine
        guard line.utf8.count > maxBytes else {
            return line.count <= maxCharacters ? line : line.prefix(maxCharacters - 1) + ellipsis
        }
        // A character may have any number of marks. The last one may go on behind the limit.
        var limit = line.utf8.index(line.startIndex, offsetBy: maxBytes - ellipsis.utf8.count)
        while line.utf8[limit].isContinuation { line.utf8.formIndex(before: &limit) }
        let head = line[..<limit]
        return head.prefix(max(1, min(head.count, maxCharacters) - 1)) + ellipsis
    }
}
