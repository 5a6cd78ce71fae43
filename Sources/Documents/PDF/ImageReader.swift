import Knowledge

/// Reads the text in pictures with tesseract.
struct ImageReader: FormatReader {
    /// Larger pictures are hardly of text.
    static let maxBytes = 32 << 20
    /// A page of A0 in 300 dots an inch has 140 million; a picture in memory takes up to four bytes each.
    static let maxPixels = 150_000_000

    var tools = Tools.installed
    var time = Duration.seconds(120)

    func read(_ file: SourceFile) throws(DocumentFailure) -> ExtractedText {
        var reader = self
        if let end = file.recognitionEnd { reader.time = min(time, end - .now) }
        return try reader.read(file.bytes)
    }

    /// - Throws: `.unsupportedType` without tesseract; `.tooLarge`, `.unreadable`, `.timedOut`, `.empty`.
    func read(_ data: [UInt8]) throws(DocumentFailure) -> ExtractedText {
        guard data.count <= Self.maxBytes else {
            throw DocumentFailure(.tooLarge, "This picture is larger than 32 MiB. Make it smaller and upload that.")
        }
        if let size = PictureSize(of: data), size.pixels > Self.maxPixels {
            throw DocumentFailure(.tooLarge, "This picture has more than 150 million pixels. Make it smaller and upload that.")
        }
        guard let recognition = Recognition(tools) else {
            throw DocumentFailure(
                .unsupportedType,
                "Reading pictures needs tesseract on the server: apt-get install tesseract-ocr tesseract-ocr-deu."
            )
        }
        // Without a resolution sizes stay in pixels: only their proportions count.
        let pages = try recognition.pages(in: data, scale: 1, until: .now + time)
        let words = pages.reduce(0) { $0 + $1.wordCount }
        guard words > 0 else { throw DocumentFailure(.empty, "No text was recognised in this picture.") }
        let layouts = pages.map(\.layout)
        var writer = PDFBlockWriter(hyphenation: Hyphenation(layouts))
        for layout in layouts {
            for piece in PagePiece.pieces(of: layout) {
                writer.append(piece, level: nil, page: layout.number)
            }
        }
        var builder = writer.finish()
        builder.quality.recognitionConfidence = pages.reduce(0) { $0 + $1.confidence } / Double(words) / 100
        builder.quality.recognisedPages = layouts.map(\.number)
        builder.quality.pages = layouts.count
        builder.warnings = ["The text was recognised in a picture and may have errors."]
        return try builder.finish(title: nil)
    }
}
