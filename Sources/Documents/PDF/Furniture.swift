/// Finds running heads, running feet and page numbers: what stands outermost on page after page.
///
/// Page by page the outermost line of the top and of the bottom is compared with those of the other pages, digits taken for
/// equal; what repeats is marked, and the next line becomes the outermost one.
struct Furniture {
    private struct Place: Hashable {
        /// In lower case, every number as `#`.
        var text: String
        var isTop: Bool
    }

    private static let maxRounds = 4
    /// Shares of the pages from the first to the last with the line, and of all pages. A left-hand page may have another head
    /// than a right-hand one, and a chapter another than the next.
    private static let (minDensity, minPages) = (0.45, 4)

    static func mark(in pages: inout [PageLayout]) {
        guard pages.count > 1 else { return }
        for round in 0..<maxRounds {
            let found = outermost(of: pages)
            var places: [Place: [Int]] = [:]
            for (page, edges) in found.enumerated() {
                for (place, _) in edges { places[place, default: []].append(page) }
            }
            var isNew = false
            for (page, edges) in found.enumerated() {
                for (place, lines) in edges where repeats(place, places[place] ?? [], of: pages.count, round) {
                    isNew = isNew || !lines.isEmpty
                    for line in lines { pages[page].lines[line].isFurniture = true }
                }
            }
            guard isNew else { break }
        }
        restoreIfNothingIsLeft(&pages)
    }

    /// A document whose every line repeats is no furniture store.
    private static func restoreIfNothingIsLeft(_ pages: inout [PageLayout]) {
        guard pages.allSatisfy({ $0.lines.allSatisfy(\.isFurniture) }) else { return }
        for page in pages.indices {
            for line in pages[page].lines.indices { pages[page].lines[line].isFurniture = false }
        }
    }

    private static func repeats(_ place: Place, _ seen: [Int], of pageCount: Int, _ round: Int) -> Bool {
        guard let first = seen.first, let last = seen.last else { return false }
        // Two pages are enough for a number that stands alone.
        if place.text.isPageNumber { return seen.count * 2 > pageCount || seen.count >= minPages }
        let density = Double(seen.count) / Double(last - first + 1)
        if pageCount >= minPages && seen.count * 10 >= pageCount * 6 { return true }
        return round < 2 && seen.count >= minPages && density >= minDensity
    }

    /// For every page the outermost row at either end that is not marked yet, with the indexes of its lines.
    private static func outermost(of pages: [PageLayout]) -> [[(Place, [Int])]] {
        pages.map { page in
            let lines = page.lines.indices.filter { !page.lines[$0].isFurniture && !page.lines[$0].isVertical }
            guard let top = lines.min(by: { page.lines[$0].box.top < page.lines[$1].box.top }),
                let bottom = lines.max(by: { page.lines[$0].box.bottom < page.lines[$1].box.bottom })
            else { return [] }
            return [(top, true), (bottom, false)].compactMap { outer, isTop in
                place(of: outer, isTop, lines, on: page)
            }
        }
    }

    private static func place(of outer: Int, _ isTop: Bool, _ lines: [Int], on page: PageLayout) -> (Place, [Int])? {
        let box = page.lines[outer].box
        let row = lines.filter { abs(page.lines[$0].box.middle - box.middle) < max(box.height, 1) / 2 }
            .sorted { page.lines[$0].box.left < page.lines[$1].box.left }
        let text = row.map { page.lines[$0].text }.joined(separator: " ").withoutNumbers
        guard text.utf8.count <= 300 else { return nil }
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

    /// Whether nothing but a page number is left: `#`, `- # -`, `page # of #`, `seite #`, `iv`.
    fileprivate var isPageNumber: Bool {
        let words = split { !$0.isLetter && $0 != "#" }
        guard (1...4).contains(words.count) else { return false }
        let names: Set<Substring> = ["page", "seite", "pagina", "página", "p", "s", "of", "von", "de", "sur"]
        return words.allSatisfy { $0 == "#" || names.contains($0) || $0.allSatisfy { "ivxlc".contains($0) } }
            && words.contains { !names.contains($0) }
    }
}
