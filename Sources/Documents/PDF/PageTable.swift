/// A table: cells of a page's lines that stand in columns under each other.
struct PageTable {
    /// From top to bottom; every row has one cell a column, some of them empty.
    var rows: [[String]]
    /// Indexes of the page's lines that are in it.
    var lines: Set<Int>

    /// One row a line, cells parted by ` | `.
    var text: String {
        rows.map { row in row.map { $0.contains("|") ? $0.replacing("|", with: "¦") : $0 }.joined(separator: " | ") }
            .joined(separator: "\n")
    }
}

/// Finds the tables of a page by what people see: rows whose words stand far apart, in the same columns as those of the
/// rows above. Claims only what is clear, since columns of prose look the same: short cells, most of them numbers, or
/// three columns of a few words each.
enum TableFinder {
    static func tables(on page: PageLayout) -> [PageTable] {
        regions(of: TableRow.rows(of: page)).compactMap(table)
    }

    // MARK: - Where tables are

    /// Rows that are not below are too far apart, in type sizes.
    private static let maxGap: Float = 3.5
    /// Rows with one cell only that may stand between others: headings of groups, labels that are too long for a line.
    private static let maxSingles = 2
    private static let minRows = 3
    private static let maxColumns = 40

    /// Stretches of rows that could be tables. Each begins and ends with a row of several cells.
    private static func regions(of rows: [TableRow]) -> [ArraySlice<TableRow>] {
        var regions: [ArraySlice<TableRow>] = []
        var open: (start: Int, end: Int)?
        func close() {
            if let region = open { regions.append(rows[region.start..<region.end]) }
            open = nil
        }
        for (index, row) in rows.enumerated() {
            if let region = open {
                let before = rows[index - 1].box
                let isFar = row.box.top - before.bottom > maxGap * max(before.height, row.box.height)
                if isFar || row.isProse || index - region.end >= maxSingles + (row.cells.count > 1 ? 1 : 0) { close() }
            }
            guard row.cells.count > 1, !row.isProse else { continue }
            open = (open?.start ?? index, index + 1)
        }
        close()
        return regions
    }

    // MARK: - What is in them

    private static func table(_ region: ArraySlice<TableRow>) -> PageTable? {
        let full = region.filter { $0.cells.count > 1 }
        guard full.count >= minRows else { return nil }
        let columns = columns(of: full)
        guard (2...maxColumns).contains(columns.count) else { return nil }
        let rows = region.map { $0.texts(in: columns) }
        guard isClear(full, columnCount: columns.count) else { return nil }
        return PageTable(rows: withOneHeader(rows), lines: Set(region.flatMap { $0.cells.flatMap(\.lines) }))
    }

    /// What the cells of the fuller rows cover from left to right; headings above several columns are in others.
    private static func columns(of rows: [TableRow]) -> [ClosedRange<Float>] {
        let most = rows.map(\.cells.count).max() ?? 0
        let cells = rows.filter { $0.cells.count * 5 >= most * 3 }.flatMap(\.cells).sorted { $0.box.left < $1.box.left }
        var columns: [ClosedRange<Float>] = []
        for cell in cells {
            if let last = columns.last, cell.box.left <= last.upperBound {
                columns[columns.count - 1] = last.lowerBound...max(last.upperBound, cell.box.right)
            } else {
                columns.append(cell.box.left...cell.box.right)
            }
        }
        return columns
    }

    private static func isClear(_ rows: [TableRow], columnCount: Int) -> Bool {
        let cells = rows.flatMap(\.cells)
        let places = rows.count * columnCount
        // Formulas and the numbers at the axes of charts stand in rows as well, but all over the place.
        guard columnCount == 2 || cells.count * 2 >= places else { return false }
        let values = rows.flatMap { $0.cells.dropFirst() }
        let numbers = values.count(where: \.isNumeric)
        // Labels are short; where they are not, all the rest must be numbers.
        if rows.count(where: { $0.cells[0].isLong }) * 2 > rows.count { return numbers * 5 >= values.count * 4 }
        if numbers * 2 >= values.count || rows.count(where: \.endsWithNumber) * 5 >= rows.count * 4 { return true }
        let words = cells.reduce(0) { $0 + $1.words }
        return columnCount > 2 && words <= cells.count * 4 && cells.count * 4 >= places * 3
    }

    /// The first rows as one, as long as nothing stands in their first column: headings that are broken into lines.
    private static func withOneHeader(_ rows: [[String]]) -> [[String]] {
        let count = min(rows.prefix { $0.first?.isEmpty ?? true }.count, 4)
        guard count > 1, count < rows.count, let first = rows.first else { return rows }
        let header = first.indices.map { column in
            rows[..<count].map { $0[column] }.filter { !$0.isEmpty }.joined(separator: " ")
        }
        return [header] + rows[count...]
    }
}
