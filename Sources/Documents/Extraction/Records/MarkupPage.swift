/// The blocks of an XML document as its elements come.
struct MarkupPage {
    private(set) var builder = TextBuilder()
    private(set) var title: String?

    private struct Element {
        var name: String
        /// Where its name begins in the path.
        var pathStart: Int
    }

    private var stack: [Element] = []
    private var path: [UInt8] = []
    /// Elements deeper than are tracked.
    private var untracked = 0
    /// Text since the element at `textDepth` began to have some.
    private var text: [UInt8] = []
    private var textDepth = 0
    private var hasChildren = false
    /// `name: value` lines of one parent.
    private var lines: [UInt8] = []
    private var linesPlace = ""
    private var skipDepth: Int?

    private static let maxDepth = 4096
    private static let maxPathBytes = 200
    private static let shortBytes = 200
    /// Elements of pictures and programs.
    private static let skipped: Set<String> = ["style", "script", "binary", "metadata"]

    mutating func take(_ token: MarkupTokens.Token) {
        switch token {
        case .start(let name, let attributes, let isEmpty): begin(name, attributes, isEmpty: isEmpty)
        case .end: end()
        case .text(let content):
            guard skipDepth == nil else { return }
            if text.isEmpty {
                guard !content[...].trimmingSpace.isEmpty else { return }
                textDepth = stack.count
                hasChildren = false
            }
            text += content.map { $0 == .newline || $0 == .tab ? .space : $0 }
        }
    }

    mutating func finish() {
        flushText()
        flushLines()
    }

    private mutating func begin(_ name: String, _ attributes: [(name: String, value: [UInt8])], isEmpty: Bool) {
        if !text.isEmpty { hasChildren = true }
        if skipDepth == nil, text.isEmpty, stack.first?.name != "svg", name != "svg" {
            for attribute in attributes where attribute.value.contains(where: \.isLetter) || attribute.value.count <= 20 {
                line("\(name) \(attribute.name)", attribute.value)
            }
        }
        guard !isEmpty else { return }
        guard stack.count < Self.maxDepth else { return untracked += 1 }
        stack.append(Element(name: name, pathStart: path.count))
        if path.count < 64 << 10 { path += (path.isEmpty ? name : " › \(name)").utf8 }
        if Self.skipped.contains(name), skipDepth == nil { skipDepth = stack.count }
    }

    private mutating func end() {
        if untracked > 0 { return untracked -= 1 }
        if !text.isEmpty, stack.count <= textDepth { flushText() }
        if let skipDepth, stack.count <= skipDepth { self.skipDepth = nil }
        guard let element = stack.popLast() else { return }
        if path.count > element.pathStart { path.removeLast(path.count - element.pathStart) }
    }

    // MARK: - Blocks

    private mutating func flushText() {
        defer { text = [] }
        let content = Array(text[...].trimmingSpace)
        guard !content.isEmpty else { return }
        let name = stack.last?.name ?? ""
        let lowered = name.lowercased()
        if ["title", "head", "heading", "article-title"].contains(lowered) {
            flushLines()
            let heading = content[...].string.onOneLine
            title = title ?? heading
            builder.append(.heading(level: min(6, max(1, stack.count - 1))), heading.utf8, locator: place)
        } else if content.count <= Self.shortBytes, !hasChildren, !["p", "para", "desc"].contains(lowered) {
            line(name, content)
        } else {
            flushLines()
            builder.append(.paragraph, content[...].string.onOneLine.utf8, locator: place)
        }
    }

    private mutating func line(_ name: String, _ value: [UInt8]) {
        let value = value[...].trimmingSpace
        guard !value.isEmpty else { return }
        let place = place
        if place != linesPlace || lines.count > 4 << 10 { flushLines() }
        linesPlace = place
        if !lines.isEmpty { lines.append(.newline) }
        lines += (name.isEmpty ? "" : "\(name): ").utf8
        lines += value.map { $0 == .newline ? .space : $0 }
    }

    private mutating func flushLines() {
        builder.append(.code, lines, locator: linesPlace.isEmpty ? nil : linesPlace)
        lines = []
    }

    /// The elements around the present one.
    private var place: String {
        let end = stack.last?.pathStart ?? 0
        guard end > Self.maxPathBytes else { return path[..<min(end, path.count)].string }
        let tail = path[..<min(end, path.count)].ending(upTo: Self.maxPathBytes)
        return "…\(tail.string)"
    }
}
