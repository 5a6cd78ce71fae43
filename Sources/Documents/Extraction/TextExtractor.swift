package import Foundation
package import Knowledge

/// Turns an uploaded file into canonical text with structure.
///
/// What a file is and who reads it stands in one table: `Format.all`. No network, linear time; other programs read PDF documents
/// and pictures, and the rest is pure.
package struct TextExtractor: Sendable {
    /// The largest file that is read: 64 MiB.
    package static let maxInputBytes = 64 << 20

    private let recognitionEnd: ContinuousClock.Instant?

    /// - Parameter recognitionEnd: Pages whose text is not recognised by then stay without text; nil for 20 minutes a
    ///   file.
    package init(recognitionEnd: ContinuousClock.Instant? = nil) {
        self.recognitionEnd = recognitionEnd
    }

    /// Reads a file.
    ///
    /// - Parameter filename: The client's name for it; its suffix helps where the content could be several things.
    /// - Throws: What the file's reader throws, or `.tooLarge`, `.unsupportedType`, `.unreadable`, `.empty`, with a sentence for
    ///   the uploader.
    package func extract(_ data: Data, filename: String) throws(DocumentFailure) -> ExtractedText {
        try extract(Array(data), filename: filename)
    }

    /// The same for bytes in an array.
    package func extract(_ data: [UInt8], filename: String) throws(DocumentFailure) -> ExtractedText {
        try extract(SourceFile(bytes: data, filename: filename, recognitionEnd: recognitionEnd))
    }

    /// The same for a file that may lie in another.
    func extract(_ file: SourceFile) throws(DocumentFailure) -> ExtractedText {
        guard file.bytes.count <= Self.maxInputBytes else {
            throw DocumentFailure(.tooLarge, "This file is larger than 64 MiB. Split it and upload the parts.")
        }
        guard !file.bytes.isEmpty else { throw .noText }
        let format = Format.of(try MediaType.sniff(file.bytes, filename: file.filename))
        var text = try format.reader.read(file)
        if Format.contradicts(suffix: file.suffix, format) {
            text.warnings.append("The name ends in .\(file.suffix), but the content is \(format.name) and was read as such.")
        }
        return text
    }
}
