/// Finds the sentences of a text in German, English and most other languages.
///
/// Rules instead of a model: a full stop ends a sentence unless an abbreviation, an ordinal, an initial, a number or the case of
/// the next word says otherwise. Blank lines, list marks and table rows end one without a stop.
package struct Sentences {
    /// - Returns: In order, disjoint, without blank ends; everything that is not white space lies in one of them.
    package static func ranges(in text: Substring) -> [Range<String.Index>] {
        let bytes = Array(text.utf8)
        var index = text.startIndex
        var offset = 0
        return byteRanges(in: bytes, 0..<bytes.count).map { range in
            let start = text.utf8.index(index, offsetBy: range.lowerBound - offset)
            let end = text.utf8.index(start, offsetBy: range.count)
            (index, offset) = (end, range.upperBound)
            return start..<end
        }
    }

    /// The same in bytes of a larger text.
    static func byteRanges(in bytes: [UInt8], _ range: Range<Int>) -> [Range<Int>] {
        var scanner = SentenceScanner(bytes: bytes, range: range)
        return scanner.sentences()
    }
}
