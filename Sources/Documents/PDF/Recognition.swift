import Knowledge

/// Reads text in pictures with tesseract.
struct Recognition {
    struct Page {
        var layout: PageLayout
        /// Summed over its words, 0…100 each.
        var confidence: Double
    }

    private let tesseract: Tool
    private let languages: Set<String>
    /// What tesseract prints for one picture is far less.
    private static let maxOutputBytes = 64 << 20

    /// - Returns: nil if tesseract or its languages are not installed.
    init?(_ tools: Tools) {
        guard let tesseract = tools.tesseract else { return nil }
        let deadline = ContinuousClock.now + .seconds(10)
        // Without its list of languages tesseract cannot read either.
        let list = try? tesseract.run(["--list-langs"], input: [], maxOutputBytes: 1 << 16, until: deadline)
        guard let answer = list else { return nil }
        let lines = String(decoding: answer.output, as: UTF8.self).split(separator: "\n")
        languages = Set(lines.map(String.init))
        self.tesseract = tesseract
        guard !wanted.isEmpty else { return nil }
    }

    /// German and English where they are installed, else whatever is.
    private var wanted: [String] {
        let usual = ["deu", "eng"].filter(languages.contains)
        let others = languages.filter { $0 != "osd" && !$0.contains(" ") }.sorted()
        return usual.isEmpty ? Array(others.prefix(1)) : usual
    }

    /// Recognises the text in a picture.
    ///
    /// - Parameters:
    ///   - picture: A file in a format that leptonica reads. TIFF files may have several pages.
    ///   - scale: Pixels a point.
    /// - Throws: `.unreadable` if it is no such file; `.timedOut`.
    func pages(
        in picture: [UInt8], scale: Float, until deadline: ContinuousClock.Instant
    ) throws(DocumentFailure) -> [Page] {
        // With the data for it tesseract also finds out which way is up.
        let mode = languages.contains("osd") ? "1" : "3"
        let answer = try tesseract.run(
            ["stdin", "stdout", "-l", wanted.joined(separator: "+"), "--psm", mode, "tsv"], input: picture,
            maxOutputBytes: Self.maxOutputBytes, until: deadline
        )
        guard answer.status == 0 else {
            throw DocumentFailure(.unreadable, "This picture is damaged or of a kind that tesseract does not read.")
        }
        return Self.pages(in: answer.output, scale: scale)
    }

    /// Reads tesseract's table: level, page, block, paragraph, line, word, left, top, width, height, confidence, text.
    static func pages(in table: [UInt8], scale: Float) -> [Page] {
        var pages: [Page] = []
        var place: [Substring] = []
        for row in String(decoding: table, as: UTF8.self).split(separator: "\n").dropFirst() {
            let fields = row.split(separator: "\t", maxSplits: 11, omittingEmptySubsequences: false)
            guard fields.count >= 11, let numbers = Self.numbers(fields[6...9], scale) else { continue }
            if fields[0] == "1" {
                var layout = PageLayout(number: pages.count + 1, width: numbers.width, height: numbers.height)
                layout.isRecognised = true
                pages.append(Page(layout: layout, confidence: 0))
            } else if fields[0] == "5", fields.count == 12, !pages.isEmpty {
                let text = GlyphText(Array(fields[11].utf8)[...]).string
                guard !text.isEmpty else { continue }
                let isNewLine = place != Array(fields[1...4])
                place = Array(fields[1...4])
                pages[pages.count - 1].append(LayoutWord(box: numbers, text: text), isNewLine: isNewLine, fields)
            }
        }
        return pages
    }

    private static func numbers(_ fields: ArraySlice<Substring>, _ scale: Float) -> Box? {
        let numbers = fields.compactMap { Float($0) }.map { min(max($0, 0), 1_000_000) / scale }
        guard numbers.count == 4 else { return nil }
        return Box(left: numbers[0], top: numbers[1], right: numbers[0] + numbers[2], bottom: numbers[1] + numbers[3])
    }
}

extension Recognition.Page {
    var wordCount: Int { layout.lines.reduce(0) { $0 + $1.words.count } }

    fileprivate mutating func append(_ word: LayoutWord, isNewLine: Bool, _ fields: [Substring]) {
        confidence += min(max(Double(fields[10]) ?? 0, 0), 100)
        layout.characters += word.text.unicodeScalars.count
        if isNewLine {
            // Paragraphs of tesseract are what blocks are elsewhere.
            let block = (Int(fields[2]) ?? 0) &* 10_000 &+ (Int(fields[3]) ?? 0)
            layout.lines.append(LayoutLine(box: word.box, words: [word], block: block, size: word.box.height))
        } else {
            let last = layout.lines.count - 1
            layout.lines[last].words.append(word)
            layout.lines[last].box = layout.lines[last].box.union(word.box)
            layout.lines[last].size = layout.lines[last].box.height
        }
    }
}
