/// What `pdftohtml -xml` adds to the words of `pdftotext`: the size and weight of the type, and the document's outline.
struct TypeStyles {
    struct Run: Hashable {
        var box: Box
        var size: Float
        /// Characters set in bold, and all.
        var bold = 0
        var characters = 0
    }

    /// An entry of the outline that readers show beside the pages.
    struct OutlineItem: Hashable {
        var title: String
        var page: Int
        /// 1 is the highest level.
        var level: Int
    }

    /// By page number, from top to bottom.
    private(set) var runs: [Int: [Run]] = [:]
    private(set) var outline: [OutlineItem] = []
    private static let maxOutlineItems = 10_000
    /// The resolution asked of pdftohtml: pixels a point. Sizes come in whole pixels, so that more say more.
    static let scale: Float = 3

    /// - Parameter bytes: What the program printed.
    init(_ bytes: [UInt8]) {
        var sizes: [String: Float] = [:]
        var (page, level, index) = (0, 0, 0)
        while let tag = bytes.markup(from: &index) {
            if tag.starts(with: "text ".utf8) {
                let size = sizes[tag.attribute("font")?.string ?? ""] ?? 0
                if let run = Self.run(tag, size, bytes, &index) { runs[page, default: []].append(run) }
            } else if tag.starts(with: "fontspec ".utf8) {
                sizes[tag.attribute("id")?.string ?? ""] = tag.number("size") / Self.scale
            } else if tag.starts(with: "page ".utf8) {
                page = Int(tag.number("number"))
            } else if tag.starts(with: "outline".utf8) {
                level += 1
            } else if tag.starts(with: "/outline".utf8) {
                level -= 1
            } else if tag.starts(with: "item ".utf8), outline.count < Self.maxOutlineItems {
                let end = bytes[index...].firstIndex(of: UInt8(ascii: "<")) ?? bytes.count
                let title = GlyphText(bytes[index..<end]).string.onOneLine
                outline.append(OutlineItem(title: title, page: Int(tag.number("page")), level: max(level, 1)))
            }
        }
        for page in runs.keys { runs[page]?.sort { $0.box.top < $1.box.top } }
    }

    /// A stretch of text up to `</text>`, with `<b>` and other tags in it.
    private static func run(_ tag: ArraySlice<UInt8>, _ size: Float, _ bytes: [UInt8], _ index: inout Int) -> Run? {
        let (left, top) = (tag.number("left") / scale, tag.number("top") / scale)
        let (right, bottom) = (left + tag.number("width") / scale, top + tag.number("height") / scale)
        var run = Run(box: Box(left: left, top: top, right: right, bottom: bottom), size: size)
        var isBold = false
        while index < bytes.count {
            let end = bytes[index...].firstIndex(of: UInt8(ascii: "<")) ?? bytes.count
            let characters = bytes[index..<end].count { !$0.isSpace && !$0.isContinuation }
            run.characters += characters
            if isBold { run.bold += characters }
            guard let inner = bytes.markup(from: &index), !inner.starts(with: "/text".utf8) else { break }
            if inner.elementsEqual("b".utf8) { isBold = true }
            if inner.elementsEqual("/b".utf8) { isBold = false }
        }
        return run.characters > 0 ? run : nil
    }
}

extension TypeStyles {
    /// The most runs that one line is compared with; pages made to cost more have worse styles.
    private static let maxNeighbours = 64

    /// Tells the lines of a page how they are set.
    func apply(to page: inout PageLayout) {
        guard let runs = runs[page.number], !runs.isEmpty else { return }
        for index in page.lines.indices {
            let line = page.lines[index]
            var (bold, characters, size): (Int, Int, Float) = (0, 0, 0)
            for run in Self.neighbours(of: line.box, in: runs) where line.box.holds(run.box) {
                bold += run.bold
                characters += run.characters
                size += run.size * Float(run.characters)
            }
            guard characters > 0 else { continue }
            page.lines[index].isBold = bold * 10 >= characters * 9
            page.lines[index].size = size / Float(characters)
        }
    }

    private static func neighbours(of box: Box, in runs: [Run]) -> ArraySlice<Run> {
        var (low, high) = (0, runs.count)
        while low < high {
            let middle = (low + high) / 2
            if runs[middle].box.top < box.top - box.height { low = middle + 1 } else { high = middle }
        }
        return runs[low...].prefix(maxNeighbours).prefix { $0.box.top <= box.bottom }
    }
}

extension Box {
    /// Whether another box's middle is inside this one, give or take a point.
    fileprivate func holds(_ other: Box) -> Bool {
        let (across, down) = ((other.left + other.right) / 2, other.middle)
        return across >= left - 1 && across <= right + 1 && down >= top - 1 && down <= bottom + 1
    }
}
