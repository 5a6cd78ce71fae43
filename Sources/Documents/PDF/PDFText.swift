import Knowledge

/// Pages of lines as one text with blocks.
struct PDFText {
    private var pages: [PageLayout]
    private let scan: ScannedPages
    private let title: String?

    init(_ pages: [PageLayout], outline: [TypeStyles.OutlineItem], scan: ScannedPages, title: String?) {
        var pages = pages
        RightToLeft.repair(&pages)
        Furniture.mark(in: &pages)
        outline.mark(in: &pages)
        (self.pages, self.scan, self.title) = (pages, scan, title)
    }

    /// - Throws: `.empty` or `.tooLarge`.
    func text() throws(DocumentFailure) -> ExtractedText {
        let pieces = pages.map(PagePiece.pieces)
        let headings = Headings(zip(pages, pieces).filter { !$0.0.isRecognised }.map(\.1))
        var writer = PDFBlockWriter(hyphenation: Hyphenation(pages))
        var (topLevel, topHeading): (Int, String?) = (7, nil)
        for (page, pieces) in zip(pages, pieces) {
            for piece in pieces {
                let level = page.isRecognised ? nil : headings.level(of: piece)
                writer.append(piece, level: level, page: page.number)
                // The title of a document is the largest heading of its first pages.
                if let level, level < topLevel, page.number <= 2 { (topLevel, topHeading) = (level, writer.lastText) }
            }
            guard !writer.isOverLimit else { throw .tooMuchText }
        }
        let tables = writer.tables
        var builder = writer.finish()
        builder.quality = quality
        builder.quality.tables = tables
        builder.warnings = warnings
        return try builder.finish(title: title ?? topHeading)
    }

    private var quality: ExtractedText.Quality {
        var quality = ExtractedText.Quality()
        quality.pages = pages.count
        quality.pagesWithoutText = scan.withoutText
        quality.recognisedPages = scan.recognised
        quality.recognitionConfidence = scan.meanConfidence
        let characters = pages.reduce(0) { $0 + $1.characters }
        quality.unreadableShare = Double(pages.reduce(0) { $0 + $1.unmapped }) / Double(max(characters, 1))
        return quality
    }

    private var warnings: [String] {
        var warnings: [String] = []
        if !scan.withoutText.isEmpty {
            warnings.append("No text was found on \(Self.names(of: scan.withoutText)): pictures that nobody read.")
        }
        if scan.leftOut > 0 { warnings.append("\(scan.leftOut) pages were too many to recognise text in.") }
        if !scan.recognised.isEmpty {
            let pages = Self.names(of: scan.recognised)
            warnings.append("The text of \(pages) was recognised in pictures and may have errors.")
        }
        if scan.lacksMappings {
            warnings.append("Some characters need tables that are not on the server: apt-get install poppler-data.")
        }
        if quality.unreadableShare > 0.01 {
            let percent = Int((quality.unreadableShare * 100).rounded())
            warnings.append("\(percent) % of the characters have no meaning that the document tells.")
        }
        return warnings
    }

    /// `page 3`, `pages 3–5 and 9`.
    static func names(of pages: [Int]) -> String {
        var ranges: [ClosedRange<Int>] = []
        for page in pages {
            if let last = ranges.last, page == last.upperBound + 1 {
                ranges[ranges.count - 1] = last.lowerBound...page
            } else {
                ranges.append(page...page)
            }
        }
        var names = ranges.prefix(20).map { $0.count > 1 ? "\($0.lowerBound)–\($0.upperBound)" : "\($0.lowerBound)" }
        if ranges.count > 20 { names.append("others") }
        let last = names.popLast() ?? ""
        let list = names.isEmpty ? last : names.joined(separator: ", ") + " and " + last
        return (pages.count > 1 ? "pages " : "page ") + list
    }
}
