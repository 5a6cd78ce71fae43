import Knowledge

/// Counts the items of lists and the headings of a Word document, as `word/numbering.xml` says.
final class WordNumbering: XMLHandler {
    /// Where a paragraph stands in a list.
    struct Place: Hashable {
        /// `numId`; `0` takes a paragraph out of the list that its style puts it in.
        var id: String?
        var level: Int?
    }

    private struct Level {
        var start = 1
        var format = "decimal"
        /// `%1.%2` stands for the counters of the first two levels.
        var text = ""
    }

    private struct List {
        var abstract: String
        var starts: [Int: Int] = [:]
    }

    private static let levels = 9
    private var abstracts: [String: [Int: Level]] = [:]
    private var lists: [String: List] = [:]
    private var abstract: String?
    private var list: String?
    private var level: Int?
    /// By abstract list; nil where no item of the level was seen since the last item above.
    private var counters: [String: [Int?]] = [:]
    private var startedLists: Set<String> = []

    func start(_ name: String, _ attributes: XMLAttributes) -> XMLReader.Content {
        switch name {
        case "w:abstractNum":
            abstract = attributes["w:abstractNumId"]
            if let abstract { abstracts[abstract] = [:] }
        case "w:num": list = attributes["w:numId"]
        case "w:abstractNumId":
            if let list, let abstract = attributes["w:val"] { lists[list] = List(abstract: abstract) }
        case "w:lvl":
            level = attributes.number("w:ilvl", in: 0...Self.levels - 1)
            set { $0 = Level() }
        case "w:lvlOverride": level = attributes.number("w:ilvl", in: 0...Self.levels - 1)
        case "w:startOverride":
            if let list, let level { lists[list]?.starts[level] = attributes.number("w:val") }
        case "w:start": attributes.number("w:val").map { start in set { $0.start = start } }
        case "w:numFmt": attributes["w:val"].map { format in set { $0.format = format } }
        case "w:lvlText": attributes["w:val"].map { text in set { $0.text = String(text.prefix(60)) } }
        case "w:pPr", "w:rPr": return .skip
        default: break
        }
        return .read
    }

    func end(_ name: String) {
        switch name {
        case "w:abstractNum": abstract = nil
        case "w:num": list = nil
        case "w:lvl", "w:lvlOverride": level = nil
        default: break
        }
    }

    func text(_ text: UnsafeBufferPointer<UInt8>) {}

    private func set(_ change: (inout Level) -> Void) {
        guard let abstract, let level else { return }
        change(&abstracts[abstract, default: [:]][level, default: Level()])
    }

    // MARK: - Counting

    /// Counts one item.
    ///
    /// - Returns: What stands before it: `2.1`, `b)`, `-` for every kind of bullet; nil if nothing is to be seen.
    func mark(of place: Place) -> String? {
        guard let id = place.id, id != "0" else { return nil }
        let depth = place.level ?? 0
        guard let list = lists[id], let levels = abstracts[list.abstract], let level = levels[depth] else { return "-" }
        var counts = counters[list.abstract] ?? Array(repeating: nil, count: Self.levels)
        if startedLists.insert(id).inserted {
            for (level, start) in list.starts { counts[level] = start - 1 }
        }
        counts[depth] = (counts[depth] ?? level.start - 1) + 1
        for deeper in depth + 1..<Self.levels { counts[deeper] = nil }
        counters[list.abstract] = counts
        switch level.format {
        case "bullet": return "-"
        case "none": return nil
        default: return Self.text(level.text, counts: counts, levels: levels)
        }
    }

    private static func text(_ pattern: String, counts: [Int?], levels: [Int: Level]) -> String? {
        var text = ""
        var characters = pattern[...]
        while let character = characters.popFirst() {
            guard character == "%", let digit = characters.first?.wholeNumberValue, (1...Self.levels).contains(digit)
            else {
                text.append(character)
                continue
            }
            characters.removeFirst()
            let level = levels[digit - 1] ?? Level()
            text += ListNumber.text(counts[digit - 1] ?? level.start, format: level.format)
        }
        return text.isEmpty ? nil : text
    }
}

/// Numbers of list items as people write them.
enum ListNumber {
    /// - Parameter format: As Word names it; unknown ones count in decimal digits.
    static func text(_ number: Int, format: String) -> String {
        switch format {
        case "lowerLetter": letters(number, from: UInt8(ascii: "a")) ?? String(number)
        case "upperLetter": letters(number, from: UInt8(ascii: "A")) ?? String(number)
        case "lowerRoman": roman(number)?.lowercased() ?? String(number)
        case "upperRoman": roman(number) ?? String(number)
        case "decimalZero": number < 10 ? "0\(number)" : String(number)
        default: String(number)
        }
    }

    /// a…z, then aa, bb…
    private static func letters(_ number: Int, from first: UInt8) -> String? {
        guard number >= 1, number <= 26 * 4 else { return nil }
        let letter = Character(UnicodeScalar(first + UInt8((number - 1) % 26)))
        return String(repeating: letter, count: (number - 1) / 26 + 1)
    }

    private static func roman(_ number: Int) -> String? {
        guard number >= 1, number < 4000 else { return nil }
        let steps = [
            (1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"), (40, "XL"), (10, "X"),
            (9, "IX"), (5, "V"), (4, "IV"), (1, "I"),
        ]
        var rest = number
        var text = ""
        for (value, letters) in steps {
            while rest >= value {
                text += letters
                rest -= value
            }
        }
        return text
    }
}
