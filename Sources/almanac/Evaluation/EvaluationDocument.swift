import Foundation
import Service

/// A document as an evaluation uploads it: a file like any other.
struct EvaluationDocument: Sendable {
    /// What the judgements call it.
    var id: String
    var filename: String
    var content: Data

    init(id: String, filename: String, content: Data) {
        self.id = id
        self.filename = filename
        self.content = content
    }

    /// A corpus entry as the file it may have come from: its text as it is, or below a title as a web page, whose reader
    /// takes every character literally and gives every chunk the title for context.
    init(_ entry: CorpusEntry) {
        let title = entry.title.trimmingCharacters(in: .whitespacesAndNewlines)
        if title.isEmpty || title == entry.id {
            self.init(id: entry.id, filename: entry.id + ".txt", content: Data(entry.text.utf8))
        } else {
            self.init(id: entry.id, filename: entry.id + ".html", content: Data(Self.page(title, entry.text).utf8))
        }
    }

    private static func page(_ title: String, _ text: String) -> String {
        let head = "<!DOCTYPE html>\n<meta charset=\"utf-8\">\n<title>\(escaped(title))</title>\n"
        return head
            + paragraphs(of: text).map { "<p>\($0.map(escaped).joined(separator: "<br>"))</p>\n" }.joined()
    }

    /// Lines by paragraph. A blank line ends one; so does a line that was clearly never wrapped, as in plain text.
    private static func paragraphs(of text: String) -> [[Substring]] {
        var paragraphs: [[Substring]] = [[]]
        for line in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
            let isBlank = line.allSatisfy(\.isWhitespace)
            if !isBlank { paragraphs[paragraphs.count - 1].append(line) }
            if isBlank || line.utf8.count > 200 { paragraphs.append([]) }
        }
        return paragraphs.filter { !$0.isEmpty }
    }

    private static func escaped(_ text: some StringProtocol) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}
