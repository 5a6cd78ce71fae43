import Glibc

/// The encodings from before Unicode: windows-1252 by hand, the others by the C library's tables.
enum CharacterSet {
    /// A text of which at most every hundredth byte had no meaning.
    struct Text: Hashable {
        /// UTF-8.
        var bytes: [UInt8]
        /// Places that are shown as U+FFFD.
        var damaged = 0
    }

    /// Decodes text whose character set is named.
    ///
    /// - Parameter name: As in MIME or HTML, in any case: `iso-8859-2`, `Shift_JIS`, `cp1250`.
    /// - Returns: nil if the name is unknown or the bytes are no text of that set.
    static func decode(_ data: [UInt8], as name: String) -> Text? {
        let name = name.lowercased().filter { !$0.isWhitespace && $0 != "\"" && $0 != "'" }
        if western.contains(name) { return windows1252(data).map { Text(bytes: $0) } }
        let isSafe = name.utf8.allSatisfy { $0.isAlphanumeric || "-_.:".utf8.contains($0) }
        guard isSafe, !name.isEmpty, name.utf8.count <= 40, !name.hasPrefix("utf-8"), !name.hasPrefix("utf8") else { return nil }
        return Converter(from: aliases[name] ?? name)?.convert(data)
    }

    /// Whether text of this set looks like ASCII, so that only its name tells.
    static func isSevenBit(_ name: String) -> Bool {
        let name = name.lowercased()
        return name.hasPrefix("iso-2022-") || name.hasPrefix("hz-gb") || name.hasSuffix("utf-7")
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
        "windows-1252", "x-cp1252", "x-ansi", "default",
    ]

    /// Names that people use, each with the larger set that programs mean by it (https://encoding.spec.whatwg.org).
    private static let aliases: [String: String] = [
        "shift_jis": "cp932", "shift-jis": "cp932", "sjis": "cp932", "x-sjis": "cp932", "windows-31j": "cp932",
        "ms_kanji": "cp932", "gb2312": "gb18030", "gbk": "gb18030", "x-gbk": "gb18030", "gb_2312-80": "gb18030",
        "cp936": "gb18030", "chinese": "gb18030", "hz-gb-2312": "iso-2022-cn", "euc-kr": "cp949", "ks_c_5601-1987": "cp949",
        "ksc5601": "cp949", "korean": "cp949", "windows-949": "cp949", "big5": "big5-hkscs", "cp950": "big5-hkscs",
        "x-euc-jp": "euc-jp", "tis-620": "cp874", "iso-8859-11": "cp874", "windows-874": "cp874", "iso-8859-9": "cp1254",
        "iso8859-9": "cp1254", "macintosh": "macintosh", "mac": "macintosh", "x-mac-roman": "macintosh",
        "cp10000": "macintosh", "iso-8859-8-i": "iso-8859-8", "ibm866": "cp866", "unicode-1-1-utf-7": "utf-7",
        "cp1361": "johab", "koi8": "koi8-r", "cp20866": "koi8-r", "cp21866": "koi8-u", "x-mac-cyrillic": "mac-cyrillic",
        "cp28591": "iso-8859-1", "cp28592": "iso-8859-2", "cp28605": "iso-8859-15",
    ]
}

/// A conversion to UTF-8 by the C library (iconv, POSIX).
private struct Converter: ~Copyable {
    private let handle: iconv_t

    init?(from name: String) {
        guard let handle = iconv_open("UTF-8", name), handle != iconv_t(bitPattern: -1) else { return nil }
        self.handle = handle
    }

    deinit { iconv_close(handle) }

    /// - Returns: nil if more than every hundredth byte has no meaning.
    func convert(_ data: [UInt8]) -> CharacterSet.Text? {
        var text = CharacterSet.Text(bytes: [])
        text.bytes.reserveCapacity(data.count * 3 / 2)
        var input = data
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        let isText = input.withUnsafeMutableBytes { input in
            buffer.withUnsafeMutableBytes { buffer in convert(input, by: buffer, into: &text) }
        }
        return isText ? text : nil
    }

    private func convert(
        _ input: UnsafeMutableRawBufferPointer, by buffer: UnsafeMutableRawBufferPointer, into text: inout CharacterSet.Text
    ) -> Bool {
        var next = input.baseAddress?.assumingMemoryBound(to: CChar.self)
        var left = input.count
        while true {
            var out = buffer.baseAddress?.assumingMemoryBound(to: CChar.self)
            var room = buffer.count
            let isDone = left == 0
            // The last call asks for what is held back, such as a letter to which a mark might have come.
            let result = isDone ? iconv(handle, nil, nil, &out, &room) : iconv(handle, &next, &left, &out, &room)
            let reason = errno
            text.bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: buffer[..<(buffer.count - room)]))
            if isDone { return true }
            // (size_t)-1; Swift has it signed.
            guard result == -1, reason != E2BIG else { continue }
            text.damaged += 1
            if text.damaged > 2 && text.damaged * 100 > input.count { return false }
            text.bytes.append(contentsOf: "\u{FFFD}".utf8)
            next = next.map { $0 + 1 }
            left = reason == EINVAL ? 0 : left - 1
        }
    }
}
