/// Cuts one block of lines into paragraphs, list items and lines that are set apart.
struct Paragraphs {
    private var lines: [LayoutLine]
    var block: Int { lines[0].block }

    init(_ line: LayoutLine) { lines = [line] }

    mutating func add(_ line: LayoutLine) { lines.append(line) }

    var pieces: [PagePiece] {
        let box = lines.dropFirst().reduce(lines[0].box) { $0.union($1.box) }
        let steps = zip(lines, lines.dropFirst()).map { $1.box.top - $0.box.top }.filter { $0 > 0 }.sorted()
        let usualStep = steps.isEmpty ? 0 : steps[steps.count / 4]
        var pieces: [PagePiece] = []
        var open: [LayoutLine] = []
        for line in lines {
            if let above = open.last, line.isApart(from: above, item: open[0], in: box, usualStep: usualStep) {
                pieces.append(Self.piece(open))
                open = []
            }
            open.append(line)
        }
        pieces.append(Self.piece(open))
        return pieces
    }

    private static func piece(_ lines: [LayoutLine]) -> PagePiece {
        PagePiece(content: .lines(lines), kind: lines[0].beginsItem ? .listItem : .paragraph)
    }
}

extension LayoutLine {
    /// Whether the line begins something of its own behind the line above.
    ///
    /// - Parameters:
    ///   - item: The first line of what the line above belongs to.
    ///   - block: The box of all lines around.
    ///   - usualStep: From the top of a line to the top of the next.
    fileprivate func isApart(from above: LayoutLine, item: LayoutLine, in block: Box, usualStep: Float) -> Bool {
        if outlineItem != above.outlineItem || isBold != above.isBold || beginsItem { return true }
        if abs(size - above.size) > 0.12 * max(size, above.size) { return true }
        if isVertical { return false }
        if usualStep > 0 && box.top - above.box.top > 1.4 * usualStep { return true }
        // In a list item the lines below the first are indented.
        if item.beginsItem { return box.left < item.box.left + 0.3 * size && above.endsSentence }
        let isIndented = box.left > block.left + 0.8 * size && above.box.left < block.left + 0.4 * size
        if isIndented && (above.endsSentence || above.isShort(in: block)) { return true }
        return above.endsSentence && above.isShort(in: block)
    }

    private func isShort(in block: Box) -> Bool { box.right < block.right - 0.2 * block.width }

    private var endsSentence: Bool {
        guard let mark = words.last?.text.last(where: { !"\"'”’»)]".contains($0) }) else { return false }
        return ".:!?…。！？".contains(mark)
    }

    /// Whether the first word is the mark of a list: a bullet, or a number or letter with a stop.
    var beginsItem: Bool {
        guard words.count > 1, let mark = words.first?.text, mark.count <= 5 else { return false }
        if mark.count == 1 { return "•◦▪■□●○▸►‣⁃∙·–—-*✓✔➢❖".contains(mark) }
        guard let stop = mark.last, ".)".contains(stop) else { return false }
        let body = mark.dropLast().drop { $0 == "(" }
        guard (1...3).contains(body.count) else { return false }
        // "A." may be the beginning of a name.
        let isLetter = body.count == 1 && body.allSatisfy(\.isLetter) && (stop == ")" || body.allSatisfy(\.isLowercase))
        return body.allSatisfy(\.isNumber) || isLetter || body.allSatisfy { "ivx".contains($0) }
    }
}
