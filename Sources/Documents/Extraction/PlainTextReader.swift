import Knowledge

/// Text without markup. The canonical text keeps every line, so that line numbers are those of the original; only lines that
/// underline a heading are left empty.
struct PlainTextReader: TextFormatReader {
    enum Style {
        /// Blank lines part paragraphs; so does the end of a line that was clearly never wrapped.
        case prose
        /// Blank lines part blocks whose lines belong together.
        case code
    }

    var style: Style
    /// Longer lines are taken for whole paragraphs: nobody wraps prose by hand this late.
    private static let wrappedLineBytes = 200

    func read(_ text: [UInt8]) throws(DocumentFailure) -> ExtractedText {
        guard !text[...].trimmingSpace.isEmpty else { throw .noText }
        guard text.count <= TextBuilder.maxBytes else { throw .tooMuchText }
        let (text, headings) = style == .prose ? UnderlinedHeadings(in: text).withoutLines(of: text) : (text, [:])
        let blocks = stretches(of: text, apart: headings).map { stretch in
            ExtractedText.Block(kind: headings[stretch.lowerBound].map { .heading(level: $0) } ?? kind, bytes: stretch)
        }
        guard !blocks.isEmpty else { throw .noText }
        var extracted = ExtractedText(text: String(decoding: text, as: UTF8.self), blocks: blocks, keepsSourceLines: true)
        let title = blocks.first { $0.kind == .heading(level: 1) }
        extracted.title = title.map { text[$0.bytes].string.shortTitle }
        return extracted
    }

    private var kind: ExtractedText.Block.Kind {
        switch style {
        case .prose: .paragraph
        case .code: .code
        }
    }

    /// - Parameter headings: Where lines begin that are stretches by themselves.
    private func stretches(of text: [UInt8], apart headings: [Int: Int]) -> [Range<Int>] {
        var stretches: [Range<Int>] = []
        var open: Range<Int>?
        for line in Lines(text) {
            let body = text[line].trimmingSpace
            if body.isEmpty {
                open.map { stretches.append($0) }
                open = nil
                continue
            }
            if headings[body.startIndex] != nil {
                open.map { stretches.append($0) }
                open = nil
                stretches.append(body.startIndex..<body.endIndex)
                continue
            }
            let start = style == .prose ? body.startIndex : line.lowerBound
            let stretch = (open?.lowerBound ?? start)..<body.endIndex
            if style == .prose && body.count > Self.wrappedLineBytes {
                stretches.append(stretch)
                open = nil
            } else {
                open = stretch
            }
        }
        open.map { stretches.append($0) }
        return stretches
    }
}

/// The lines of a text without their newlines.
struct Lines: Sequence, IteratorProtocol {
    private let text: [UInt8]
    private var start: Int

    init(_ text: [UInt8], from start: Int = 0) {
        self.text = text
        self.start = start
    }

    /// The line that `next()` would return.
    func peek() -> Range<Int>? {
        guard start < text.count else { return nil }
        return start..<(text[start...].firstIndex(of: .newline) ?? text.count)
    }

    mutating func next() -> Range<Int>? {
        guard let line = peek() else { return nil }
        start = line.upperBound + 1
        return line
    }
}
