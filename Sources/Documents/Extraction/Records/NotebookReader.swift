import FoundationEssentials
import Knowledge

/// Reads Jupyter notebooks: Markdown cells as Markdown, code cells as code, the text of their outputs below.
struct NotebookReader: TextFormatReader {
    private static let maxOutputBytes = 4 << 10

    func read(_ text: [UInt8]) throws(DocumentFailure) -> ExtractedText {
        let notebook: JSONValue
        do {
            notebook = try JSONValue(json: Data(text))
        } catch {
            throw .unreadable("This notebook is damaged: \(error.reason) at byte \(error.offset).")
        }
        // Version 3 has its cells in sheets.
        let cells = notebook["cells"]?.array ?? notebook["worksheets"]?.array?.flatMap { $0["cells"]?.array ?? [] } ?? []
        var builder = TextBuilder()
        for (index, cell) in cells.enumerated() where !builder.isOverLimit {
            append(cell, locator: "cell \(index + 1)", to: &builder)
        }
        return try builder.finish(title: notebook["metadata"]?["title"]?.string)
    }

    private func append(_ cell: JSONValue, locator: String, to builder: inout TextBuilder) {
        let source = Self.joined(cell["source"] ?? cell["input"])
        switch cell["cell_type"]?.string {
        case "markdown":
            var scanner = MarkdownScanner(Canonical.text(Array(source.utf8)), from: 0)
            scanner.run()
            let page = scanner.builder
            for block in page.blocks { builder.append(block.kind, page.bytes[block.bytes], locator: locator) }
        case "heading":
            builder.append(.heading(level: min(6, max(1, cell["level"]?.integer ?? 1))), source.utf8, locator: locator)
        case "code":
            builder.append(.code, source.utf8, locator: locator)
            for output in cell["outputs"]?.array ?? [] {
                let text = Self.joined(output["text"] ?? output["data"]?["text/plain"])
                if text.utf8.count <= Self.maxOutputBytes { builder.append(.note, text.utf8, locator: locator) }
            }
        default: builder.append(.paragraph, source.utf8, locator: locator)
        }
    }

    /// Text is a string or a list of lines.
    private static func joined(_ value: JSONValue?) -> String {
        value?.string ?? value?.array?.compactMap(\.string).joined() ?? ""
    }
}
