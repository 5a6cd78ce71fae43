import Knowledge

/// Reads tables of comma-, semicolon-, tab- or bar-separated values.
///
/// The canonical text has a row a line with ` | ` between cells. Lines before the table that have one cell stay paragraphs.
struct DelimitedReader: TextFormatReader {
    func read(_ text: [UInt8]) throws(DocumentFailure) -> ExtractedText {
        let (start, declared) = Self.separatorLine(text)
        var rows = DelimitedRows(text, delimiter: declared ?? DelimitedRows.delimiter(of: text), from: start)
        var table = Table()
        var builder = TextBuilder()
        while let row = rows.next(), !builder.isOverLimit { table.append(row, to: &builder) }
        table.finish(to: &builder)
        return try builder.finish(title: nil)
    }

    /// Excel's first line `sep=;`.
    private static func separatorLine(_ text: [UInt8]) -> (start: Int, delimiter: UInt8?) {
        guard text[...].starts(withLowercase: "sep="), text.count > 5, text[5] == .newline else { return (0, nil) }
        return (6, text[4])
    }

    /// Rows on their way: first those that could stand before the header.
    private struct Table {
        /// Rows until it is clear which is the header.
        private var waiting: [DelimitedRows.Row] = []
        private var writer: TableWriter?
        private var width = 0
        private var ragged = 0

        private static let sampleRows = 20

        mutating func append(_ row: DelimitedRows.Row, to builder: inout TextBuilder) {
            guard row.fields.contains(where: { !$0.isEmpty }) else { return }
            if writer != nil { return write(row, to: &builder) }
            waiting.append(row)
            if waiting.count >= Self.sampleRows { begin(to: &builder) }
        }

        mutating func finish(to builder: inout TextBuilder) {
            if writer == nil { begin(to: &builder) }
            writer?.flush(to: &builder)
            builder.quality.tables = 1
            guard ragged > 0 else { return }
            let rows = ragged == 1 ? "One row has" : "\(ragged) rows have"
            builder.warnings.append("\(rows) more cells than the table has columns.")
        }

        private mutating func begin(to builder: inout TextBuilder) {
            let widths = waiting.map(Self.filled)
            width = widths.max() ?? 0
            // A title stands alone in its row, above the first row that is half as wide as the table.
            let start = width > 1 ? widths.firstIndex { $0 * 2 >= width && $0 > 1 } ?? 0 : 0
            for row in waiting[..<start] { builder.append(.paragraph, TableWriter.line(row.fields.filter { !$0.isEmpty })) }
            let body = waiting[start...]
            waiting = []
            var header: [UInt8]?
            if let first = body.first {
                width = max(first.fields.count, 1)
                if Self.isHeader(first.fields, above: body.dropFirst()) { header = TableWriter.line(first.fields) }
            }
            writer = TableWriter(header: header) { $0.count == 1 ? "line \($0.lowerBound)" : "lines \($0.lowerBound)–\($0.upperBound)" }
            for row in header == nil ? body : body.dropFirst() { write(row, to: &builder) }
        }

        private mutating func write(_ row: DelimitedRows.Row, to builder: inout TextBuilder) {
            if Self.filled(row) > width { ragged += 1 }
            writer?.append(TableWriter.line(row.fields), number: row.line, to: &builder)
        }

        private static func filled(_ row: DelimitedRows.Row) -> Int { row.fields.count { !$0.isEmpty } }

        /// Names of columns are words: no numbers among them, none twice.
        private static func isHeader(_ fields: [[UInt8]], above rows: ArraySlice<DelimitedRows.Row>) -> Bool {
            let names = fields.filter { !$0.isEmpty }
            guard names.count > 1, names.count * 2 >= fields.count, Set(names).count == names.count else { return false }
            let areWords = names.allSatisfy { $0.count <= 100 && !isNumber($0) }
            guard areWords, let first = rows.first else { return areWords }
            return first.fields.count >= names.count || first.fields.contains(where: isNumber)
        }

        private static func isNumber(_ field: [UInt8]) -> Bool {
            field.contains(where: \.isDigit) && field.allSatisfy { $0.isDigit || ".,:-+/ %$".utf8.contains($0) }
        }
    }
}
