/// One full stop with white space behind it and something other than a small letter next.
struct SentenceStop {
    let scanner: SentenceScanner
    let dot: Int
    /// Where the next word begins.
    let next: Int

    /// No abbreviation is longer.
    private static let maxWordBytes = 32

    var endsSentence: Bool {
        let word = wordBefore(dot)
        guard !word.isEmpty, word.count <= Self.maxWordBytes else { return true }
        let text = word.string
        if word.allSatisfy(\.isDigit) { return numberEnds(word) }
        if isRoman(word) { return isStarter && word.startIndex != scanner.start }
        if text.unicodeScalars.count == 1 { return letterEnds(word) }
        let key = text.lowercased()
        if SentenceWords.neverLast.contains(key) { return false }
        if SentenceWords.beforeNumbers.contains(key) { return !startsNumber }
        if SentenceWords.sometimesLast.contains(key) || isDotted(word) { return isStarter }
        return true
    }

    /// Whether the next word is one that begins sentences more often than it follows an abbreviation.
    private var isStarter: Bool { SentenceWords.starters.contains(scanner.word(at: next)) }

    private var startsNumber: Bool {
        let word = scanner.word(at: next)
        return word.utf8.first?.isDigit ?? false || word == "§" || isRoman(Array(word.utf8)[...])
    }

    /// A number ends a sentence unless it is an ordinal: before a month, behind an article, or at the start of a line.
    private func numberEnds(_ number: ArraySlice<UInt8>) -> Bool {
        guard number.count <= 3 else { return true }
        if SentenceWords.months.contains(scanner.word(at: next)) || number.startIndex == scanner.start { return false }
        if isStarter { return true }
        let before = scanner.bytes[scanner.start..<number.startIndex].trimmingSpace
        return !SentenceWords.beforeOrdinals.contains(wordBefore(before.endIndex).string.lowercased())
    }

    /// A capital is an initial, a small letter part of `z. B.`.
    private func letterEnds(_ letter: ArraySlice<UInt8>) -> Bool {
        let isCapital = letter.string.unicodeScalars.first?.properties.isUppercase ?? false
        let isCased = isCapital || letter.string.unicodeScalars.first?.properties.isLowercase ?? false
        if !isCased { return true }
        return isCapital && letter.startIndex != scanner.start && isStarter
    }

    /// `U.S`, `a.m`, `Ph.D`: short parts with dots between them.
    private func isDotted(_ word: ArraySlice<UInt8>) -> Bool {
        let parts = word.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return parts.count > 1 && parts.allSatisfy { (1...3).contains($0.count) && $0.allSatisfy { $0.isLetter || $0 >= 0x80 } }
    }

    private func isRoman(_ word: ArraySlice<UInt8>) -> Bool {
        word.count >= 2 && word.count <= 7 && word.allSatisfy { "IVXLC".utf8.contains($0) }
    }

    /// The word that ends at `position`, without brackets and quotes in front of it.
    private func wordBefore(_ position: Int) -> ArraySlice<UInt8> {
        let reach = scanner.bytes[Swift.max(scanner.start, position - 2 * Self.maxWordBytes)..<position]
        let start = reach.lastIndex { $0.isSpace || "([{\"'/".utf8.contains($0) }.map { $0 + 1 } ?? reach.startIndex
        var word = scanner.bytes[start..<position]
        for quote in ["„", "“", "‚", "‘", "«", "»", "›", "‹"] where word.starts(with: quote.utf8) {
            word = word.dropFirst(quote.utf8.count)
        }
        return word
    }
}
