import Knowledge

/// Reads Excel workbooks (ECMA-376, SpreadsheetML): a heading of level 2 for each sheet, a table for each stretch of
/// rows without a blank one, values as the cells show them.
struct WorkbookReader: ArchiveReader {
    func read(_ archive: consuming ZipArchive) throws(DocumentFailure) -> ExtractedText {
        var parts = PackageParts(archive)
        let main = try parts.mainPart()
        let links = try parts.relationships(of: main)
        let contents = WorkbookContents()
        try parts.read(main, by: contents)
        let strings = SharedStrings()
        let formats = CellFormats()
        for link in links {
            if link.kind == "sharedStrings" { try parts.read(link.target, by: strings) }
            if link.kind == "styles" { try parts.read(link.target, by: formats) }
        }
        formats.isBasedOn1904 = contents.isBasedOn1904
        let targets = Dictionary(links.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        let body = SheetBody(strings: strings, formats: formats)
        for sheet in contents.sheets {
            guard let link = targets[sheet.relationship], link.kind == "worksheet" else { continue }
            try body.beginSheet(sheet.name, isHidden: sheet.isHidden)
            try parts.read(link.target, by: body)
            for beside in try parts.relationships(of: link.target) where ["comments", "drawing"].contains(beside.kind) {
                let notes = SheetNotes()
                try parts.read(beside.target, by: notes)
                for note in notes.texts { body.text.addNote(note) }
            }
            try body.text.endSheet()
        }
        return try body.text.finish(title: parts.title())
    }
}

/// The sheets of a workbook in order.
private final class WorkbookContents: XMLHandler {
    struct Sheet {
        var name: String
        var relationship: String
        var isHidden: Bool
    }

    private(set) var sheets: [Sheet] = []
    /// Whether days count from 1904, as they once did on the Macintosh.
    private(set) var isBasedOn1904 = false

    func start(_ name: String, _ attributes: XMLAttributes) -> XMLReader.Content {
        if name == "s:sheet", let relationship = attributes["r:id"] {
            let isHidden = ["hidden", "veryHidden"].contains(attributes["state"])
            sheets.append(Sheet(name: attributes["name"] ?? "", relationship: relationship, isHidden: isHidden))
        }
        if name == "s:workbookPr" { isBasedOn1904 = attributes.isTrue("date1904") }
        return .read
    }

    func end(_ name: String) {}
    func text(_ text: UnsafeBufferPointer<UInt8>) {}
}

/// The strings that cells refer to by number.
final class SharedStrings: XMLHandler {
    private var bytes: [UInt8] = []
    private var ends: [Int] = []
    private var isInText = false

    subscript(_ index: Int) -> ArraySlice<UInt8>? {
        guard ends.indices.contains(index) else { return nil }
        return bytes[(index == 0 ? 0 : ends[index - 1])..<ends[index]]
    }

    func start(_ name: String, _ attributes: XMLAttributes) -> XMLReader.Content {
        switch name {
        case "s:t": isInText = true
        // How East Asian text is pronounced.
        case "s:rPh", "s:rPr": return .skip
        default: break
        }
        return .read
    }

    func end(_ name: String) {
        if name == "s:t" { isInText = false }
        if name == "s:si" { ends.append(bytes.count) }
    }

    func text(_ text: UnsafeBufferPointer<UInt8>) {
        if isInText { bytes.append(contentsOf: text.withoutNewlines) }
    }
}

/// Comments on cells and text boxes on a sheet.
private final class SheetNotes: XMLHandler {
    private(set) var texts: [[UInt8]] = []
    private var isInText = false

    func start(_ name: String, _ attributes: XMLAttributes) -> XMLReader.Content {
        switch name {
        case "s:comment", "xdr:txBody": texts.append([])
        case "s:t", "a:t": isInText = !texts.isEmpty
        case "s:rPr", "mc:Fallback": return .skip
        default: break
        }
        return .read
    }

    func end(_ name: String) {
        if name == "s:t" || name == "a:t" { isInText = false }
        if name == "a:p", !texts.isEmpty { texts[texts.count - 1].append(.space) }
    }

    func text(_ text: UnsafeBufferPointer<UInt8>) {
        if isInText { texts[texts.count - 1].append(contentsOf: text) }
    }
}
