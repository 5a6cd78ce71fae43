package import Foundation
package import Knowledge

/// Turns an uploaded file into canonical text with structure. Pure: no disk, no network, linear time, no recursion.
package struct TextExtractor: Sendable {
    /// The largest file that is read: 64 MiB.
    package static let maxInputBytes = 64 << 20

    package init() {}

    /// Reads a file.
    ///
    /// - Parameter filename: The client's name for it; its suffix helps where the content could be several things.
    /// - Throws: `.tooLarge`, `.unsupportedType`, `.unreadable` or `.empty`, with a sentence for the uploader.
    package func extract(_ data: Data, filename: String) throws(DocumentFailure) -> ExtractedText {
        try extract(Array(data), filename: filename)
    }

    /// The same for bytes in an array.
    package func extract(_ data: [UInt8], filename: String) throws(DocumentFailure) -> ExtractedText {
        guard data.count <= Self.maxInputBytes else {
            throw DocumentFailure(.tooLarge, "This file is larger than 64 MiB. Split it and upload the parts.")
        }
        guard !data.isEmpty else { throw .noText }
        let type = try MediaType.sniff(data, filename: filename)
        let declared = type == .html ? HTMLCharset.declared(in: data) : nil
        let decoded = try Decoded(data, declared: declared)
        var text = try Self.reader(for: type).read(Canonical.text(decoded.bytes))
        text.warnings = decoded.warnings + text.warnings
        let suffix = MediaType.suffix(of: filename)
        if Self.foreignSuffixes.contains(suffix) {
            text.warnings.append("The name ends in .\(suffix), but the content is text and was read as such.")
        }
        return text
    }

    private static func reader(for type: MediaType) -> any FormatReader {
        switch type {
        case .plainText: PlainTextReader(style: .prose)
        case .code: PlainTextReader(style: .code)
        case .csv: PlainTextReader(style: .rows)
        case .markdown: MarkdownReader()
        case .html: HTMLReader()
        }
    }

    private static let foreignSuffixes: Set<String> = [
        "pdf", "doc", "docx", "xls", "xlsx", "ppt", "pptx", "odt", "ods", "odp", "epub", "rtf", "zip", "png", "jpg",
        "jpeg", "gif", "gz", "exe", "mp3", "mp4",
    ]
}

/// Reads one format.
protocol FormatReader {
    /// - Parameter text: Canonical UTF-8.
    /// - Throws: `.empty` or `.tooLarge`; malformed markup is read as well as it can be.
    func read(_ text: [UInt8]) throws(DocumentFailure) -> ExtractedText
}
