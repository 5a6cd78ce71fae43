import Knowledge

/// Bytes of an uploaded file as UTF-8, with what had to be guessed.
struct Decoded: Hashable {
    /// Valid UTF-8, not canonical yet.
    var bytes: [UInt8]
    var warnings: [String] = []
}

extension Decoded {
    /// Finds out in which encoding a text is written and decodes it.
    ///
    /// In this order: a byte order mark; UTF-16 by its zero bytes; ISO-2022 and UTF-7 where `declared` or escape codes say so;
    /// valid UTF-8; the `declared` character set; UTF-8 with a few damaged places; a guess.
    ///
    /// - Parameter declared: A name such as `iso-8859-2` that the document itself gives.
    /// - Throws: `.unreadable` for what is not text.
    init(_ data: [UInt8], declared: String? = nil) throws(DocumentFailure) {
        if let marked = try Self.byMark(data) {
            self = marked
        } else if data.contains(0) {
            self = try Self.utf16WithoutMark(data)
        } else if let text = Self.sevenBit(data, declared: declared) {
            self.init(text)
        } else {
            let damage = UTF8Damage(of: data)
            if damage.invalid == 0 {
                self.init(bytes: data)
            } else if let declared, let text = CharacterSet.decode(data, as: declared) {
                self.init(text)
            } else {
                self = try Self.guessed(data, damage)
            }
        }
        let controls = bytes.count { $0 < 0x20 && $0 != 0x1B && ($0 < 0x09 || $0 > 0x0D) }
        // A text may carry a stray control character; a file in which every tenth byte is one is something else.
        guard controls * 10 <= bytes.count else { throw .unreadable("This file is binary, not text.") }
    }

    private init(_ text: CharacterSet.Text) {
        self.init(bytes: text.bytes)
        if text.damaged > 0 { warnings = ["Places without meaning in the file's encoding are shown as \u{FFFD}: \(text.damaged)."] }
    }

    /// Text in escape codes, which is ASCII to the eye.
    private static func sevenBit(_ data: [UInt8], declared: String?) -> CharacterSet.Text? {
        if let declared, CharacterSet.isSevenBit(declared) { return CharacterSet.decode(data, as: declared) }
        guard data.contains(0x1B), data[...].firstRange(of: "\u{1B}$B", from: 0) != nil else { return nil }
        return CharacterSet.decode(data, as: "iso-2022-jp")
    }

    private static func byMark(_ data: [UInt8]) throws(DocumentFailure) -> Decoded? {
        if data.starts(with: [0xEF, 0xBB, 0xBF]) {
            let body = Array(data[3...])
            let damage = UTF8Damage(of: body)
            return damage.invalid == 0 ? Decoded(bytes: body) : try repaired(body, damage)
        }
        if data.starts(with: [0xFF, 0xFE, 0, 0]) { return utf32(data[4...], isBigEndian: false) }
        if data.starts(with: [0, 0, 0xFE, 0xFF]) { return utf32(data[4...], isBigEndian: true) }
        if data.starts(with: [0xFF, 0xFE]) { return utf16(data[2...], isBigEndian: false) }
        if data.starts(with: [0xFE, 0xFF]) { return utf16(data[2...], isBigEndian: true) }
        return nil
    }

    /// UTF-16 of most languages has its zero bytes on one side only: in text of European languages they are near half of all.
    private static func utf16WithoutMark(_ data: [UInt8]) throws(DocumentFailure) -> Decoded {
        let sample = data.prefix(64 << 10)
        var zeros = (even: 0, odd: 0)
        for (index, byte) in sample.enumerated() where byte == 0 {
            if index % 2 == 0 { zeros.even += 1 } else { zeros.odd += 1 }
        }
        let few = sample.count / 50
        let many = sample.count / 5
        guard (zeros.even <= few && zeros.odd >= many) || (zeros.odd <= few && zeros.even >= many) else {
            throw .unreadable("This file is binary, not text: it contains zero bytes.")
        }
        var decoded = utf16(data[...], isBigEndian: zeros.even > zeros.odd)
        decoded.warnings.append("The file does not say that it is UTF-16; this was guessed.")
        return decoded
    }

    private static func utf32(_ data: ArraySlice<UInt8>, isBigEndian: Bool) -> Decoded {
        var scalars = String.UnicodeScalarView()
        for index in stride(from: data.startIndex, to: data.endIndex - 3, by: 4) {
            let bytes = isBigEndian ? Array(data[index..<index + 4]) : data[index..<index + 4].reversed()
            scalars.append(Unicode.Scalar(bytes.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }) ?? "\u{FFFD}")
        }
        return Decoded(bytes: Array(String(scalars).utf8))
    }

    private static func utf16(_ data: ArraySlice<UInt8>, isBigEndian: Bool) -> Decoded {
        let high = isBigEndian ? 0 : 1
        let units = stride(from: data.startIndex, to: data.endIndex - 1, by: 2).map { index in
            UInt16(data[index + high]) << 8 | UInt16(data[index + 1 - high])
        }
        var decoded = Decoded(bytes: Array(String(decoding: units, as: UTF16.self).utf8))
        if data.count % 2 == 1 { decoded.warnings.append("The last byte is half a character and was left out.") }
        return decoded
    }

    /// Text without declaration that is not valid UTF-8: damaged UTF-8 if most of its special characters are sound, else a guess.
    private static func guessed(_ data: [UInt8], _ damage: UTF8Damage) throws(DocumentFailure) -> Decoded {
        if damage.sound > damage.invalid || damage.isCutOnly { return try repaired(data, damage) }
        for name in [EncodingGuess.name(of: data), "windows-1252"] {
            guard let text = CharacterSet.decode(data, as: name) else { continue }
            var decoded = Decoded(text)
            decoded.warnings.append("The encoding is not UTF-8 and not declared; it was read as \(name).")
            return decoded
        }
        throw .unreadable("The characters of this file are in an unknown encoding.")
    }

    private static func repaired(_ data: [UInt8], _ damage: UTF8Damage) throws(DocumentFailure) -> Decoded {
        guard damage.invalid <= 2 || damage.invalid * 100 <= data.count else {
            throw .unreadable("More than one in a hundred characters of this file is damaged.")
        }
        let place = damage.invalid == 1 ? "One place is" : "\(damage.invalid) places are"
        return Decoded(
            bytes: Array(String(decoding: data, as: UTF8.self).utf8),
            warnings: ["\(place) not valid UTF-8 and shown as \u{FFFD}."]
        )
    }
}

/// How much of a text is sound UTF-8.
struct UTF8Damage {
    /// Scalars of two to four bytes that are well formed.
    var sound = 0
    /// Places where a byte does not belong.
    var invalid = 0
    /// Whether the only fault is a last character that was cut off.
    var isCutOnly = false

    init(of data: [UInt8]) {
        var parser = Unicode.UTF8.ForwardParser()
        var bytes = data.makeIterator()
        loop: while true {
            switch parser.parseScalar(from: &bytes) {
            case .valid(let scalar): if scalar.count > 1 { sound += 1 }
            case .error: invalid += 1
            case .emptyInput: break loop
            }
        }
        let tail = data.suffix(3)
        isCutOnly = invalid == 1 && sound > 0 && tail.contains { $0 >= 0xC2 }
    }
}
