/// The header section of a message or of a part of one (RFC 5322, RFC 2045).
struct MailHeaders {
    /// A value such as `text/plain; charset=utf-8`, taken apart.
    struct Structured {
        /// In lower case.
        var value: String
        /// Names in lower case, values decoded.
        var parameters: [String: String]
    }

    /// Names in lower case, values unfolded.
    private var fields: [(name: String, value: [UInt8])] = []
    /// Where the body begins.
    private(set) var end: Int

    private static let maxFields = 1000
    private static let maxValueBytes = 32 << 10

    init(_ data: [UInt8], in range: Range<Int>) {
        end = range.lowerBound
        while end < range.upperBound {
            let lineEnd = data[end..<range.upperBound].firstIndex(of: .newline) ?? range.upperBound
            let line = data[end..<lineEnd].last == 0x0D ? data[end..<lineEnd - 1] : data[end..<lineEnd]
            let next = min(lineEnd + 1, range.upperBound)
            if line.isEmpty {
                end = next
                return
            }
            guard take(line) else { return }
            end = next
        }
    }

    /// - Returns: False for a line that is no header: the body began without a blank line.
    private mutating func take(_ line: ArraySlice<UInt8>) -> Bool {
        if line.first == .space || line.first == .tab {
            guard let last = fields.indices.last else { return line.trimmingSpace.isEmpty }
            let room = Self.maxValueBytes - fields[last].value.count
            if room > 0 { fields[last].value += [.space] + line.trimmingSpace.prefix(room) }
            return true
        }
        if fields.isEmpty, line.starts(with: "From ".utf8) || line.starts(with: ">From ".utf8) { return true }
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")), Self.isName(line[..<colon]) else { return false }
        if fields.count < Self.maxFields {
            let value = line[(colon + 1)...].trimmingSpace.prefix(Self.maxValueBytes)
            fields.append((line[..<colon].trimmingSpace.string.lowercased(), Array(value)))
        }
        return true
    }

    private static func isName(_ name: ArraySlice<UInt8>) -> Bool {
        !name.isEmpty && name.count <= 100 && name.trimmingSpace.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    }

    var isEmpty: Bool { fields.isEmpty }

    /// The value as people see it, nil if the field is missing.
    func text(_ name: String) -> String? {
        guard let field = fields.first(where: { $0.name == name }) else { return nil }
        let text = EncodedWords.decode(field.value).trimmingControls
        return text.isEmpty ? nil : text
    }

    /// The value and its parameters, those of RFC 2231 and those that programs wrongly write as encoded words.
    func structured(_ name: String) -> Structured? {
        guard let field = fields.first(where: { $0.name == name }) else { return nil }
        var parts = Self.split(field.value)
        let value = parts.isEmpty ? "" : parts.removeFirst().trimmingSpace.string.lowercased()
        var parameters = MailParameters()
        for part in parts {
            guard let sign = part.firstIndex(of: UInt8(ascii: "=")) else { continue }
            parameters.add(part[..<sign].trimmingSpace.string.lowercased(), part[(sign + 1)...].trimmingSpace)
        }
        return Structured(value: value, parameters: parameters.decoded())
    }

    /// Stretches between semicolons that are not in quotes.
    private static func split(_ value: [UInt8]) -> [ArraySlice<UInt8>] {
        var parts: [ArraySlice<UInt8>] = []
        var start = 0
        var isQuoted = false
        var index = 0
        while index < value.count {
            switch value[index] {
            case UInt8(ascii: "\\") where isQuoted: index += 1
            case UInt8(ascii: "\""): isQuoted.toggle()
            case UInt8(ascii: ";") where !isQuoted:
                parts.append(value[start..<index])
                start = index + 1
            default: break
            }
            index += 1
        }
        parts.append(value[min(start, value.count)...])
        return parts
    }
}

extension String {
    /// On one line, without control characters.
    var trimmingControls: String {
        let kept = unicodeScalars.filter { $0.value >= 0x20 || $0 == "\t" || $0 == "\n" }
        return String(String.UnicodeScalarView(kept)).onOneLine
    }
}

/// Parameters of a header, put together from pieces (RFC 2231).
private struct MailParameters {
    private var plain: [String: String] = [:]
    private var pieces: [String: [Int: (value: [UInt8], isEncoded: Bool)]] = [:]

    mutating func add(_ name: String, _ value: ArraySlice<UInt8>) {
        let value = Self.unquoted(value)
        let parts = name.split(separator: "*", omittingEmptySubsequences: false)
        guard parts.count > 1, let base = parts.first, !base.isEmpty else {
            plain[name] = plain[name] ?? EncodedWords.decode(value)
            return
        }
        let number = Int(parts[1]).map { min(max(0, $0), 999) } ?? 0
        pieces[String(base), default: [:]][number] = (value, parts.last == "")
    }

    func decoded() -> [String: String] {
        var result = plain
        for (name, parts) in pieces { result[name] = Self.joined(parts.sorted { $0.key < $1.key }.map(\.value)) }
        return result
    }

    /// The first piece may begin with `charset'language'`; pieces marked by a star have bytes as `%41`.
    private static func joined(_ parts: [(value: [UInt8], isEncoded: Bool)]) -> String {
        var charset = "utf-8"
        var bytes: [UInt8] = []
        for (index, part) in parts.enumerated() {
            var value = part.value[...]
            if index == 0, part.isEncoded, let first = value.firstIndex(of: UInt8(ascii: "'")),
                let second = value[(first + 1)...].firstIndex(of: UInt8(ascii: "'"))
            {
                charset = value[..<first].string
                value = value[(second + 1)...]
            }
            bytes += part.isEncoded ? unescaped(value) : Array(value)
        }
        return EncodedWords.text(bytes, charset: charset)
    }

    private static func unescaped(_ value: ArraySlice<UInt8>) -> [UInt8] {
        var bytes: [UInt8] = []
        var index = value.startIndex
        while index < value.endIndex {
            if value[index] == UInt8(ascii: "%"), index + 2 < value.endIndex, let byte = UInt8(value[index + 1...index + 2].string, radix: 16) {
                bytes.append(byte)
                index += 3
            } else {
                bytes.append(value[index])
                index += 1
            }
        }
        return bytes
    }

    /// The content of a quoted string; programs leave things behind its end, which do not count.
    private static func unquoted(_ value: ArraySlice<UInt8>) -> [UInt8] {
        guard value.first == UInt8(ascii: "\"") else { return Array(value) }
        var content: [UInt8] = []
        var index = value.startIndex + 1
        while index < value.endIndex, value[index] != UInt8(ascii: "\"") {
            if value[index] == UInt8(ascii: "\\"), index + 1 < value.endIndex { index += 1 }
            content.append(value[index])
            index += 1
        }
        return content
    }
}
