import Knowledge

/// A file as readers get it.
struct SourceFile: Sendable {
    var bytes: [UInt8]
    /// The client's name for it.
    var filename: String
    /// How many files it lies in: 0 for an upload, 1 for what is attached to an uploaded message.
    var depth = 0
    /// When recognition is to end, so that what was read by then is not lost; nil for the reader's own limit.
    var recognitionEnd: ContinuousClock.Instant?

    var suffix: String { MediaType.suffix(of: filename) }
}

/// Reads one format.
protocol FormatReader: Sendable {
    /// - Throws: `.empty` if there is no text, and what else the format can suffer from; what is merely malformed is read as
    ///   well as it can be.
    func read(_ file: SourceFile) throws(DocumentFailure) -> ExtractedText
}

/// Reads a format that is text with marks in it.
protocol TextFormatReader: FormatReader {
    /// The character set that the file itself names, if the format lets it.
    func declaredCharacterSet(of data: [UInt8]) -> String?

    /// - Parameter text: Canonical UTF-8.
    func read(_ text: [UInt8]) throws(DocumentFailure) -> ExtractedText
}

extension TextFormatReader {
    func declaredCharacterSet(of data: [UInt8]) -> String? { nil }

    func read(_ file: SourceFile) throws(DocumentFailure) -> ExtractedText {
        let decoded = try Decoded(file.bytes, declared: declaredCharacterSet(of: file.bytes))
        var text = try read(Canonical.text(decoded.bytes))
        text.warnings = decoded.warnings + text.warnings
        return text
    }
}
