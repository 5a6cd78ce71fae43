import Knowledge

/// The formats that have a reader; `Format.all` says which.
package enum MediaType: Hashable, Sendable, CaseIterable {
    case plainText, markdown, html
    /// Rows of comma- or tab-separated values.
    case csv
    /// Text whose lines mean something: source code, configuration, logs.
    case code
    /// Office documents, OpenDocument files and books: ZIP archives of XML.
    case docx, pptx, xlsx, odt, ods, odp, epub
    /// Read by the programs of poppler, where they are installed.
    case pdf
    /// Read by tesseract, where it is installed.
    case picture
    /// One JSON text, or one a line, or the cells of a notebook.
    case json, jsonLines, notebook
    /// One message, or many in a file.
    case email, mailbox
    case rtf
    case xml

    /// Finds out what a file is. The content counts before the name.
    ///
    /// - Parameters:
    ///   - data: The whole file.
    ///   - filename: Only its suffix is looked at.
    /// - Throws: `.unsupportedType` for known formats without a reader, `.encrypted` for Office documents with a password.
    static func sniff(_ data: [UInt8], filename: String) throws(DocumentFailure) -> MediaType {
        let suffix = suffix(of: filename)
        if let type = try byContent(data, suffix: suffix) { return type }
        if let format = BinaryFormat.of(data, suffix: suffix) { throw .unsupported(format.name, remedy: format.remedy) }
        let named = Format.named(suffix)?.type ?? .plainText
        // What the content does not confirm for these is some other text under a wrong name.
        return binary.contains(named) ? .plainText : named
    }

    /// The format that the content gives away, whatever the name; nil if it could be several.
    private static func byContent(_ data: [UInt8], suffix: String) throws(DocumentFailure) -> MediaType? {
        if isPDF(data) { return .pdf }
        if BinaryFormat.isPicture(data) { return .picture }
        if let office = try OfficeFormat.sniff(data, suffix: suffix) { return office }
        if HTMLReader.opens(data) { return .html }
        if RTFReader.opens(data) { return .rtf }
        if MailboxReader.opens(data) { return .mailbox }
        if Format.named(suffix).map({ $0.type == .plainText }) ?? true, MailReader.opens(data) { return .email }
        return nil
    }

    private static let binary: Set<MediaType> = [.docx, .pptx, .xlsx, .odt, .ods, .odp, .epub, .pdf, .picture]

    static func isPDF(_ data: [UInt8]) -> Bool { data.prefix(1024).firstRange(of: "%PDF-", from: 0) != nil }

    /// The part behind the last dot, in lower case; empty if there is none.
    static func suffix(of filename: String) -> String {
        guard let dot = filename.lastIndex(of: "."), dot != filename.startIndex else { return "" }
        return filename[filename.index(after: dot)...].lowercased()
    }
}
