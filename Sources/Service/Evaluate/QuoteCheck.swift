import Foundation

/// Whether a page holds a quote: what two readers of one file may differ in is left aside, which is white space, soft
/// hyphens, hyphens at line ends, ligatures and other compatibility forms (NFKC), and nothing else.
package enum QuoteCheck {
    package static func isQuote(_ quote: String, in page: String) -> Bool {
        let quote = comparable(quote)
        return !quote.isEmpty && comparable(page).contains(quote)
    }

    private static func comparable(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.precomposedStringWithCompatibilityMapping.unicodeScalars.filter { scalar in
                    !scalar.properties.isWhitespace && !ignored.contains(scalar)
                }))
    }

    private static let ignored: Set<Unicode.Scalar> = ["\u{AD}", "\u{200B}", "\u{2060}", "\u{FEFF}", "-", "\u{2010}"]
}
