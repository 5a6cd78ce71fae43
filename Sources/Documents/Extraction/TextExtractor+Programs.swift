extension TextExtractor {
    /// Names of messages, to which a PDF or a picture may be attached, and of formats that name character sets in ASCII.
    private static let needySuffixes: Set<String> = ["eml", "mht", "mhtml", "mbox", "mbx", "rtf"]

    /// Whether reading this file may start another program or open a file, such as poppler's for a PDF or the system's table
    /// of an old character set. A process that needs neither can give up both, so this looks without reading anything.
    package static func mayNeedPrograms(_ data: [UInt8], filename: String) -> Bool {
        MediaType.isPDF(data) || BinaryFormat.isPicture(data)
            || needySuffixes.contains(MediaType.suffix(of: filename))
            || RTFReader.opens(data) || MailReader.opens(data) || MailboxReader.opens(data)
            // Text in ISO-2022 is ASCII with escapes.
            || data.contains(0x1B)
            || !data.starts(with: [0x50, 0x4B]) && UTF8Damage(of: data).invalid > 0
    }
}
