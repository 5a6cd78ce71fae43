import Knowledge

/// What `pdfinfo` says about a document.
struct PDFInfo {
    var pages: Int
    var title: String?

    /// - Throws: `.encrypted` if a password stands before the text, `.unreadable` for what poppler cannot repair.
    init(_ answer: Tool.Answer) throws(DocumentFailure) {
        var fields: [Substring: Substring] = [:]
        for line in String(decoding: answer.output, as: UTF8.self).split(separator: "\n") {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let value = line[line.index(after: colon)...].drop { $0 == " " }
            // The first one counts: those behind could be a part of a title with line breaks.
            if fields[line[..<colon]] == nil { fields[line[..<colon]] = value }
        }
        if answer.messages.contains("Incorrect password") { throw .passwordNeeded }
        guard answer.status == 0, let pages = fields["Pages"].flatMap({ Int($0) }), pages > 0 else { throw .brokenPDF }
        self.pages = pages
        title = fields["Title"].map(String.init).flatMap { Self.looksLikeTitle($0) ? $0.onOneLine : nil }
    }

    /// Programs write file names, numbers and their own names where a title should be.
    static func looksLikeTitle(_ title: String) -> Bool {
        let title = title.onOneLine
        let letters = title.count(where: \.isLetter)
        guard letters >= 4, letters * 2 >= title.count, title.count <= 300 else { return false }
        let lower = title.lowercased()
        let suffixes = [
            ".doc", ".docx", ".pdf", ".indd", ".qxd", ".dvi", ".tex", ".ppt", ".pptx", ".xls", ".xlsx", ".odt", ".rtf",
            ".txt", ".html", ".htm",
        ]
        let starts = [
            "microsoft word", "microsoft powerpoint", "untitled", "(anonymous", "unbenannt", "http:", "https:", "file:",
            "slide 1", "folie 1",
        ]
        return !suffixes.contains { lower.hasSuffix($0) } && !starts.contains { lower.hasPrefix($0) }
            && !(lower.contains("_") && !lower.contains(" ")) && !lower.contains("\u{FFFD}")
    }
}

extension DocumentFailure {
    static let passwordNeeded = DocumentFailure(
        .encrypted, "This PDF opens with a password only. Save it without one and upload that."
    )

    static let brokenPDF = DocumentFailure(
        .unreadable, "This PDF is damaged beyond repair. Open it in a PDF program, save it again and upload that."
    )

    static let popplerMissing = DocumentFailure(
        .unsupportedType, "Reading PDF documents needs poppler on the server: apt-get install poppler-utils."
    )

    static let mappingsMissing = DocumentFailure(
        .noTextLayer, "The characters of this PDF need tables that are not on the server: apt-get install poppler-data."
    )

    static let picturesOnly = DocumentFailure(
        .noTextLayer,
        """
        The pages of this PDF are pictures without text. Recognise the text and upload the result, or have tesseract \
        installed on the server: apt-get install tesseract-ocr tesseract-ocr-deu.
        """
    )

    static let nothingRecognised = DocumentFailure(
        .noTextLayer, "The pages of this PDF are pictures, and no text was recognised in them."
    )
}
