/// The text of one word as a PDF program prints it, in the letters that people search for.
struct GlyphText {
    /// Without ligatures and entities.
    var string: String
    var characters = 0
    /// Characters without a meaning that anybody agreed on: private use, replacements, controls.
    var unmapped = 0

    /// - Parameter printed: UTF-8 with the five entities of XML; damage is repaired.
    init(_ printed: ArraySlice<UInt8>) {
        let isPlain = printed.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "&") }
        guard !isPlain else {
            (string, characters) = (String(decoding: printed, as: UTF8.self), printed.count)
            return
        }
        string = ""
        for scalar in String(decoding: printed, as: UTF8.self).unicodeScalars {
            switch scalar.value {
            case 0xFB00...0xFB06: string += Self.ligatures[Int(scalar.value - 0xFB00)]
            // The bullets of the fonts Symbol and Wingdings.
            case 0xF0B7, 0xF0A7, 0xF0A8, 0xF0D8, 0xF076, 0xF0FC: string += "•"
            case 0xE000...0xF8FF, 0xFFFD, 0xF0000...0x10FFFF, 0x00...0x08, 0x0E...0x1F, 0x7F...0x9F:
                unmapped += 1
                string.unicodeScalars.append(scalar.value < 0xA0 ? "\u{FFFD}" : scalar)
            default: string.unicodeScalars.append(scalar)
            }
        }
        if string.contains("&") { string = Self.withoutEntities(string) }
        if string.allSatisfy(\.isWhitespace) { string = "" }
        characters = string.unicodeScalars.count
    }

    private static let ligatures = ["ff", "fi", "fl", "ffi", "ffl", "st", "st"]

    private static let entities = [
        ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&#39;", "'"), ("&amp;", "&"),
    ]

    private static func withoutEntities(_ text: String) -> String {
        entities.reduce(text) { $0.replacing($1.0, with: $1.1) }
    }
}
