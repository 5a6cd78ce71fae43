import Knowledge

/// Reads Rich Text Format: paragraphs, headings by style, lists, tables and notes; pictures, headers and footers are left out.
struct RTFReader: FormatReader {
    static func opens(_ data: [UInt8]) -> Bool { data.starts(with: "{\\rtf".utf8) }

    func read(_ file: SourceFile) throws(DocumentFailure) -> ExtractedText {
        var scanner = RTFScanner()
        scanner.read(file.bytes)
        let title = scanner.page.title
        return try scanner.page.builder.finish(title: title)
    }
}
