extension TextExtractor {
    /// Names of messages, to which a PDF or a picture may be attached.
    private static let messageSuffixes: Set<String> = ["eml", "mht", "mhtml", "mbox", "mbx"]

    /// Whether reading this file may start another program or open a file, such as poppler's for a PDF. A process that needs
    /// neither can give up both, so this looks at no more than the first bytes and the name.
    package static func mayNeedPrograms(_ data: [UInt8], filename: String) -> Bool {
        MediaType.isPDF(data) || BinaryFormat.isPicture(data)
            || messageSuffixes.contains(MediaType.suffix(of: filename))
    }
}
