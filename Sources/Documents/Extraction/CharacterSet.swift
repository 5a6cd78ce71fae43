import Foundation

/// The encodings from before Unicode.
enum CharacterSet {
    /// Decodes text whose character set the document names.
    ///
    /// - Returns: UTF-8, or nil if the name is unknown or the bytes cannot be text of that set.
    static func decode(_ data: [UInt8], as name: String) -> [UInt8]? {
        let name = name.lowercased().trimmingCharacters(in: .whitespaces)
        if western.contains(name) { return windows1252(data) }
        guard let encoding = encodings[name] else { return nil }
        let text = String(data: Data(data), encoding: String.Encoding(rawValue: encoding))
        return text.map { Array($0.utf8) }
    }

    /// Decodes windows-1252, the superset of Latin-1 that the web takes both names for.
    ///
    /// - Returns: UTF-8, or nil if one of the five bytes occurs that the set leaves undefined.
    static func windows1252(_ data: [UInt8]) -> [UInt8]? {
        var output: [UInt8] = []
        output.reserveCapacity(data.count + data.count / 8)
        for byte in data {
            switch byte {
            case 0x00..<0x80: output.append(byte)
            case 0x80..<0xA0:
                let scalar = windows1252Middle[Int(byte) - 0x80]
                if scalar == "\u{FFFD}" { return nil }
                output.append(contentsOf: String(Character(scalar)).utf8)
            default: output.append(contentsOf: [0xC0 | byte >> 6, 0x80 | byte & 0x3F])
            }
        }
        return output
    }

    /// What windows-1252 has at 0x80…0x9F, where Latin-1 has control characters.
    static let windows1252Middle = Array(
        "€\u{FFFD}‚ƒ„…†‡ˆ‰Š‹Œ\u{FFFD}Ž\u{FFFD}\u{FFFD}‘’“”•–—˜™š›œ\u{FFFD}žŸ".unicodeScalars
    )

    private static let western: Set<String> = [
        "ascii", "us-ascii", "ansi", "cp1252", "iso-8859-1", "iso8859-1", "iso_8859-1", "latin1", "latin-1", "l1",
        "windows-1252", "x-cp1252",
    ]

    /// Foundation's numbers: 0x8000_0000 and CoreFoundation's external encoding.
    private static let encodings: [String: UInt] = {
        var encodings: [String: UInt] = [
            "koi8-r": 0x8000_0A02, "koi8-u": 0x8000_0A08, "ibm866": 0x8000_041B, "cp866": 0x8000_041B,
            "windows-874": 0x8000_041D, "tis-620": 0x8000_041D, "macintosh": 30, "x-mac-roman": 30,
            "gb2312": 0x8000_0632, "gbk": 0x8000_0632, "gb18030": 0x8000_0632, "big5": 0x8000_0A03,
            "euc-kr": 0x8000_0940, "ks_c_5601-1987": 0x8000_0940, "shift_jis": 8, "shift-jis": 8, "sjis": 8,
            "windows-31j": 8, "iso-2022-jp": 0x8000_0820, "windows-1250": 15, "cp1250": 15, "windows-1251": 11,
            "cp1251": 11, "windows-1253": 13, "windows-1254": 14, "iso-8859-9": 14, "windows-1255": 0x8000_0505,
            "windows-1256": 0x8000_0506, "windows-1257": 0x8000_0507, "windows-1258": 0x8000_0508,
        ]
        for part in [2, 4, 5, 6, 7, 8, 10, 13, 14, 15, 16] as [UInt] {
            encodings["iso-8859-\(part)"] = 0x8000_0200 + part
            encodings["iso8859-\(part)"] = 0x8000_0200 + part
        }
        return encodings
    }()
}
