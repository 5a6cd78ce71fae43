/// The paragraphs, lists and tables of a Rich Text document as they come.
struct RTFPage {
    private(set) var builder = TextBuilder()
    private(set) var title: String?

    private struct Style {
        /// 1…6 for headings.
        var level: Int?
        var name: [UInt8] = []
    }

    private var paragraph: [UInt8] = []
    private var mark: [UInt8] = []
    private var note: [UInt8] = []
    private var notes: [[UInt8]] = []
    private var titleText: [UInt8] = []
    private var isInTable = false
    private var cells: [[UInt8]] = []
    private var rows: [[UInt8]] = []
    private var style: Int?
    private var outlineLevel: Int?
    private var listLevel = 0
    private var isList = false
    private var styles: [Int: Style] = [:]
    private var describedStyle = Style()
    private var describedNumber = 0

    private static let maxStyles = 10_000
    private static let maxTitleBytes = 4000

    /// Words that change what the text before them belongs to.
    static func isParagraphWord(_ word: String) -> Bool {
        ["par", "sect", "page", "cell", "row", "pard", "nestrow", "column", "s", "intbl", "trowd", "itap", "lastrow"].contains(word)
    }

    // MARK: - Text

    mutating func append(_ text: [UInt8], to target: RTFScanner.Target) {
        switch target {
        case .body: paragraph += text
        case .note: note += text
        case .listMark: if mark.count < 100 { mark += text }
        case .title: if titleText.count < Self.maxTitleBytes { titleText += text }
        case .styles: styleName(text)
        case .nothing, .fontTable: break
        }
    }

    /// A style's name ends with a semicolon.
    private mutating func styleName(_ text: [UInt8]) {
        describedStyle.name += text.prefix(100)
        guard text.contains(UInt8(ascii: ";")) else { return }
        let name = describedStyle.name[...].trimmingSpace
        if describedStyle.level == nil, name.starts(withLowercase: "heading "), let digit = name.dropFirst(8).first, digit.isDigit {
            describedStyle.level = min(6, max(1, Int(digit) - 0x30))
        }
        if name.starts(withLowercase: "title;") { describedStyle.level = 1 }
        if styles.count < Self.maxStyles { styles[describedNumber] = describedStyle }
        describedStyle = Style()
        describedNumber = 0
    }

    /// A group of another kind than the one around it has ended.
    mutating func end(_ target: RTFScanner.Target, within outer: RTFScanner.Target) {
        switch target {
        case .note:
            if !note[...].trimmingSpace.isEmpty { notes.append(note) }
            note = []
        case .title:
            let text = titleText[...].trimmingSpace
            if !text.isEmpty { title = title ?? text.string }
        default: break
        }
    }

    // MARK: - Paragraphs

    mutating func control(_ word: String, _ number: Int?, to target: RTFScanner.Target) {
        if target == .styles {
            if word == "s" || word == "cs" || word == "ds" { describedNumber = word == "s" ? number ?? 0 : -1 }
            if word == "outlinelevel", let number, (0...8).contains(number) { describedStyle.level = min(6, number + 1) }
            return
        }
        if target == .note {
            if word == "par" { note.append(.newline) }
            return
        }
        guard target == .body else { return }
        switch word {
        case "par", "sect", "page", "column": endParagraph()
        case "cell": endCell()
        case "row", "nestrow": if word == "row" { endRow() } else { paragraph.append(.space) }
        case "pard":
            (style, outlineLevel, isInTable, isList, listLevel) = (nil, nil, false, false, 0)
        case "s": style = number
        case "outlinelevel": outlineLevel = number
        case "intbl", "trowd": isInTable = true
        case "ls": isList = (number ?? 0) > 0
        case "ilvl": listLevel = min(max(0, number ?? 0), 8)
        default: break
        }
    }

    mutating func finish() {
        endParagraph()
        endTable()
    }

    private mutating func endParagraph() {
        if isInTable || !cells.isEmpty {
            // Paragraphs within a cell.
            if !paragraph.isEmpty { paragraph.append(.space) }
            if !cells.isEmpty || isInTable { return }
        }
        endTable()
        defer {
            paragraph = []
            mark = []
        }
        if !paragraph[...].trimmingSpace.isEmpty {
            let level = outlineLevel.flatMap { (0...8).contains($0) ? min(6, $0 + 1) : nil } ?? style.flatMap { styles[$0]?.level }
            if let level {
                builder.append(.heading(level: level), paragraph.map { $0 == .newline ? .space : $0 })
            } else if isList || !mark[...].trimmingSpace.isEmpty {
                builder.append(.listItem, shownMark + paragraph[...].trimmingSpace, depth: listLevel)
            } else {
                builder.append(.paragraph, paragraph)
            }
        }
        for note in notes { builder.append(.note, note) }
        notes = []
    }

    /// `- ` for bullets of all kinds, numbers as they are.
    private var shownMark: [UInt8] {
        let text = mark[...].trimmingSpace
        return text.contains(where: \.isAlphanumeric) && text.count <= 12 ? text + [.space] : Array("- ".utf8)
    }

    // MARK: - Tables

    private mutating func endCell() {
        let text = shownCellMark + paragraph[...].trimmingSpace.map { $0 == .newline || $0 == .tab ? .space : $0 }
        cells.append(Array(text[...].trimmingSpace))
        paragraph = []
        mark = []
    }

    private var shownCellMark: [UInt8] { mark[...].trimmingSpace.isEmpty ? [] : shownMark }

    private mutating func endRow() {
        if !paragraph[...].trimmingSpace.isEmpty { endCell() }
        let line = TableWriter.line(cells)
        if !line.isEmpty { rows.append(line) }
        cells = []
        isInTable = false
    }

    private mutating func endTable() {
        guard !rows.isEmpty else { return }
        let isTable = rows.contains { $0[...].firstRange(of: " | ", from: 0) != nil }
        if isTable {
            builder.append(.table, Array(rows.joined(separator: [.newline])))
            builder.quality.tables += 1
        } else {
            for row in rows { builder.append(.paragraph, row) }
        }
        rows = []
    }
}
