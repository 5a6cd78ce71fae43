/// Walks over a text and stops where sentences may end.
struct SentenceScanner {
    let bytes: [UInt8]
    let end: Int
    /// Where the sentence under way begins.
    private(set) var start: Int
    private var index: Int

    init(bytes: [UInt8], range: Range<Int>) {
        self.bytes = bytes
        end = range.upperBound
        start = range.lowerBound
        index = start
    }

    mutating func sentences() -> [Range<Int>] {
        var sentences: [Range<Int>] = []
        begin(at: start)
        while index < end {
            guard let stop = stop() else { continue }
            sentences.append(start..<stop)
            begin(at: stop)
        }
        let rest = bytes[start..<end].trimmingSpace
        if !rest.isEmpty { sentences.append(rest.indices) }
        return sentences
    }

    private mutating func begin(at position: Int) {
        start = skippingSpace(from: position)
        index = start
    }

    /// Moves on by one step and returns the end of the sentence if it ends there.
    private mutating func stop() -> Int? {
        let byte = bytes[index]
        if byte == .newline { return lineBreak() }
        guard byte == UInt8(ascii: ".") || byte == UInt8(ascii: "!") || byte == UInt8(ascii: "?") || byte >= 0xD8 else {
            index += 1
            return nil
        }
        guard let mark = mark(at: index) else {
            index += bytes.scalar(at: index).length
            return nil
        }
        return terminator(mark)
    }

    // MARK: - Lines

    /// A line's end ends a sentence in front of a blank line, before list marks and between table rows.
    private mutating func lineBreak() -> Int? {
        let position = index
        let next = bytes[(position + 1)..<end].firstIndex { $0 != .space && $0 != .tab } ?? end
        index = next
        guard next < end else { return trimmed(position) }
        if bytes[next] == .newline || startsItem(at: next) || isRow(around: position) { return trimmed(position) }
        return nil
    }

    private func startsItem(at position: Int) -> Bool {
        let line = bytes[position..<end]
        if line.starts(with: "•".utf8) { return true }
        if let first = line.first, "-*+".utf8.contains(first) { return line.dropFirst().first == .space }
        let number = line.prefix(4).prefix(while: \.isDigit)
        let rest = line.dropFirst(number.count).prefix(2)
        guard !number.isEmpty, rest.count == 2, let mark = rest.first, rest.last == .space else { return false }
        guard mark == UInt8(ascii: ".") || mark == UInt8(ascii: ")") else { return false }
        // "am\n3. Mai" is a wrapped line.
        return !SentenceWords.months.contains(word(at: skippingSpace(from: number.endIndex + 1)))
    }

    private func isRow(around newline: Int) -> Bool {
        let next = bytes[(newline + 1)..<end].prefix { $0 != .newline }
        let lineStart = bytes[start..<newline].lastIndex(of: .newline).map { $0 + 1 } ?? start
        return bytes[lineStart..<newline].firstRange(of: " | ", from: lineStart) != nil
            || next.firstRange(of: " | ", from: next.startIndex) != nil
    }

    // MARK: - Marks

    private enum Mark { case dot, strong, ellipsis, wide }

    private func mark(at position: Int) -> Mark? {
        switch bytes.scalar(at: position).value {
        case 0x2E: .dot
        case 0x21, 0x3F, 0x203C, 0x2047...0x2049, 0x061F, 0x06D4, 0x0964, 0x0965: .strong
        case 0x2026: .ellipsis
        case 0x3002, 0xFF01, 0xFF0E, 0xFF1F, 0xFF61: .wide
        default: nil
        }
    }

    private mutating func terminator(_ first: Mark) -> Int? {
        let position = index
        var kind = first
        index += bytes.scalar(at: index).length
        while index < end, let next = mark(at: index) {
            kind = next == .wide ? .wide : kind == .dot && next == .dot ? .ellipsis : Self.combined(kind, next)
            index += bytes.scalar(at: index).length
        }
        let afterMarks = index
        let hasQuote = skipClosers()
        if kind == .wide {
            let isQuotedPart = hasQuote && index < end && isHiragana(at: index)
            return isQuotedPart ? nil : index
        }
        guard index < end else { return index }
        guard bytes[index].isSpace else { return nil }
        return endsSentence(kind, at: position, isBare: afterMarks == index) ? index : nil
    }

    private static func combined(_ one: Mark, _ other: Mark) -> Mark {
        one == .strong || other == .strong ? .strong : .ellipsis
    }

    /// Closing quotes, brackets and footnote numbers belong to the sentence.
    ///
    /// - Returns: Whether a Chinese or Japanese quote was closed.
    private mutating func skipClosers() -> Bool {
        var hasWideQuote = false
        while index < end {
            let (value, length) = bytes.scalar(at: index)
            switch value {
            case 0x22, 0x27, 0x29, 0x5D, 0x7D, 0xBB, 0xAB, 0x2018, 0x2019, 0x201C, 0x201D, 0x203A, 0x2039: break
            case 0x300D, 0x300F, 0x3011, 0xFF09, 0x3009, 0x300B: hasWideQuote = true
            case 0x5B:
                let number = bytes[(index + 1)..<end].prefix(4).prefix(while: \.isDigit)
                guard !number.isEmpty, number.endIndex < end, bytes[number.endIndex] == UInt8(ascii: "]") else {
                    return hasWideQuote
                }
                index = number.endIndex
            default: return hasWideQuote
            }
            index += length
        }
        return hasWideQuote
    }

    private func isHiragana(at position: Int) -> Bool {
        (0x3041...0x309F).contains(bytes.scalar(at: position).value)
    }

    // MARK: - What stands around a mark

    /// Whether marks at `position` with white space behind them end the sentence.
    private func endsSentence(_ mark: Mark, at position: Int, isBare: Bool) -> Bool {
        var next = skippingSpace(from: index)
        guard next < end else { return true }
        if bytes[index..<next].count(where: { $0 == .newline }) > 1 { return true }
        if bytes[index..<next].contains(.newline) && startsItem(at: next) { return true }
        while next < end, isOpener(at: next) { next += bytes.scalar(at: next).length }
        guard next < end, let scalar = Unicode.Scalar(bytes.scalar(at: next).value) else { return true }
        if scalar.properties.isLowercase { return false }
        guard mark == .dot, isBare else { return true }
        return SentenceStop(scanner: self, dot: position, next: next).endsSentence
    }

    private func isOpener(at position: Int) -> Bool {
        switch bytes.scalar(at: position).value {
        case 0x22, 0x27, 0x28, 0x5B, 0xAB, 0xBB, 0xBF, 0xA1, 0x2018, 0x201A, 0x201C, 0x201E, 0x2039, 0x203A, 0x2013, 0x2014,
            0x2D, 0x20:
            true
        default: false
        }
    }

    func skippingSpace(from position: Int) -> Int {
        var position = position
        while position < end, bytes[position].isSpace { position += 1 }
        return position
    }

    private func trimmed(_ position: Int) -> Int {
        bytes[start..<position].trimmingSpace.endIndex
    }

    /// The letters and digits from a position on, at most 24 bytes of them.
    func word(at position: Int) -> String {
        guard position < end else { return "" }
        return bytes[position..<end].prefix(24).prefix { $0.isAlphanumeric || $0 >= 0x80 }.string
    }
}
