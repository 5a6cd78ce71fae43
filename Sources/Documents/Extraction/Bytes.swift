/// Names and small questions for the bytes of UTF-8 text.
extension UInt8 {
    static let tab = UInt8(ascii: "\t")
    static let newline = UInt8(ascii: "\n")
    static let space = UInt8(ascii: " ")

    var isSpace: Bool { self == .space || self == .tab || self == .newline }
    var isDigit: Bool { self >= 0x30 && self <= 0x39 }
    var isLetter: Bool { (self | 0x20) >= 0x61 && (self | 0x20) <= 0x7A }
    var isAlphanumeric: Bool { isLetter || isDigit }
    /// Whether the byte continues a scalar that an earlier byte began.
    var isContinuation: Bool { self & 0xC0 == 0x80 }
    var isPunctuation: Bool { self > 0x20 && self < 0x7F && !isAlphanumeric }
    var lowercased: UInt8 { self >= 0x41 && self <= 0x5A ? self | 0x20 : self }
}

extension ArraySlice<UInt8> {
    /// Without spaces, tabs and newlines at both ends.
    var trimmingSpace: ArraySlice<UInt8> {
        guard let first = firstIndex(where: { !$0.isSpace }), let last = lastIndex(where: { !$0.isSpace }) else {
            return self[endIndex...]
        }
        return self[first...last]
    }

    /// At most so many bytes from the beginning, and no part of a character.
    func beginning(upTo count: Int) -> ArraySlice<UInt8> {
        var end = Swift.min(startIndex + count, endIndex)
        while end > startIndex, end < endIndex, self[end].isContinuation { end -= 1 }
        return self[..<end]
    }

    /// At most so many bytes before the end, and no part of a character.
    func ending(upTo count: Int) -> ArraySlice<UInt8> {
        count < self.count ? suffix(count).drop(while: \.isContinuation) : self
    }

    func starts(withLowercase prefix: StaticString) -> Bool {
        guard count >= prefix.utf8CodeUnitCount else { return false }
        return prefix.withUTF8Buffer { prefix in zip(self, prefix).allSatisfy { $0.lowercased == $1 } }
    }

    /// Where the exact bytes next occur at or behind `start`.
    func firstRange(of needle: StaticString, from start: Int) -> Range<Int>? {
        let length = needle.utf8CodeUnitCount
        return needle.withUTF8Buffer { needle in
            var at = start
            while at + length <= endIndex {
                guard let hit = self[at...].firstIndex(of: needle[0]), hit + length <= endIndex else { return nil }
                if self[hit..<hit + length].elementsEqual(needle) { return hit..<hit + length }
                at = hit + 1
            }
            return nil
        }
    }

    var string: String { String(decoding: self, as: UTF8.self) }
}

extension [UInt8] {
    /// Without blank lines in front and white space at the end; the first line keeps its indentation.
    var trimmingBlankLines: ArraySlice<UInt8> {
        let body = self[...].trimmingSpace
        guard !body.isEmpty else { return body }
        let lineStart = self[..<body.startIndex].lastIndex(of: .newline).map { $0 + 1 } ?? 0
        return self[lineStart..<body.endIndex]
    }

    /// The scalar whose first byte is at `index`, and how many bytes it has. The bytes must be valid UTF-8.
    @inline(__always)
    func scalar(at index: Int) -> (value: UInt32, length: Int) {
        let first = UInt32(self[index])
        if first < 0x80 { return (first, 1) }
        let second = UInt32(self[index + 1] & 0x3F)
        if first < 0xE0 { return ((first & 0x1F) << 6 | second, 2) }
        let third = UInt32(self[index + 2] & 0x3F)
        if first < 0xF0 { return ((first & 0x0F) << 12 | second << 6 | third, 3) }
        return ((first & 0x07) << 18 | second << 12 | third << 6 | UInt32(self[index + 3] & 0x3F), 4)
    }
}
