import Knowledge

/// Reads Markdown line by line: CommonMark's blocks, pipe tables and front matter, without nesting beyond lists and quotes.
///
/// The canonical text has no heading marks, emphasis marks, link targets or table rules. List items keep their mark, code stays
/// as it is, and what front matter says beside the title (author, date, tags) is a note at the top.
struct MarkdownReader: TextFormatReader {
    func read(_ text: [UInt8]) throws(DocumentFailure) -> ExtractedText {
        let matter = FrontMatter(of: text)
        var scanner = MarkdownScanner(text, from: matter?.end ?? 0)
        scanner.begin(withNote: matter?.rest ?? [])
        scanner.run()
        return try scanner.builder.finish(title: matter?.title)
    }
}

/// The lines between `---` (or `+++`) at the very top, which describe the document and are not part of it.
struct FrontMatter {
    var title: String?
    /// What else it says, line by line as it is written.
    var rest: [UInt8] = []
    /// Where the document itself begins.
    var end: Int

    private static let maxLines = 500

    /// Nil if the text has none, so that a text which merely opens with a rule loses nothing.
    init?(of text: [UInt8]) {
        var lines = Lines(text)
        guard let first = lines.next(), let fence = Self.fence(text[first]) else { return nil }
        var count = 0
        while let line = lines.next(), count < Self.maxLines {
            count += 1
            let body = text[line].trimmingSpace
            if Self.fence(body) == fence || body.elementsEqual("...".utf8) {
                end = min(line.upperBound + 1, text.count)
                return
            }
            let isKeyed = body.contains { $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: "=") }
            let isNested = text[line].first.map { $0.isSpace || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "#") } ?? true
            guard isKeyed || isNested else { return nil }
            if title == nil, body.starts(withLowercase: "title"), let value = Self.value(body.dropFirst(5)) {
                title = value
            } else {
                rest += text[line] + [.newline]
            }
        }
        return nil
    }

    private static func fence(_ line: ArraySlice<UInt8>) -> UInt8? {
        let body = line.trimmingSpace
        guard body.count == 3, let mark = body.first, mark == UInt8(ascii: "-") || mark == UInt8(ascii: "+") else { return nil }
        return body.allSatisfy { $0 == mark } ? mark : nil
    }

    /// The text behind `:` or `=`, without quotes.
    private static func value(_ rest: ArraySlice<UInt8>) -> String? {
        let rest = rest.trimmingSpace
        guard let sign = rest.first, sign == UInt8(ascii: ":") || sign == UInt8(ascii: "=") else { return nil }
        var value = rest.dropFirst().trimmingSpace
        if let quote = value.first, quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'"), value.last == quote, value.count > 1 {
            value = value.dropFirst().dropLast()
        }
        return value.isEmpty ? nil : value.string
    }
}
