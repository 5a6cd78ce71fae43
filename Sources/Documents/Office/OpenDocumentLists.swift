/// The lists that are open at a place of an OpenDocument file, and their numbers.
struct OpenDocumentLists {
    private struct Level {
        var style: String?
        var count: Int
        /// Whether the open item has no paragraph yet.
        var isFresh = false
    }

    private let styles: OpenDocumentStyles
    private var open: [Level] = []
    /// How far the lists of a style have come, for lists that go on behind other text.
    private var counts: [String: Int] = [:]

    init(_ styles: OpenDocumentStyles) { self.styles = styles }

    /// How deep the open item is nested, from 0.
    var depth: Int { max(0, open.count - 1) }

    mutating func begin(_ attributes: XMLAttributes) {
        let style = attributes["text:style-name"] ?? open.last?.style
        let isContinued = attributes.isTrue("text:continue-numbering") || attributes["text:continue-list"] != nil
        let before = isContinued && open.isEmpty ? style.flatMap { counts[$0] } : nil
        open.append(Level(style: style, count: before ?? styles.level(open.count + 1, ofList: style).start - 1))
    }

    mutating func end() {
        guard let level = open.popLast() else { return }
        if open.isEmpty, let style = level.style { counts[style] = level.count }
    }

    mutating func beginItem(start: Int?) {
        guard let last = open.indices.last else { return }
        open[last].count = start ?? open[last].count + 1
        open[last].isFresh = true
    }

    /// What stands before the open item, for its first paragraph only.
    mutating func takeMark() -> String? {
        guard let last = open.indices.last, open[last].isFresh else { return nil }
        open[last].isFresh = false
        let level = styles.level(open.count, ofList: open[last].style)
        let names = ["a": "lowerLetter", "A": "upperLetter", "i": "lowerRoman", "I": "upperRoman", "1": "decimal"]
        guard let format = names[level.format] else { return "-" }
        return level.prefix + ListNumber.text(open[last].count, format: format) + level.suffix
    }
}
