/// What becomes of a code point in a word: its small, plain form, or nothing.
///
/// Close to NFKC with lower case, without accents: é is e, Ａ is a, ² is 2, ﬁ is fi. German ä, ö and ü stay for the
/// stemmer, which needs to see them.
enum LetterTable {
    enum Kind {
        /// Ends a word.
        case separator
        /// Neither in a word nor its end: accents by themselves, soft hyphens, joiners.
        case nothing
        /// One or two code points of a word.
        case letter(UInt32, UInt32?)
        /// Of a script that is written without spaces, or with few: indexed by pairs.
        case unspaced(UInt32)
    }

    static func kind(of scalar: UInt32) -> Kind {
        if scalar < UInt32(table.count) {
            let entry = table[Int(scalar)]
            if entry == separator { return .separator }
            if entry == nothing { return .nothing }
            if entry == unspaced { return .unspaced(scalar) }
            return .letter(entry & 0xFFFF, entry >> 16 == 0 ? nil : entry >> 16)
        }
        if isUnspaced(scalar) { return .unspaced(scalar) }
        switch scalar {
        case 0x200B...0x200F, 0x202A...0x202E, 0x2060...0x2064, 0xFE00...0xFE0F, 0xFEFF, 0xE0100...0xE01EF:
            return .nothing
        case 0xFF01...0xFF5E: return kind(of: scalar - 0xFEE0)
        case 0x20000...0x3FFFF: return .unspaced(scalar)
        default: break
        }
        if let pair = ligatures[scalar] { return .letter(pair.0, pair.1) }
        return unicodeKind(of: scalar)
    }

    /// Han, kana, hangul, and the scripts of South East Asia without spaces. Half-width katakana count as kana.
    private static func isUnspaced(_ scalar: UInt32) -> Bool {
        switch scalar {
        case 0x0E00...0x0EFF: scalar != 0x0E2F && scalar != 0x0E3F && !(0x0E4F...0x0E5B).contains(scalar)
        case 0x1000...0x109F, 0x1780...0x17D3: true
        case 0x1100...0x11FF, 0x3005...0x3007, 0x3041...0x3096, 0x309D...0x309F, 0x30A1...0x30FA, 0x30FC...0x30FF: true
        case 0x3105...0x312F, 0x3131...0x318E, 0x31A0...0x31BF, 0x31F0...0x31FF, 0x3400...0x4DBF, 0x4E00...0x9FFF: true
        case 0xA960...0xA97C, 0xAC00...0xD7FB, 0xF900...0xFAFF, 0xFF66...0xFF9F: true
        default: false
        }
    }

    private static func unicodeKind(of scalar: UInt32) -> Kind {
        guard let scalar = Unicode.Scalar(scalar) else { return .separator }
        let properties = scalar.properties
        switch properties.generalCategory {
        case .uppercaseLetter, .titlecaseLetter:
            let lower = properties.lowercaseMapping.unicodeScalars
            return .letter((lower.first ?? scalar).value, nil)
        case .lowercaseLetter, .modifierLetter, .otherLetter, .spacingMark, .letterNumber:
            return .letter(scalar.value, nil)
        case .nonspacingMark, .enclosingMark:
            // Marks that stand for vowels belong to the word; those that only point or stress are left out.
            return isAccent(scalar.value) ? .nothing : .letter(scalar.value, nil)
        case .decimalNumber, .otherNumber:
            guard let value = properties.numericValue, (0...9).contains(value), value == value.rounded() else {
                return .letter(scalar.value, nil)
            }
            return .letter(0x30 + UInt32(value), nil)
        case .format: return .nothing
        default: return .separator
        }
    }

    private static func isAccent(_ scalar: UInt32) -> Bool {
        switch scalar {
        case 0x0300...0x036F, 0x0483...0x0489, 0x0591...0x05C7, 0x0610...0x061A, 0x064B...0x065F, 0x0670,
            0x06D6...0x06ED, 0x1AB0...0x1AFF, 0x1DC0...0x1DFF, 0x20D0...0x20FF, 0x3099...0x309A, 0xFE20...0xFE2F: true
        default: false
        }
    }

    // MARK: - Code points below U+2100, looked up

    private static let separator: UInt32 = 0
    private static let nothing: UInt32 = .max
    private static let unspaced: UInt32 = .max - 1
    private static let size: UInt32 = 0x2100

    /// For each code point: separator, nothing, or its form in the lower half and a second code point in the upper one.
    private static let table: [UInt32] = {
        let plain = plainLetters
        return (0..<size).map { scalar in
            if isUnspaced(scalar) { return unspaced }
            if let pair = ligatures[scalar] { return pair.0 | pair.1 << 16 }
            guard case .letter(let letter, _) = unicodeKind(of: scalar) else {
                if case .nothing = unicodeKind(of: scalar) { return nothing }
                return separator
            }
            if [0xE4, 0xF6, 0xFC].contains(letter) { return letter }
            let base = plain[letter] ?? letter
            return base < 0x10000 ? base : separator
        }
    }()

    /// Letters that are another with something added, and that other: Unicode's names say so.
    private static let plainLetters: [UInt32: UInt32] = {
        var letters: [String: UInt32] = [:]
        var result: [UInt32: UInt32] = [:]
        let ranges: [ClosedRange<UInt32>] = [0x61...0x7A, 0xDF...0x24F, 0x370...0x52F, 0x1E00...0x1FFF]
        let named = ranges.joined().compactMap { scalar in
            Unicode.Scalar(scalar)?.properties.name.map { (scalar, $0) }
        }.filter { $0.1.contains("SMALL LETTER") }
        for (scalar, name) in named where !name.contains(" WITH ") { letters[name] = scalar }
        for (scalar, name) in named {
            let words = name.split(separator: " ")
            guard let with = words.firstIndex(of: "WITH") else { continue }
            result[scalar] = letters[words[..<with].joined(separator: " ")]
        }
        // Names of their own: dotless i, long s, final sigma.
        result[0x131] = 0x69
        result[0x17F] = 0x73
        result[0x3C2] = 0x3C3
        return result
    }()

    /// Letters that are two others.
    private static let ligatures: [UInt32: (UInt32, UInt32)] = [
        0xDF: (0x73, 0x73), 0x1E9E: (0x73, 0x73), 0xC6: (0x61, 0x65), 0xE6: (0x61, 0x65), 0x152: (0x6F, 0x65),
        0x153: (0x6F, 0x65), 0x132: (0x69, 0x6A), 0x133: (0x69, 0x6A), 0xFB00: (0x66, 0x66), 0xFB01: (0x66, 0x69),
        0xFB02: (0x66, 0x6C), 0xFB05: (0x73, 0x74), 0xFB06: (0x73, 0x74),
    ]
}
