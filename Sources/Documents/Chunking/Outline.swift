/// The sections of a document and what its chunks have to say about their place in it.
struct Outline {
    struct Section {
        /// Blocks of the section, its headings first.
        var blocks: Range<Int>
        /// Whether no chunk may reach across the section's beginning.
        var isApart: Bool
    }

    let text: ExtractedText
    let paths: [[String]]
    /// What stands in front of every heading path.
    let title: String?

    /// Whether the text is a source file, line by line; such a file is called by its name.
    let isSourceCode: Bool

    init(_ text: ExtractedText, filename: String) {
        self.text = text
        paths = text.headingPaths()
        isSourceCode = text.keepsSourceLines && text.blocks.allSatisfy { $0.kind == .code }
        title = (text.title ?? (isSourceCode ? filename : Self.title(from: filename)))?.shortTitle
    }

    /// Headings and what stands under them. A heading directly under a higher one opens no section of its own, so that no
    /// section is just the name of a chapter. Furniture belongs to no section, and none reaches across it.
    func sections() -> [Section] {
        var sections: [Section] = []
        for body in bodies {
            var start = body.lowerBound
            var openLevel: Int?
            for index in body {
                guard let level = text.blocks[index].headingLevel else {
                    openLevel = nil
                    continue
                }
                let isNested = openLevel.map { level > $0 } ?? false
                openLevel = level
                if isNested || index == start { continue }
                sections.append(section(start..<index, of: body))
                start = index
            }
            sections.append(section(start..<body.upperBound, of: body))
        }
        return sections
    }

    /// The longest runs of blocks without furniture between them that lie on one page, so that a chunk can be found on the
    /// page that it names.
    var bodies: [Range<Int>] {
        var bodies: [Range<Int>] = []
        var start = 0
        for (index, block) in text.blocks.enumerated() {
            let isFurniture = block.kind == .furniture
            guard isFurniture || start < index && block.page != text.blocks[start].page else { continue }
            if start < index { bodies.append(start..<index) }
            start = isFurniture ? index + 1 : index
        }
        if start < text.blocks.count { bodies.append(start..<text.blocks.count) }
        return bodies
    }

    private func section(_ blocks: Range<Int>, of body: Range<Int>) -> Section {
        let level = text.blocks[blocks.lowerBound].headingLevel
        let isFirst = blocks.lowerBound == body.lowerBound
        return Section(blocks: blocks, isApart: isFirst || level.map { $0 <= 2 } ?? true)
    }

    /// The headings that all of a chunk stands under.
    func path(of blocks: ClosedRange<Int>) -> [String] {
        var shared: [String]?
        for block in blocks where text.blocks[block].headingLevel == nil {
            shared = shared.map { Self.sharedPrefix($0, paths[block]) } ?? paths[block]
        }
        return shared ?? blocks.dropFirst().reduce(paths[blocks.lowerBound]) { $0.count > paths[$1].count ? $0 : paths[$1] }
    }

    /// Title and headings above a chunk, without those that it begins with itself.
    func context(of blocks: ClosedRange<Int>, fromStart isFromStart: Bool) -> [String] {
        var own: Set<String> = []
        if isFromStart {
            for block in blocks {
                guard text.blocks[block].headingLevel != nil, let heading = paths[block].last else { break }
                own.insert(heading)
            }
        }
        var parts = path(of: blocks).filter { !own.contains($0) }
        if let title, !(own + parts.prefix(1)).contains(where: { Self.isSame(title, $0) }) { parts.insert(title, at: 0) }
        return parts
    }

    /// Whether a page's title and its main heading say the same: `Duck - Wikipedia` and `Duck`.
    private static func isSame(_ title: String, _ heading: String) -> Bool {
        let (title, heading) = (title.lowercased(), heading.lowercased())
        return !heading.isEmpty && (title.hasPrefix(heading) || heading.hasPrefix(title))
    }

    private static func sharedPrefix(_ one: [String], _ other: [String]) -> [String] {
        zip(one, other).prefix { $0 == $1 }.map(\.0)
    }

    /// A file's name as a title, if it looks as if a person chose it: it has words, and they are most of it.
    private static func title(from filename: String) -> String? {
        let stem = filename.lastIndex(of: ".").map { filename[..<$0] } ?? filename[...]
        let words = stem.split { $0 == "_" || $0 == "-" || $0.isWhitespace }
        let letters = words.filter { $0.count > 2 && $0.allSatisfy(\.isLetter) }.reduce(0) { $0 + $1.count }
        return letters * 2 >= stem.count && letters > 2 ? words.joined(separator: " ") : nil
    }
}
