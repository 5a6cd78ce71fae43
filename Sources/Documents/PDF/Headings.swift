/// Tells headings from text: by the document's own outline, and below that by how the type is set.
struct Headings {
    /// Type that looks the same.
    private struct Style: Hashable {
        /// In half points.
        var size: Int
        var isBold: Bool

        init(_ piece: PagePiece) { (size, isBold) = (Int((piece.size * 2).rounded()), piece.isBold) }
    }

    /// Of most of the text, in points.
    private var bodySize: Float = 0
    private var isBodyBold = false
    private var levels: [Style: Int] = [:]

    /// Learns from a document which styles its headings have.
    init(_ pages: [[PagePiece]]) {
        let texts = pages.joined().filter { $0.kind == .paragraph || $0.kind == .listItem }
        var characters: [Style: Int] = [:]
        for piece in texts { characters[Style(piece), default: 0] += piece.length }
        guard let body = characters.max(by: { ($0.value, $1.key.size) < ($1.value, $0.key.size) })?.key else { return }
        (bodySize, isBodyBold) = (Float(body.size) / 2, body.isBold)
        var inHeadings: [Style: Int] = [:]
        var (outlineLevel, largest) = (0, 0)
        for piece in texts {
            if let item = piece.lines.first?.outlineItem {
                outlineLevel = max(outlineLevel, item.level)
                largest = max(largest, Style(piece).size)
            } else if looksLikeHeading(piece) {
                inHeadings[Style(piece), default: 0] += piece.length
            }
        }
        // A style that sets whole paragraphs as well says nothing.
        let styles = inHeadings.filter { $0.value * 2 >= characters[$0.key] ?? 0 }.keys
            .sorted { ($0.size, $0.isBold ? 1 : 0) > ($1.size, $1.isBold ? 1 : 0) }
        for (rank, style) in styles.enumerated() {
            let isAboveOutline = style.size > largest
            levels[style] = min(outlineLevel == 0 ? rank + 1 : isAboveOutline ? 1 : outlineLevel + 1, 6)
        }
    }

    /// The level of the heading that a piece is, if it is one.
    func level(of piece: PagePiece) -> Int? {
        guard piece.kind == .paragraph || piece.kind == .listItem else { return nil }
        if let item = piece.lines.first?.outlineItem { return min(item.level, 6) }
        return looksLikeHeading(piece) ? levels[Style(piece)] : nil
    }

    private func looksLikeHeading(_ piece: PagePiece) -> Bool {
        guard piece.lines.count <= 3, (2...150).contains(piece.length), !piece.lines[0].isVertical else { return false }
        let isLarge = piece.size >= 1.15 * bodySize
        guard isLarge || (piece.isBold && !isBodyBold && piece.size >= 0.95 * bodySize) else { return false }
        let text = piece.lines.map(\.text).joined(separator: " ")
        guard let first = text.first, !first.isLowercase, let last = text.last, !".,;:".contains(last) else {
            return false
        }
        let letters = text.unicodeScalars.count { $0.properties.isAlphabetic }
        return letters * 5 >= text.unicodeScalars.count * 2
    }
}

extension PagePiece {
    /// Bytes of its words.
    fileprivate var length: Int {
        lines.reduce(0) { $0 + $1.words.reduce(0) { $0 + $1.text.utf8.count } }
    }
}

extension [TypeStyles.OutlineItem] {
    /// Marks the lines on each item's page that are its heading: up to three lines with the item's letters and digits, with
    /// or without the number in front.
    func mark(in pages: inout [PageLayout]) {
        let items = Dictionary(grouping: self, by: \.page)
        for index in pages.indices {
            guard let wanted = items[pages[index].number] else { continue }
            let stretches = Self.stretches(of: pages[index])
            for item in wanted {
                let name = item.title.lettersAndDigits
                let unnumbered = String(name.drop(while: \.isNumber))
                guard !name.isEmpty, let lines = stretches[name] ?? stretches[unnumbered] else { continue }
                for line in lines where pages[index].lines[line].outlineItem == nil {
                    pages[index].lines[line].outlineItem = item
                }
            }
        }
    }

    /// Where on a page something stands that could be a heading, by its letters and digits.
    private static func stretches(of page: PageLayout) -> [String: ClosedRange<Int>] {
        let names = page.lines.map { $0.isFurniture ? "" : $0.text.lettersAndDigits }
        var stretches: [String: ClosedRange<Int>] = [:]
        for count in 1...3 {
            for start in names.indices.dropLast(count - 1) where !names[start].isEmpty {
                let name = names[start..<start + count].joined()
                guard name.utf8.count < 1000 else { continue }
                for key in [name, String(name.drop(while: \.isNumber))] where !key.isEmpty && stretches[key] == nil {
                    stretches[key] = start...(start + count - 1)
                }
            }
        }
        return stretches
    }
}

extension String {
    fileprivate var lettersAndDigits: String { lowercased().filter { $0.isLetter || $0.isNumber } }
}
