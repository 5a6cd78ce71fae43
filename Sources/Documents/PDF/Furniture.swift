/// Finds running heads, running feet and page numbers: what stands outermost on page after page.
///
/// Page by page the outermost line of the top and of the bottom is compared with those of the others, numbers taken
/// for equal; what repeats is marked, and the next line becomes the outermost one.
struct Furniture {
    private struct Place: Hashable {
        /// In lower case, every number as `#`.
        var text: String
        var isTop: Bool
    }

    /// A place and the indexes of the lines there.
    private typealias Edge = (place: Place, lines: [Int])

    private static let maxRounds = 4
    private static let minPages = 4

    static func mark(in pages: inout [PageLayout]) {
        guard pages.count > 1 else { return }
        for _ in 0..<maxRounds {
            let edges = pages.map { page in [true, false].compactMap { edge(of: page, isTop: $0) } }
            var seen: [Place: [Int]] = [:]
            for (page, edges) in edges.enumerated() {
                for edge in edges { seen[edge.place, default: []].append(page) }
            }
            let repeated = seen.filter { repeats($0.key, $0.value, of: pages.count) }
            guard !repeated.isEmpty else { break }
            for (page, edges) in edges.enumerated() {
                for edge in edges where repeated[edge.place] != nil {
                    for line in edge.lines { pages[page].lines[line].isFurniture = true }
                }
            }
        }
        restoreIfNothingIsLeft(&pages)
    }

    /// A document whose every line repeats still has a text.
    private static func restoreIfNothingIsLeft(_ pages: inout [PageLayout]) {
        guard pages.allSatisfy({ $0.lines.allSatisfy(\.isFurniture) }) else { return }
        for page in pages.indices {
            for line in pages[page].lines.indices { pages[page].lines[line].isFurniture = false }
        }
    }

    /// - Parameter seen: Indexes of the pages with the line, in order.
    private static func repeats(_ place: Place, _ seen: [Int], of pageCount: Int) -> Bool {
        guard let first = seen.first, let last = seen.last else { return false }
        // Two pages are enough for a number that stands alone.
        if place.text.isPageNumber && seen.count * 2 > pageCount { return true }
        guard pageCount >= minPages else { return false }
        // Left pages may have other heads than right ones, and a chapter others than the next.
        let isOneSided = seen.allSatisfy { $0 % 2 == first % 2 }
        let span = isOneSided ? (last - first) / 2 + 1 : last - first + 1
        return seen.count * 10 >= pageCount * 6
            || (seen.count >= (isOneSided ? minPages - 1 : minPages) && seen.count * 10 >= span * 6)
    }

    /// The outermost row of a page that is not marked yet.
    private static func edge(of page: PageLayout, isTop: Bool) -> Edge? {
        let lines = page.lines.indices.filter { !page.lines[$0].isFurniture && !page.lines[$0].isVertical }
        let boxes = page.lines.lazy.map(\.box)
        let outer =
            isTop
            ? lines.min { boxes[$0].top < boxes[$1].top } : lines.max { boxes[$0].bottom < boxes[$1].bottom }
        guard let box = outer.map({ boxes[$0] }) else { return nil }
        let isInRow = { (line: Int) in abs(boxes[line].middle - box.middle) < max(box.height, 1) / 2 }
        let row = lines.filter(isInRow).sorted { boxes[$0].left < boxes[$1].left }
        let text = row.map { page.lines[$0].text }.joined(separator: " ").withoutNumbers
        guard text.utf8.count <= 300 else { return nil }
        let gap = lines.lazy.filter { !isInRow($0) }
            .map { isTop ? boxes[$0].top - box.bottom : box.top - boxes[$0].bottom }.min() ?? .infinity
        // Rows of numbers are alike as well, but a page number stands apart from the text.
        guard !text.contains("#") || (gap > 0.7 * box.height && text.isNoRowOfNumbers) else { return nil }
        return (Place(text: text, isTop: isTop), row)
    }
}

extension String {
    /// In lower case, every number as one `#`.
    fileprivate var withoutNumbers: String {
        var text = ""
        for character in lowercased() where !(character.isNumber && text.hasSuffix("#")) {
            text.append(character.isNumber ? "#" : character)
        }
        return text
    }

    fileprivate var isNoRowOfNumbers: Bool { isPageNumber || contains(where: \.isLetter) }

    /// Whether nothing but a page number is left: `#`, `- # -`, `page # of #`, `# / #`, `iv`.
    fileprivate var isPageNumber: Bool {
        let words = split { !$0.isLetter && $0 != "#" }
        guard (1...4).contains(words.count) else { return false }
        let names: Set<Substring> = ["page", "seite", "pagina", "página", "p", "s", "of", "von", "de", "sur"]
        let numbers = words.filter { !names.contains($0) }
        let isPair = numbers.count == 2 && (words.count > 2 || contains("/"))
        return (numbers.count == 1 || isPair)
            && numbers.allSatisfy { $0 == "#" || $0.allSatisfy { "ivxlc".contains($0) } }
    }
}
