/// What becomes one block: lines of a page that belong together, or a table.
struct PagePiece {
    enum Content {
        case lines([LayoutLine])
        case table(PageTable)
    }

    var content: Content
    var kind: ExtractedText.Block.Kind

    var lines: [LayoutLine] {
        guard case .lines(let lines) = content else { return [] }
        return lines
    }
    /// Of the type of its first line.
    var size: Float { lines.first?.size ?? 0 }
    var isBold: Bool { lines.allSatisfy(\.isBold) }

    /// The pieces of a page in reading order.
    static func pieces(of page: PageLayout) -> [PagePiece] {
        var pieces: [PagePiece] = []
        var tables = TableFinder.tables(on: page)
        var tableOfLine: [Int: Int] = [:]
        for (index, table) in tables.enumerated() { for line in table.lines { tableOfLine[line] = index } }
        var open: Paragraphs?
        for (index, line) in page.lines.enumerated() {
            if let table = tableOfLine[index] {
                open.map { pieces += $0.pieces }
                open = nil
                // The table stands where its first line stood; the others are passed over.
                if tables[table].rows.isEmpty { continue }
                pieces.append(PagePiece(content: .table(tables[table]), kind: .table))
                tables[table].rows = []
            } else if line.isFurniture {
                open.map { pieces += $0.pieces }
                open = nil
                pieces.append(PagePiece(content: .lines([line]), kind: .furniture))
            } else if open == nil || line.block != open?.block {
                open.map { pieces += $0.pieces }
                open = Paragraphs(line)
            } else {
                open?.add(line)
            }
        }
        open.map { pieces += $0.pieces }
        return joined(pieces)
    }

    /// Paragraphs that go on in the next column as one.
    private static func joined(_ pieces: [PagePiece]) -> [PagePiece] {
        var joined: [PagePiece] = []
        for piece in pieces {
            if let last = joined.last, last.goesOn(in: piece) {
                joined[joined.count - 1].content = .lines(last.lines + piece.lines)
            } else {
                joined.append(piece)
            }
        }
        return joined
    }

    private func goesOn(in next: PagePiece) -> Bool {
        guard kind == .paragraph || kind == .listItem, next.kind == .paragraph,
            let end = lines.last, let start = next.lines.first,
            abs(end.size - start.size) < 0.08 * end.size, end.isBold == start.isBold,
            end.outlineItem == nil, start.outlineItem == nil,
            let mark = end.words.last?.text.last, let first = start.words.first?.text.first
        else { return false }
        return first.isLowercase && (mark.isLetter || mark == "," || mark == "-" || mark == "\u{2010}")
    }
}
