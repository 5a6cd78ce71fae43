/// What single lines of Markdown look like.
enum MarkdownLine {
    struct Item {
        /// The whole line.
        var line: ArraySlice<UInt8>
        /// `- ` or `3. `, as it stands in the canonical text.
        var mark: [UInt8]
        var content: ArraySlice<UInt8>
        /// From the mark to the text.
        var width: Int
        var interruptsParagraph: Bool
    }

    struct Fence {
        var mark: UInt8
        var count: Int
    }

    /// The line behind its `>` marks.
    static func unquoted(_ line: ArraySlice<UInt8>) -> (line: ArraySlice<UInt8>, isQuoted: Bool) {
        var rest = line
        var isQuoted = false
        while indent(of: rest) < 4 {
            let body = rest.drop { $0.isSpace }
            guard body.first == UInt8(ascii: ">") else { break }
            rest = body.dropFirst()
            if rest.first == .space { rest = rest.dropFirst() }
            isQuoted = true
        }
        return (rest, isQuoted)
    }

    /// Columns of white space in front; a tab reaches to the next multiple of four.
    static func indent(of line: ArraySlice<UInt8>) -> Int {
        var column = 0
        for byte in line {
            if byte == .space { column += 1 } else if byte == .tab { column += 4 - column % 4 } else { break }
        }
        return column
    }

    /// The line without four columns of indentation.
    static func outdented(_ line: ArraySlice<UInt8>) -> [UInt8] {
        var column = 0
        let rest = line.drop { byte in
            guard column < 4, byte == .space || byte == .tab else { return false }
            column += byte == .tab ? 4 : 1
            return true
        }
        return Array(rest)
    }

    static func heading(_ body: ArraySlice<UInt8>) -> (Int, ArraySlice<UInt8>)? {
        let level = body.prefix { $0 == UInt8(ascii: "#") }.count
        let title = body.dropFirst(level)
        guard level > 0, level <= 6, title.first?.isSpace ?? true else { return nil }
        let withoutMarks = title.suffix(from: title.startIndex).trimmingSpace
        guard let last = withoutMarks.lastIndex(where: { $0 != UInt8(ascii: "#") }) else { return (level, []) }
        // `# C#` is a title, `# Title #` a closed one.
        let isClosed = last + 1 < withoutMarks.endIndex && withoutMarks[last].isSpace
        return (level, isClosed ? withoutMarks[...last].trimmingSpace : withoutMarks)
    }

    /// The level of the heading that a line of `=` or `-` makes of the line above.
    static func underline(_ body: ArraySlice<UInt8>) -> Int? {
        guard let mark = body.first, mark == UInt8(ascii: "=") || mark == UInt8(ascii: "-") else { return nil }
        guard body.allSatisfy({ $0 == mark }) else { return nil }
        return mark == UInt8(ascii: "=") ? 1 : 2
    }

    static func isRule(_ body: ArraySlice<UInt8>) -> Bool {
        guard let mark = body.first, "*-_".utf8.contains(mark) else { return false }
        return body.count { $0 == mark } >= 3 && body.allSatisfy { $0 == mark || $0.isSpace }
    }

    static func fence(_ body: ArraySlice<UInt8>) -> Fence? {
        guard let mark = body.first, mark == UInt8(ascii: "`") || mark == UInt8(ascii: "~") else { return nil }
        let count = body.prefix { $0 == mark }.count
        guard count >= 3, mark == UInt8(ascii: "~") || !body.dropFirst(count).contains(mark) else { return nil }
        return Fence(mark: mark, count: count)
    }

    static func closes(_ fence: Fence, _ body: ArraySlice<UInt8>) -> Bool {
        body.count >= fence.count && body.allSatisfy { $0 == fence.mark }
    }

    static func item(_ body: ArraySlice<UInt8>) -> Item? {
        guard let first = body.first else { return nil }
        if "-*+".utf8.contains(first) {
            let content = body.dropFirst()
            guard content.first?.isSpace ?? false else { return nil }
            return Item(
                line: body, mark: Array("- ".utf8), content: content.trimmingSpace,
                width: 1 + min(4, content.prefix(while: \.isSpace).count), interruptsParagraph: true
            )
        }
        let number = body.prefix(while: \.isDigit)
        let rest = body.dropFirst(number.count)
        guard !number.isEmpty, number.count <= 9, let dot = rest.first, dot == UInt8(ascii: ".") || dot == UInt8(ascii: ")"),
            rest.dropFirst().first?.isSpace ?? false
        else { return nil }
        return Item(
            line: body, mark: Array(number) + [dot, .space], content: rest.dropFirst().trimmingSpace,
            width: number.count + 1 + min(4, rest.dropFirst().prefix(while: \.isSpace).count),
            interruptsParagraph: number.elementsEqual("1".utf8)
        )
    }

    /// `[label]: target`, which links refer to.
    static func isDefinition(_ body: ArraySlice<UInt8>) -> Bool {
        guard body.first == UInt8(ascii: "["), body.dropFirst().first != UInt8(ascii: "^"),
            let end = body.firstIndex(of: UInt8(ascii: "]")), body[(end + 1)...].first == UInt8(ascii: ":")
        else { return false }
        let target = body[(end + 2)...].trimmingSpace
        let rest = target.drop { !$0.isSpace }.trimmingSpace
        return !target.isEmpty && (rest.isEmpty || "\"'(".utf8.contains(rest[rest.startIndex]))
    }

    /// Whether the line opens with the tag of a block-level element.
    static func isHTMLBlock(_ body: ArraySlice<UInt8>) -> Bool {
        guard body.first == UInt8(ascii: "<") else { return false }
        let name = body.dropFirst().drop { $0 == UInt8(ascii: "/") }.prefix(while: \.isAlphanumeric)
        guard name.count <= 12, let element = HTMLElement(rawValue: name.string.lowercased()) else { return false }
        let next = body[name.endIndex...].first ?? .space
        return element != .br && (next.isSpace || next == UInt8(ascii: ">") || next == UInt8(ascii: "/"))
    }

    // MARK: - Paragraphs and tables

    /// The lines of a paragraph as one, parted by spaces where the writer only wrapped them.
    static func joined(_ lines: [ArraySlice<UInt8>]) -> [UInt8] {
        var result: [UInt8] = []
        for line in lines {
            // A definition's text, `:   text`, belongs right behind its term.
            let isDefinition = line.first == UInt8(ascii: ":") && line.dropFirst().first?.isSpace ?? false
            if let last = result.last, last != .newline, !isDefinition, !isWide(result.suffix(3), line.prefix(3)) {
                result.append(.space)
            }
            result += isDefinition ? [UInt8(ascii: ":"), .space] + line.dropFirst().trimmingSpace : Array(line)
        }
        return result
    }

    /// Whether both ends are Chinese or Japanese characters (U+3000…U+9FFF, U+FF00…), which no space parts.
    private static func isWide(_ end: ArraySlice<UInt8>, _ start: ArraySlice<UInt8>) -> Bool {
        [end, start].allSatisfy { part in
            guard part.count == 3, let lead = part.first else { return false }
            return (lead >= 0xE3 && lead <= 0xE9) || lead == 0xEF
        }
    }

    static func isTableRule(_ body: ArraySlice<UInt8>) -> Bool {
        body.contains(UInt8(ascii: "-")) && body.contains { $0 == UInt8(ascii: "|") || $0 == UInt8(ascii: ":") }
            && body.allSatisfy { $0.isSpace || "|-:".utf8.contains($0) }
    }

    /// A row as `cell | cell`, markup stripped.
    static func row(_ body: ArraySlice<UInt8>) -> [UInt8] {
        var cells: [ArraySlice<UInt8>] = []
        var start = body.startIndex
        var index = start
        while index < body.endIndex {
            if body[index] == UInt8(ascii: "\\") { index += 1 } else if body[index] == UInt8(ascii: "|") {
                cells.append(body[start..<index])
                start = index + 1
            }
            index += 1
        }
        cells.append(body[min(start, body.endIndex)...])
        if body.first == UInt8(ascii: "|") { cells.removeFirst() }
        if cells.count > 1, cells.last?.trimmingSpace.isEmpty ?? false { cells.removeLast() }
        let stripped = cells.map { MarkdownInline.strip($0.trimmingSpace).map { $0 == .newline ? .space : $0 } }
        return Array(stripped.joined(separator: " | ".utf8))
    }
}
