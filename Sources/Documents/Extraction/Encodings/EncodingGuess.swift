/// Guesses the character set of text that is not UTF-8 and does not say what it is.
///
/// Counts which bytes are letters of a script in each candidate, as browsers do; a candidate must explain nearly all bytes
/// above 0x7F. Western European text has few such bytes, all others many.
enum EncodingGuess {
    /// The name of the likeliest set.
    static func name(of data: [UInt8]) -> String {
        let sample = data.prefix(64 << 10)
        let high = sample.count { $0 >= 0x80 }
        let letters = sample.count { $0.isLetter }
        if let double = doubleByte(sample, high: high) { return double }
        // Where most letters are beyond ASCII, the script is not Latin.
        if high * 2 > letters { return otherScript(sample, high: high) ?? "windows-1252" }
        return isCentralEuropean(sample) ? "windows-1250" : "windows-1252"
    }

    // MARK: - Chinese, Japanese, Korean

    private struct Pairs {
        var common = 0
        var count = 0
        var invalid = 0
    }

    private static func doubleByte(_ sample: ArraySlice<UInt8>, high: Int) -> String? {
        guard high >= 4 else { return nil }
        let candidates: [(String, Pairs)] = [
            // Hiragana and katakana are most of Japanese.
            ("euc-jp", pairs(sample, trails: 0xA1...0xFE) { lead, _ in lead == 0xA4 || lead == 0xA5 }),
            ("shift_jis", shiftJIS(sample)),
            // Hangul syllables fill these rows of KS X 1001.
            ("euc-kr", pairs(sample, trails: 0xA1...0xFE) { lead, _ in lead >= 0xB0 && lead <= 0xC8 }),
            // The frequent characters of GB 2312, and of Big5.
            ("gb18030", pairs(sample, trails: 0x40...0xFE) { lead, trail in lead >= 0xB0 && lead <= 0xD7 && trail >= 0xA1 }),
            ("big5", pairs(sample, trails: 0x40...0xFE) { lead, trail in lead >= 0xA4 && lead <= 0xC6 && (trail < 0x7F || trail > 0xA0) }),
        ]
        let weights = ["euc-jp": 1.6, "shift_jis": 1.6, "euc-kr": 1.0, "gb18030": 0.97, "big5": 0.95]
        let scored = candidates.compactMap { name, pairs -> (String, Double)? in
            guard pairs.count >= 3, pairs.invalid * 50 <= pairs.count else { return nil }
            return (name, Double(pairs.common) / Double(pairs.count) * (weights[name] ?? 1))
        }
        let best = scored.max { $0.1 < $1.1 }
        return best.flatMap { $0.1 >= 0.55 ? $0.0 : nil }
    }

    private static func pairs(
        _ sample: ArraySlice<UInt8>, trails: ClosedRange<UInt8>, isCommon: (UInt8, UInt8) -> Bool
    ) -> Pairs {
        var pairs = Pairs()
        var index = sample.startIndex
        while index + 1 < sample.endIndex {
            let lead = sample[index]
            guard lead >= 0x80 else {
                index += 1
                continue
            }
            let trail = sample[index + 1]
            if lead > 0x80 && lead < 0xFF && trails.contains(trail) && trail != 0x7F {
                pairs.count += 1
                if isCommon(lead, trail) { pairs.common += 1 }
                index += 2
            } else {
                pairs.invalid += 1
                index += 1
            }
        }
        return pairs
    }

    private static func shiftJIS(_ sample: ArraySlice<UInt8>) -> Pairs {
        var result = Pairs()
        var index = sample.startIndex
        while index + 1 < sample.endIndex {
            let (lead, trail) = (sample[index], sample[index + 1])
            if lead < 0x80 {
                index += 1
            } else if (lead <= 0x9F && lead > 0x80) || (lead >= 0xE0 && lead <= 0xFC) {
                if trail >= 0x40 && trail <= 0xFC && trail != 0x7F { result.count += 1 } else { result.invalid += 1 }
                if lead == 0x82 || lead == 0x83 { result.common += 1 }
                index += 2
            } else {
                // Half-width katakana are rare, other single bytes have no meaning.
                if lead < 0xA1 || lead > 0xDF { result.invalid += 1 } else { result.count += 1 }
                index += 1
            }
        }
        return result
    }

    // MARK: - One byte a letter

    /// Cyrillic, Greek, Hebrew and Arabic, by the share of bytes where the set has its frequent letters.
    private static func otherScript(_ sample: ArraySlice<UInt8>, high: Int) -> String? {
        var counts = [Int](repeating: 0, count: 256)
        for byte in sample { counts[Int(byte)] += 1 }
        func share(_ bytes: [UInt8]) -> Double { Double(bytes.reduce(0) { $0 + counts[Int($1)] }) / Double(high) }
        // о е а и н т с р в л in each set: half and more of all Russian letters.
        let candidates: [(String, Double)] = [
            ("windows-1251", share([0xEE, 0xE5, 0xE0, 0xE8, 0xED, 0xF2, 0xF1, 0xF0, 0xE2, 0xEB])),
            ("koi8-r", share([0xCF, 0xC5, 0xC1, 0xC9, 0xCE, 0xD4, 0xD3, 0xD2, 0xD7, 0xCC])),
            ("cp866", share([0xAE, 0xA5, 0xA0, 0xA8, 0xAD, 0xE2, 0xE1, 0xE0, 0xA2, 0xAB])),
            ("iso-8859-5", share([0xDE, 0xD5, 0xD0, 0xD8, 0xDD, 0xE2, 0xE1, 0xE0, 0xD2, 0xDB])),
            // α ο ι ε τ σ ν η υ ρ ς
            ("windows-1253", share([0xE1, 0xEF, 0xE9, 0xE5, 0xF4, 0xF3, 0xED, 0xE7, 0xF5, 0xF1, 0xF2]) * 0.95),
            // י ו ה ל א ר מ ת ב ש
            ("windows-1255", share([0xE9, 0xE5, 0xE4, 0xEC, 0xE0, 0xF8, 0xEE, 0xFA, 0xE1, 0xF9]) * 0.9),
            // ا ل ي م ن ر و ت ه ب
            ("windows-1256", share([0xC7, 0xE1, 0xED, 0xE3, 0xE4, 0xD1, 0xE6, 0xCA, 0xE5, 0xC8])),
        ]
        let best = candidates.max { $0.1 < $1.1 }
        return best.flatMap { $0.1 >= 0.5 ? $0.0 : nil }
    }

    /// Letters of Polish, Czech and Hungarian that are signs in windows-1252, but here stand within words.
    private static func isCentralEuropean(_ sample: ArraySlice<UInt8>) -> Bool {
        var central = 0
        var high = 0
        for index in sample.indices where sample[index] >= 0x80 {
            high += 1
            // ą ł ż ś ź š ž ť
            guard [0xB9, 0xB3, 0xBF, 0x9C, 0x9F, 0x9A, 0x9E, 0x9D].contains(sample[index]) else { continue }
            if index + 1 < sample.endIndex, sample[index + 1].isLetter { central += 1 }
        }
        return central >= 3 && central * 7 >= high
    }
}
