import Foundation

/// Whether a page holds a quote, as another reader of the file gives the page.
///
/// What two readers of one file may differ in is left aside: white space, hyphens, rules between the cells of a table,
/// ligatures and other compatibility forms (NFKC), and the order of lines.
package enum QuoteCheck {
    /// Whether every line of the quote stands there as it is. Where readers put the cells of a table or the columns of a page
    /// together differently, none does.
    package static func isQuoteLineByLine(_ quote: String, in page: String) -> Bool {
        let lines = quote.split(whereSeparator: \.isNewline).map { comparable(String($0)) }.filter { !$0.isEmpty }
        let page = comparable(page)
        return !lines.isEmpty && lines.allSatisfy(page.contains)
    }

    /// Whether every word and every number of the quote stands there, as often at least: whatever the order in which a reader
    /// goes through a table, it meets all its cells, and no other page has the same.
    package static func isQuote(_ quote: String, in page: String) -> Bool {
        let wanted = counts(quote)
        let there = counts(page)
        return !wanted.isEmpty && wanted.allSatisfy { there[$0.key, default: 0] >= $0.value }
    }

    private static func comparable(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.precomposedStringWithCompatibilityMapping.unicodeScalars.filter { scalar in
                    !scalar.properties.isWhitespace && !ignored.contains(scalar)
                }))
    }

    /// How often each run of letters and each run of digits comes. A hyphen behind a letter joins it to a letter behind it,
    /// also over a line's end: `well-` and `known` are one word, which they are for a reader that mends broken words too.
    private static func counts(_ text: String) -> [String: Int] {
        var counts: [String: Int] = [:]
        var word = ""
        var (isNumber, follows) = (false, false)
        func end() {
            if !word.isEmpty { counts[word, default: 0] += 1 }
            word = ""
            follows = false
        }
        let text = text.replacing("\u{AD}\n", with: "").precomposedStringWithCompatibilityMapping.lowercased()
        for scalar in text.unicodeScalars {
            let (isLetter, isDigit) = (scalar.properties.isAlphabetic, scalar.properties.numericType == .decimal)
            if isLetter || isDigit {
                if isDigit != isNumber || follows && isDigit { end() }
                (isNumber, follows) = (isDigit, false)
                word.unicodeScalars.append(scalar)
            } else if !word.isEmpty && !isNumber && hyphens.contains(scalar) {
                follows = true
            } else if !invisible.contains(scalar) && !(follows && scalar.properties.isWhitespace) {
                end()
            }
        }
        end()
        return counts
    }

    private static let invisible: Set<Unicode.Scalar> = ["\u{AD}", "\u{200B}", "\u{2060}", "\u{FEFF}"]
    private static let hyphens: Set<Unicode.Scalar> = ["-", "\u{2010}"]
    private static let ignored = invisible.union(hyphens).union(["|"])
}
