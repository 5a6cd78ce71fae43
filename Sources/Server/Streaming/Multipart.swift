import Foundation
import Knowledge

/// Reads `multipart/form-data` (RFC 7578) part by part as it comes in, never holding more than a window of it.
///
///     --boundary CRLF  headers CRLF CRLF  bytes  CRLF --boundary … CRLF --boundary--
///
/// It knows of no HTTP library: the fuzzer compiles this file alone.
struct MultipartReader<Body: AsyncSequence> where Body.Element: Sequence<UInt8> {
    struct Part {
        var name: String
        var filename: String?
    }

    private static var maxBoundary: Int { 70 }
    private static var maxPreamble: Int { 1_024 }
    private static var maxHeaders: Int { 8_192 }
    private static var maxParts: Int { 64 }

    private var body: Body.AsyncIterator
    private let delimiter: [UInt8]
    /// What was received and not yet passed on; begins with a line end, so that the first boundary looks like the others.
    private var window: [UInt8] = [13, 10]
    private var hasEnded = false
    private var isInPart = false
    private var parts = 0

    /// - Throws: `RequestError` where the content type is no form or has no usable boundary.
    init(contentType: String?, body: Body) throws {
        guard let contentType, contentType.lowercased().hasPrefix("multipart/form-data") else {
            throw RequestError.unsupportedMediaType("The body must be multipart/form-data.")
        }
        guard let boundary = Self.parameter("boundary", of: contentType), !boundary.isEmpty,
            boundary.utf8.count <= Self.maxBoundary
        else { throw RequestError.malformed("The multipart boundary is missing or longer than 70 characters.") }
        delimiter = [13, 10] + Array("--\(boundary)".utf8)
        self.body = body.makeAsyncIterator()
    }

    /// The next part, its content to be read with `read()`; nil after the last one. Skips what was not read.
    mutating func nextPart() async throws -> Part? {
        if parts == 0, !isInPart { try await skipPreamble() }
        while isInPart { _ = try await read() }
        try await fill(2)
        guard window.count >= 2 else { throw Self.truncated }
        if window[0] == 45, window[1] == 45 { return nil }
        parts += 1
        guard parts <= Self.maxParts else { throw RequestError.malformed("The form has more than \(Self.maxParts) parts.") }
        let part = try await header()
        isInPart = true
        return part
    }

    /// More of the present part's content, nil at its end.
    mutating func read() async throws -> [UInt8]? {
        guard isInPart else { return nil }
        try await fill(delimiter.count + 65_536)
        if let end = window.position(of: delimiter) {
            let content = Array(window[..<end])
            window.removeFirst(content.isEmpty ? delimiter.count : end)
            if content.isEmpty {
                isInPart = false
                return nil
            }
            return content
        }
        // The end of the window may be the beginning of a boundary.
        guard window.count >= delimiter.count, !hasEnded else { throw Self.truncated }
        let count = window.count - delimiter.count + 1
        let content = Array(window[..<count])
        window.removeFirst(count)
        return content
    }

    private mutating func skipPreamble() async throws {
        try await fill(Self.maxPreamble + delimiter.count)
        guard let found = window.position(of: delimiter) else {
            throw RequestError.malformed("The body does not begin with the multipart boundary.")
        }
        window.removeFirst(found + delimiter.count)
    }

    private mutating func header() async throws -> Part {
        try await fill(Self.maxHeaders)
        guard let end = window.position(of: [13, 10, 13, 10]), end <= Self.maxHeaders else {
            throw RequestError.malformed("A part of the form has no header or one larger than 8192 bytes.")
        }
        let text = String(decoding: window[..<end], as: UTF8.self)
        // The line end before the content stays: an empty part is followed by its boundary at once.
        window.removeFirst(end + 4)
        let disposition = text.split(separator: "\r\n").first { $0.lowercased().hasPrefix("content-disposition:") }
        guard let disposition, let name = Self.parameter("name", of: String(disposition)) else {
            throw RequestError.malformed("A part of the form has no name.")
        }
        let filename = Self.parameter("filename", of: String(disposition)) ?? Self.extendedFilename(String(disposition))
        return Part(name: name, filename: filename)
    }

    /// Receives until the window holds so many bytes or the body ends.
    private mutating func fill(_ count: Int) async throws {
        while window.count < count, !hasEnded {
            guard let bytes = try await body.next() else {
                hasEnded = true
                return
            }
            window.append(contentsOf: bytes)
        }
    }

    private static var truncated: RequestError { .malformed("The form ends before its last boundary.") }

    /// A parameter of a header value, quoted or not. Browsers and clients escape a quote as `%22` or `\"`.
    static func parameter(_ name: String, of header: String) -> String? {
        for field in split(header).dropFirst() {
            guard let equals = field.firstIndex(of: "=") else { continue }
            let key = field[..<equals].filter { !$0.isWhitespace }.lowercased()
            guard key == name else { continue }
            var value = String(field[field.index(after: equals)...].drop { $0 == " " })
            while value.last == " " { value.removeLast() }
            if value.count >= 2, value.first == "\"", value.last == "\"" {
                value = String(value.dropFirst().dropLast())
                value = value.replacing("\\\"", with: "\"").replacing("%22", with: "\"").replacing("\\\\", with: "\\")
            }
            return value
        }
        return nil
    }

    /// `filename*=utf-8''%C3%BCber.md` (RFC 5987), which some clients send for names beyond ASCII.
    private static func extendedFilename(_ disposition: String) -> String? {
        guard let value = parameter("filename*", of: disposition) else { return nil }
        let parts = value.split(separator: "'", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0].lowercased() == "utf-8" else { return nil }
        return String(parts[2]).removingPercentEncoding
    }

    /// Splits at semicolons that stand outside quotes.
    private static func split(_ header: String) -> [String] {
        var fields = [""]
        var isQuoted = false
        var isEscaped = false
        for character in header {
            if character == ";", !isQuoted {
                fields.append("")
                continue
            }
            if character == "\"", !isEscaped { isQuoted.toggle() }
            isEscaped = character == "\\" && !isEscaped
            fields[fields.count - 1].append(character)
        }
        return fields
    }
}

extension [UInt8] {
    /// Where `pattern` begins for the first time. Looks for its first byte, which a line end makes rare.
    fileprivate func position(of pattern: [UInt8]) -> Int? {
        withUnsafeBufferPointer { bytes in
            var start = 0
            while start + pattern.count <= bytes.count {
                guard let found = bytes[start...].firstIndex(of: pattern[0]), found + pattern.count <= bytes.count else {
                    return nil
                }
                if bytes[found..<found + pattern.count].elementsEqual(pattern) { return found }
                start = found + 1
            }
            return nil
        }
    }
}
