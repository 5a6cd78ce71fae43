import Knowledge

/// Reads the cells of an Excel workbook, sheet after sheet.
final class SheetBody: XMLHandler {
    var text = SheetText()
    private let strings: SharedStrings
    private let formats: CellFormats
    private var row = 0
    private var column = 0
    private var type = ""
    private var style = 0
    private var value: [UInt8] = []
    private var formula: [UInt8] = []
    private var part: Part?

    private enum Part { case value, formula }

    static let maxRow = 1 << 20, maxColumn = 1 << 14

    init(strings: SharedStrings, formats: CellFormats) {
        self.strings = strings
        self.formats = formats
    }

    func beginSheet(_ name: String, isHidden: Bool) throws(DocumentFailure) {
        row = 0
        try text.beginSheet(name, isHidden: isHidden)
    }

    func start(_ name: String, _ attributes: XMLAttributes) throws(DocumentFailure) -> XMLReader.Content {
        switch name {
        case "s:row":
            // Rows and cells may leave their place out; they then follow the one before.
            row = attributes.number("r", in: row + 1...Self.maxRow + row) ?? row + 1
            guard row <= Self.maxRow else {
                throw .damagedArchive("One of its sheets has more rows than there can be.")
            }
            column = 0
            try text.beginRow(row)
        case "s:c":
            column = attributes["r"].flatMap(Self.column) ?? column + 1
            guard column <= Self.maxColumn else {
                throw .damagedArchive("One of its sheets has more columns than there can be.")
            }
            type = attributes["t"] ?? "n"
            style = attributes.number("s") ?? 0
            value.removeAll(keepingCapacity: true)
            formula.removeAll(keepingCapacity: true)
        case "s:v", "s:t": part = .value
        case "s:f": part = .formula
        case "s:rPh", "s:rPr", "s:cols", "s:conditionalFormatting", "s:dataValidations", "s:extLst", "s:headerFooter",
            "mc:Fallback":
            return .skip
        default: break
        }
        return .read
    }

    func end(_ name: String) throws(DocumentFailure) {
        switch name {
        case "s:v", "s:t", "s:f": part = nil
        case "s:c": try addCell()
        case "s:row": try text.endRow()
        default: break
        }
    }

    func text(_ text: UnsafeBufferPointer<UInt8>) {
        switch part {
        case .value: value.append(contentsOf: text.withoutNewlines)
        case .formula: formula.append(contentsOf: text.withoutNewlines)
        case nil: break
        }
    }

    private func addCell() throws(DocumentFailure) {
        if value.isEmpty, !formula.isEmpty {
            text.noteMissingValue()
            return try text.add(([UInt8(ascii: "=")] + formula)[...], column: column)
        }
        guard !value.isEmpty else { return }
        switch type {
        case "s":
            guard let string = Int(value[...].string.onOneLine).flatMap({ strings[$0] }) else { return }
            try text.add(string, column: column)
        case "b": try text.add(ArraySlice((value == [UInt8(ascii: "1")] ? "TRUE" : "FALSE").utf8), column: column)
        case "n": try text.add(ArraySlice(formats.text(value[...].string, style: style).utf8), column: column)
        default: try text.add(value[...], column: column)
        }
    }

    /// The number of a column by its letters: 28 for `AB12`.
    private static func column(_ reference: String) -> Int? {
        var column = 0
        for byte in reference.utf8 {
            guard byte.isLetter else { break }
            column = column * 26 + Int(byte.lowercased - 0x60)
            guard column <= maxColumn else { return nil }
        }
        return column == 0 ? nil : column
    }
}
