/// What stands side by side on a page, whatever column it belongs to.
struct TableRow {
    /// Words that stand closer than the type is high.
    struct Cell {
        var box: Box
        var text: String
        var words: Int
        /// Indexes of the page's lines that it is part of.
        var lines: [Int]

        /// Numbers, dashes and signs rather than words.
        var isNumeric: Bool {
            let digits = text.unicodeScalars.count { $0.properties.numericType != nil }
            let letters = text.unicodeScalars.count { $0.properties.isAlphabetic }
            // Without digits: what tables have in place of a number.
            return digits > 0 ? digits >= letters : text.unicodeScalars.allSatisfy(Self.placeholders.contains)
        }
        private static let placeholders = Set("–—-−☐☒☑✓✔✗×*$€%/. ".unicodeScalars)
        var isLong: Bool { words > 6 || text.utf8.count > 60 }
    }

    /// Not empty, from left to right.
    private(set) var cells: [Cell]
    private(set) var box: Box

    /// Whether it is rather lines of prose: one that is long, or one behind another. A title with its page is none.
    var isProse: Bool {
        if cells.count == 1 { return cells[0].words > 16 }
        return cells.dropFirst().contains(where: \.isLong) && !(cells.count > 2 && endsWithNumber)
    }

    var endsWithNumber: Bool { cells.last?.isNumeric ?? false }

    /// The rows of a page from top to bottom, without running heads and what runs down the page.
    static func rows(of page: PageLayout) -> [TableRow] {
        var cells: [Cell] = []
        for (index, line) in page.lines.enumerated() where !line.isFurniture && !line.isVertical {
            cells += Self.cells(of: line, index)
        }
        cells.sort { ($0.box.middle, $0.box.left) < ($1.box.middle, $1.box.left) }
        var rows: [[Cell]] = []
        for cell in cells {
            let isSame = rows.last?.first.map {
                cell.box.middle - $0.box.middle < min(cell.box.height, $0.box.height) / 2
            }
            if isSame ?? false { rows[rows.count - 1].append(cell) } else { rows.append([cell]) }
        }
        return rows.map(TableRow.init)
    }

    private static func cells(of line: LayoutLine, _ index: Int) -> [Cell] {
        var cells: [Cell] = []
        for word in line.words {
            let gap = cells.last.map { word.box.left - $0.box.right }
            if let gap, gap < max(line.box.height, 2) {
                cells[cells.count - 1].add(word.text, box: word.box)
            } else {
                cells.append(Cell(box: word.box, text: word.text, words: 1, lines: [index]))
            }
        }
        return cells
    }

    private static let currencies: Set<String> = ["$", "€", "£", "¥", "US$", "EUR", "USD", "CHF"]
    private static let signsBehind: Set<String> = ["%", ")", ")%", "€", "EUR"]

    /// A currency in front of its number is no column of its own, nor is a sign behind one.
    private init(_ cells: [Cell]) {
        var merged: [Cell] = []
        for cell in cells.sorted(by: { $0.box.left < $1.box.left }) {
            guard var last = merged.last else {
                merged.append(cell)
                continue
            }
            if Self.currencies.contains(last.text) {
                last.add(cell.text, box: cell.box, lines: cell.lines)
                // The currency may stand far off: the cell is where the number is.
                last.box = cell.box
                merged[merged.count - 1] = last
            } else if Self.signsBehind.contains(cell.text) && last.isNumeric {
                last.add(cell.text, box: last.box, lines: cell.lines)
                merged[merged.count - 1] = last
            } else {
                merged.append(cell)
            }
        }
        self.cells = merged
        box = merged.dropFirst().reduce(merged[0].box) { $0.union($1.box) }
    }

    /// The cells' texts by column; a cell is in the column that it shares most with, or else is next to.
    func texts(in columns: [ClosedRange<Float>]) -> [String] {
        var texts = [String](repeating: "", count: columns.count)
        for cell in cells {
            let shared = columns.map { min($0.upperBound, cell.box.right) - max($0.lowerBound, cell.box.left) }
            guard let column = shared.indices.max(by: { shared[$0] < shared[$1] }) else { continue }
            texts[column] += (texts[column].isEmpty ? "" : " ") + cell.text
        }
        return texts
    }
}

extension TableRow.Cell {
    fileprivate mutating func add(_ text: String, box: Box, lines: [Int] = []) {
        self.text += " " + text
        self.box = self.box.union(box)
        self.lines += lines
        words += 1
    }
}
