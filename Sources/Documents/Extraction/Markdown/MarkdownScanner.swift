/// The state of reading Markdown: which block is open, and which list.
struct MarkdownScanner {
    private(set) var builder = TextBuilder()
    private let text: [UInt8]
    private var lines: Lines
    /// The block that the next line may continue, its lines stripped of container marks.
    private var open: OpenBlock?
    /// Columns at which the texts of the open list's items begin, outermost first.
    private var listColumns: [Int] = []
    private var isAfterBlank = true

    private struct OpenBlock {
        var kind: ExtractedText.Block.Kind
        var lines: [ArraySlice<UInt8>]
        var depth = 0
        var mark: [UInt8] = []
    }

    init(_ text: [UInt8], from start: Int) {
        self.text = text
        lines = Lines(text, from: start)
    }

    /// What stands above the text and is not written in Markdown.
    mutating func begin(withNote note: [UInt8]) { builder.append(.note, note) }

    mutating func run() {
        while let range = lines.next(), !builder.isOverLimit { read(text[range]) }
        flush()
    }

    private mutating func read(_ whole: ArraySlice<UInt8>) {
        let (line, isQuoted) = MarkdownLine.unquoted(whole)
        let body = line.trimmingSpace
        defer { isAfterBlank = body.isEmpty }
        if body.isEmpty { return flush() }
        let indent = MarkdownLine.indent(of: line)
        if indent == 0 && isAfterBlank && MarkdownLine.item(body) == nil { listColumns = [] }
        if let fence = MarkdownLine.fence(body) { return code(until: fence, indent: indent, isQuoted: isQuoted) }
        if indent >= 4 && open == nil && listColumns.isEmpty { return indentedCode(whole) }
        if let (level, title) = MarkdownLine.heading(body), indent < 4, !isQuoted { return heading(level, title) }
        if let level = MarkdownLine.underline(body), open?.kind == .paragraph, !isQuoted { return underlined(level) }
        if MarkdownLine.isRule(body) { return flush() }
        if body.starts(with: "<!--".utf8) { return comment(from: line) }
        if MarkdownLine.isHTMLBlock(body) && open?.kind != .listItem { return markup(from: line) }
        if let item = MarkdownLine.item(body) { return begin(item, indent: indent) }
        if open == nil && MarkdownLine.isDefinition(body) { return }
        if body.contains(UInt8(ascii: "|")) && table(from: body) { return }
        append(body, isQuoted: isQuoted, endsHard: line.suffix(2).elementsEqual("  ".utf8))
    }

    private mutating func append(_ body: ArraySlice<UInt8>, isQuoted: Bool, endsHard: Bool) {
        let kind: ExtractedText.Block.Kind = isQuoted ? .quote : .paragraph
        if let current = open, current.kind != kind, !(current.kind == .listItem || current.kind == .quote) { flush() }
        var line = Array(body)
        if endsHard || line.last == UInt8(ascii: "\\") {
            if line.last == UInt8(ascii: "\\") { line.removeLast() }
            line.append(.newline)
        }
        if open == nil { open = OpenBlock(kind: kind, lines: []) }
        open?.lines.append(line[...])
    }

    private mutating func flush() {
        guard let block = open else { return }
        open = nil
        let content = MarkdownInline.strip(MarkdownLine.joined(block.lines)[...])
        guard !content[...].trimmingSpace.isEmpty else { return }
        builder.append(block.kind, block.mark + content, depth: block.depth)
    }

    // MARK: - Headings

    private mutating func heading(_ level: Int, _ title: ArraySlice<UInt8>) {
        flush()
        listColumns = []
        let title = MarkdownInline.strip(title).map { $0 == .newline ? .space : $0 }
        builder.append(.heading(level: level), title)
    }

    private mutating func underlined(_ level: Int) {
        let title = MarkdownLine.joined(open?.lines ?? []).map { $0 == .newline ? .space : $0 }
        open = nil
        heading(level, title[...])
    }

    // MARK: - Lists

    private mutating func begin(_ item: MarkdownLine.Item, indent: Int) {
        // In the middle of a paragraph only a bullet or number 1 begins a list: else "in\n1984. Then" would become one.
        if open?.kind == .paragraph && !item.interruptsParagraph { return append(item.line, isQuoted: false, endsHard: false) }
        flush()
        while let column = listColumns.last, indent < column { listColumns.removeLast() }
        open = OpenBlock(kind: .listItem, lines: [item.content], depth: listColumns.count, mark: item.mark)
        listColumns.append(indent + item.width)
    }

    // MARK: - Code

    private mutating func code(until fence: MarkdownLine.Fence, indent: Int, isQuoted: Bool) {
        flush()
        var content: [UInt8] = []
        while let range = lines.next() {
            let line = isQuoted ? MarkdownLine.unquoted(text[range]).line : text[range]
            if MarkdownLine.closes(fence, line.trimmingSpace) { break }
            let spaces = line.prefix(indent).prefix { $0 == .space }.count
            content.append(contentsOf: line.dropFirst(spaces))
            content.append(.newline)
        }
        builder.append(.code, content)
    }

    private mutating func indentedCode(_ first: ArraySlice<UInt8>) {
        var content = MarkdownLine.outdented(first) + [.newline]
        while let range = lines.peek() {
            let line = text[range]
            guard line.trimmingSpace.isEmpty || MarkdownLine.indent(of: line) >= 4 else { break }
            content += MarkdownLine.outdented(line) + [.newline]
            _ = lines.next()
        }
        builder.append(.code, content)
    }

    // MARK: - HTML

    /// A comment on one line is an instruction to some tool and goes; a longer one holds text that somebody wrote, and stays
    /// as a paragraph.
    private mutating func comment(from line: ArraySlice<UInt8>) {
        flush()
        let start = line.firstRange(of: "<!--", from: line.startIndex)?.upperBound ?? line.startIndex
        if let end = line.firstRange(of: "-->", from: start) {
            let rest = line[end.upperBound...].trimmingSpace
            return rest.isEmpty ? () : append(rest, isQuoted: false, endsHard: false)
        }
        var content = Array(line[start...])
        while let range = lines.next() {
            let end = text[range].firstRange(of: "-->", from: range.lowerBound)
            content.append(.newline)
            content += text[range.lowerBound..<(end?.lowerBound ?? range.upperBound)]
            if end != nil { break }
        }
        appendMarkup(content)
    }

    /// A block of HTML ends at a blank line.
    private mutating func markup(from line: ArraySlice<UInt8>) {
        flush()
        var content = Array(line)
        while let range = lines.next(), !text[range].trimmingSpace.isEmpty {
            content.append(.newline)
            content += text[range]
        }
        isAfterBlank = true
        appendMarkup(content)
    }

    private mutating func appendMarkup(_ content: [UInt8]) {
        HTMLReader.blocks(of: content) { kind, content, depth in builder.append(kind, content, depth: depth) }
    }

    // MARK: - Tables

    /// Reads a table whose header is `first`, if the line behind it is a rule of dashes.
    private mutating func table(from first: ArraySlice<UInt8>) -> Bool {
        guard let next = lines.peek(), MarkdownLine.isTableRule(text[next].trimmingSpace) else { return false }
        flush()
        _ = lines.next()
        var rows = MarkdownLine.row(first)
        while let range = lines.peek() {
            let body = text[range].trimmingSpace
            guard body.contains(UInt8(ascii: "|")) else { break }
            _ = lines.next()
            rows.append(.newline)
            rows += MarkdownLine.row(body)
        }
        builder.append(.table, rows)
        return true
    }
}
