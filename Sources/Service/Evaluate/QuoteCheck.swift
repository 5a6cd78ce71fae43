import Foundation

/// Whether a page holds a quote, line by line. What two readers of one file may differ in is left aside, which is white
/// space, hyphens, rules between the cells of a table, ligatures and other compatibility forms (NFKC), and the order of
/// lines; nothing else.
package enum QuoteCheck {
    package static func isQuote(_ quote: String, in page: String) -> Bool {
        let lines = quote.split(whereSeparator: \.isNewline).map { comparable(String($0)) }.filter { !$0.isEmpty }
        let page = comparable(page)
        return !lines.isEmpty && lines.allSatisfy(page.contains)
    }

    private static func comparable(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.precomposedStringWithCompatibilityMapping.unicodeScalars.filter { scalar in
                    !scalar.properties.isWhitespace && !ignored.contains(scalar)
                }))
    }

    private static let ignored: Set<Unicode.Scalar> = ["\u{AD}", "\u{200B}", "\u{2060}", "\u{FEFF}", "-", "\u{2010}", "|"]
}
