import Knowledge

extension DocumentFailure {
    /// Formats with a reader, in words for messages.
    private static let readable = Format.all.map(\.name).joined(separator: ", ")

    static let noText = DocumentFailure(.empty, "There is no text in this file.")

    static let tooMuchText = DocumentFailure(
        .tooLarge, "This file has more than 64 MiB of text. Split it into several files and upload those."
    )

    static func unsupported(_ name: String, remedy: String) -> DocumentFailure {
        DocumentFailure(
            .unsupportedType, "This looks like \(name), which Almanac does not read. \(remedy) It reads \(readable)."
        )
    }

    static func unreadable(_ what: String) -> DocumentFailure {
        DocumentFailure(.unreadable, "\(what) Save it as text in UTF-8 and upload it again.")
    }
}
