/// Text in headers: `=?utf-8?Q?K=C3=B6ln?=` (RFC 2047), else UTF-8 or what it is guessed to be.
enum EncodedWords {
    /// Decodes a header's value. Neighbouring words of one character set are joined before decoding, since programs cut
    /// characters in two.
    static func decode(_ value: [UInt8]) -> String {
        guard value[...].firstRange(of: "=?", from: 0) != nil else { return text(value, charset: "utf-8") }
        var result = ""
        var plain: [UInt8] = []
        var open: (charset: String, bytes: [UInt8])?
        func closed() -> String { open.map { text($0.bytes, charset: $0.charset) } ?? "" }
        var index = 0
        while index < value.count {
            guard value[index] == UInt8(ascii: "="), let word = Word(value, at: index) else {
                plain.append(value[index])
                index += 1
                continue
            }
            // White space between two encoded words is not part of the text.
            if open == nil || !plain[...].trimmingSpace.isEmpty {
                result += closed() + text(plain, charset: "utf-8")
                open = nil
            }
            plain = []
            if open?.charset == word.charset {
                open?.bytes += word.bytes
            } else {
                result += closed()
                open = (word.charset, word.bytes)
            }
            index = word.end
        }
        return result + closed() + text(plain, charset: "utf-8")
    }

    /// Bytes of a named character set, or of what they look like.
    static func text(_ bytes: [UInt8], charset: String) -> String {
        if CharacterSet.isSevenBit(charset), let text = CharacterSet.decode(bytes, as: charset) { return text.bytes[...].string }
        if let text = String(validating: bytes, as: UTF8.self) { return text }
        let text = CharacterSet.decode(bytes, as: charset) ?? CharacterSet.decode(bytes, as: EncodingGuess.name(of: bytes))
        return (text?.bytes ?? bytes)[...].string
    }

    /// `=?charset?encoding?content?=`
    private struct Word {
        var charset: String
        var bytes: [UInt8]
        var end: Int

        /// RFC 2047 allows 75 characters; programs write more.
        private static let maxBytes = 1000

        init?(_ value: [UInt8], at start: Int) {
            let limit = min(start + Self.maxBytes, value.count)
            guard start + 1 < limit, value[start + 1] == UInt8(ascii: "?") else { return nil }
            let mark = UInt8(ascii: "?")
            guard let first = value[(start + 2)..<limit].firstIndex(of: mark),
                let second = value[(first + 1)..<limit].firstIndex(of: mark), second == first + 2,
                let last = value[(second + 1)..<limit].firstIndex(of: mark), last + 1 < limit, value[last + 1] == UInt8(ascii: "=")
            else { return nil }
            // A language may follow the name: `us-ascii*en`.
            charset = value[(start + 2)..<first].prefix { $0 != UInt8(ascii: "*") }.string.lowercased()
            let content = value[(second + 1)..<last]
            end = last + 2
            switch value[first + 1] | 0x20 {
            case UInt8(ascii: "q"):
                bytes = TransferEncoding.quotedPrintable(content.map { $0 == UInt8(ascii: "_") ? .space : $0 }[...])
            case UInt8(ascii: "b"): bytes = TransferEncoding.base64(content)
            default: return nil
            }
        }
    }
}
