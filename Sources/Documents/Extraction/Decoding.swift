import Foundation
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
    /// In this order: a byte order mark; valid UTF-8; UTF-16 by its zero bytes; the `declared` character set; UTF-8 with a few
    /// damaged places; windows-1252.
    ///
    /// - Parameter declared: A name such as `iso-8859-2` that the document itself gives.
    /// - Throws: `.unreadable` for what is not text.
    init(_ data: [UInt8], declared: String? = nil) throws(DocumentFailure) {
        if let marked = try Self.byMark(data) {
            self = marked
        } else if data.contains(0) {
            self = try Self.utf16WithoutMark(data)
        } else {
            let damage = UTF8Damage(of: data)
            if damage.invalid == 0 {
                self.init(bytes: data)
            } else if let declared, let text = CharacterSet.decode(data, as: declared) {
                self.init(bytes: text)
            } else {
                self = try Self.guessed(data, damage)
            }
        }
        let controls = bytes.count { $0 < 0x20 && $0 != 0x1B && ($0 < 0x09 || $0 > 0x0D) }
        // A text may carry a stray control character; a file in which every tenth byte is one is something else.
        guard controls * 10 <= bytes.count else { throw .unreadable("This file is binary, not text.") }
    }

    private static func byMark(_ data: [UInt8]) throws(DocumentFailure) -> Decoded? {
        if data.starts(with: [0xEF, 0xBB, 0xBF]) {
            let body = Array(data[3...])
            let damage = UTF8Damage(of: body)
            return damage.invalid == 0 ? Decoded(bytes: body) : repaired(body, damage)
        }
        if data.starts(with: [0xFF, 0xFE, 0, 0]) || data.starts(with: [0, 0, 0xFE, 0xFF]) {
            throw .unreadable("This file is text in UTF-32, which is not read.")
        }
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

    private static func utf16(_ data: ArraySlice<UInt8>, isBigEndian: Bool) -> Decoded {
        let high = isBigEndian ? 0 : 1
        let units = stride(from: data.startIndex, to: data.endIndex - 1, by: 2).map { index in
            UInt16(data[index + high]) << 8 | UInt16(data[index + 1 - high])
        }
        var decoded = Decoded(bytes: Array(String(decoding: units, as: UTF16.self).utf8))
        if data.count % 2 == 1 { decoded.warnings.append("The last byte is half a character and was left out.") }
        return decoded
    }

    /// Text without declaration that is not valid UTF-8: damaged UTF-8 if most of its special characters are sound, else
    /// windows-1252, the most common of the old encodings.
    private static func guessed(_ data: [UInt8], _ damage: UTF8Damage) throws(DocumentFailure) -> Decoded {
        if damage.sound > damage.invalid || damage.isCutOnly { return repaired(data, damage) }
        guard let text = CharacterSet.windows1252(data) else {
            throw .unreadable("The characters of this file are in an unknown encoding.")
        }
        return Decoded(
            bytes: text, warnings: ["The encoding is not UTF-8 and not declared; it was read as windows-1252."]
        )
    }

    private static func repaired(_ data: [UInt8], _ damage: UTF8Damage) -> Decoded {
        let place = damage.invalid == 1 ? "One place is" : "\(damage.invalid) places are"
        return Decoded(
            bytes: Array(String(decoding: data, as: UTF8.self).utf8),
            warnings: ["\(place) not valid UTF-8 and shown as \u{FFFD}."]
        )
    }
}

/// How much of a text is sound UTF-8.
private struct UTF8Damage {
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
