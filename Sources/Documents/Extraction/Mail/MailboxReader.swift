import Knowledge

/// Reads many messages in one file (mbox, RFC 4155).
struct MailboxReader: FormatReader {
    private static let maxMessages = 10_000

    static func opens(_ data: [UInt8]) -> Bool {
        guard data.starts(with: "From ".utf8), let end = data.prefix(1000).firstIndex(of: .newline) else { return false }
        return !MailHeaders(data, in: end + 1..<min(data.count, end + 2000)).isEmpty
    }

    func read(_ file: SourceFile) throws(DocumentFailure) -> ExtractedText {
        var builder = TextBuilder()
        let starts = Self.starts(in: file.bytes)
        for (index, start) in starts.prefix(Self.maxMessages).enumerated() where !builder.isOverLimit {
            let end = index + 1 < starts.count ? starts[index + 1] : file.bytes.count
            _ = MailReader().append(file, in: start..<end, place: "message \(index + 1)", to: &builder)
        }
        if starts.count > Self.maxMessages {
            builder.warnings.append("Only the first \(Self.maxMessages) of \(starts.count) messages were read.")
        }
        return try builder.finish(title: nil)
    }

    /// Lines that begin with `From ` behind a blank line.
    private static func starts(in data: [UInt8]) -> [Int] {
        var starts = data.isEmpty ? [] : [0]
        var at = data.startIndex
        while let hit = data[...].firstRange(of: "\nFrom ", from: at) {
            let before = data[..<hit.lowerBound].last
            let isBlank = before == .newline || (before == 0x0D && data[..<hit.lowerBound].dropLast().last == .newline)
            if isBlank { starts.append(hit.lowerBound + 1) }
            at = hit.upperBound
        }
        return starts
    }
}
