/// Reads what `pdftotext -bbox-layout` prints: `<page width height>`, `<block>`, `<line>` and
/// `<word xMin yMin xMax yMax>` around the text of a word. Anything else is passed over, and so is what stands in no page.
struct LayoutScanner {
    private let bytes: [UInt8]
    private var index = 0
    private var pages: [PageLayout] = []
    private var block = -1

    /// - Parameter firstPage: The number of the first page in it.
    static func pages(in bytes: [UInt8], firstPage: Int) -> [PageLayout] {
        var scanner = LayoutScanner(bytes)
        scanner.scan(firstPage: firstPage)
        for index in scanner.pages.indices { scanner.pages[index].attachRaisedMarks() }
        return scanner.pages
    }

    private init(_ bytes: [UInt8]) { self.bytes = bytes }

    private mutating func scan(firstPage: Int) {
        var words: [LayoutWord] = []
        while let tag = bytes.markup(from: &index) {
            if tag.starts(with: "word ".utf8) {
                if let word = word(tag) { LayoutWord.append(word, to: &words) }
            } else if tag.starts(with: "/line".utf8) {
                append(LayoutWord.withoutLetterSpacing(words))
                words = []
            } else if tag.starts(with: "block".utf8) {
                block += 1
            } else if tag.starts(with: "page ".utf8) {
                let (width, height) = (tag.number("width"), tag.number("height"))
                pages.append(PageLayout(number: firstPage + pages.count, width: width, height: height))
                block = -1
            }
        }
    }

    private mutating func append(_ words: [LayoutWord]) {
        guard !pages.isEmpty, let first = words.first else { return }
        let box = words.reduce(first.box) { $0.union($1.box) }
        var line = LayoutLine(box: box, words: words, block: max(block, 0), size: box.height)
        // A line that runs down the page is as wide as its type is high.
        if line.isVertical { line.size = box.width }
        pages[pages.count - 1].lines.append(line)
    }

    private mutating func word(_ tag: ArraySlice<UInt8>) -> LayoutWord? {
        let end = bytes[index...].firstIndex(of: UInt8(ascii: "<")) ?? bytes.count
        let text = GlyphText(bytes[index..<end])
        index = end
        guard !text.string.isEmpty, !pages.isEmpty else { return nil }
        pages[pages.count - 1].characters += text.characters
        pages[pages.count - 1].unmapped += text.unmapped
        let (left, top) = (tag.number("xMin"), tag.number("yMin"))
        let box = Box(left: left, top: top, right: max(left, tag.number("xMax")), bottom: max(top, tag.number("yMax")))
        return LayoutWord(box: box, text: text.string)
    }
}

extension [UInt8] {
    /// The inside of the next `<…>` at or behind `index`, which moves behind it; nil at the end.
    func markup(from index: inout Int) -> ArraySlice<UInt8>? {
        guard let start = self[index...].firstIndex(of: UInt8(ascii: "<")),
            let end = self[start...].firstIndex(of: UInt8(ascii: ">"))
        else {
            index = count
            return nil
        }
        index = end + 1
        return self[start + 1..<end]
    }
}

extension ArraySlice<UInt8> {
    /// The value of `name="…"` in the inside of a tag.
    func attribute(_ name: StaticString) -> ArraySlice<UInt8>? {
        var from = startIndex
        while let range = firstRange(of: name, from: from) {
            from = range.upperBound
            guard range.lowerBound > startIndex, self[range.lowerBound - 1] == .space,
                self[from...].starts(with: "=\"".utf8)
            else { continue }
            let value = self[(from + 2)...]
            return value.prefix { $0 != UInt8(ascii: "\"") }
        }
        return nil
    }

    /// The value as a number from -1,000,000 to 1,000,000; 0 for what is none.
    func number(_ name: StaticString) -> Float {
        guard var digits = attribute(name) else { return 0 }
        let isNegative = digits.first == UInt8(ascii: "-")
        if isNegative { digits = digits.dropFirst() }
        var (value, scale): (Float, Float) = (0, 1)
        var isFraction = false
        for byte in digits.prefix(16) {
            if byte == UInt8(ascii: ".") {
                isFraction = true
            } else if byte.isDigit {
                if isFraction { scale /= 10 }
                value = isFraction ? value + Float(byte & 15) * scale : value * 10 + Float(byte & 15)
            } else {
                return 0
            }
        }
        return Swift.min(value, 1_000_000) * (isNegative ? -1 : 1)
    }
}
