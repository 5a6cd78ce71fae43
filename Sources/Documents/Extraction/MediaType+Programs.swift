extension MediaType {
    /// Read by code of ours alone.
    private static let withoutPrograms: Set<MediaType> = [.plainText, .markdown, .html, .csv, .code]

    /// Whether reading this file may start another program or open a file, such as poppler's for a PDF. A reader that needs
    /// neither can give up both.
    package static func mayNeedPrograms(_ data: [UInt8], filename: String) -> Bool {
        guard let type = try? sniff(data, filename: filename) else { return false }  // there is no reader that would
        return !withoutPrograms.contains(type)
    }
}
