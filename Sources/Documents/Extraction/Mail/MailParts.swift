/// A message taken apart into its parts (RFC 2046), in order, containers first.
struct MailParts {
    struct Part {
        var headers: MailHeaders
        var body: Range<Int>
        /// Such as `text/plain`.
        var type: String
        var parameters: [String: String]
        var disposition: MailHeaders.Structured?
        var children: [Int] = []
        var depth: Int

        /// The name under which it was attached.
        var filename: String? {
            let name = disposition?.parameters["filename"] ?? parameters["name"]
            return name.map { $0.trimmingControls }.flatMap { $0.isEmpty ? nil : $0 }
        }

        var isAttachment: Bool {
            if disposition?.value == "attachment" { return true }
            return !type.hasPrefix("multipart/") && (!type.hasPrefix("text/") || filename != nil)
        }
    }

    let data: [UInt8]
    private(set) var parts: [Part] = []

    private static let maxParts = 1000
    /// Containers below this depth are not opened.
    private static let maxDepth = 16

    init(_ data: [UInt8], in range: Range<Int>) {
        self.data = data
        parts.append(part(in: range, depth: 0, isDigest: false))
        var next = 0
        while next < parts.count {
            if parts[next].type.hasPrefix("multipart/"), parts[next].depth < Self.maxDepth { open(next) }
            next += 1
        }
    }

    /// The part's bytes as they were before mailing.
    func content(of part: Part) -> [UInt8] {
        let encoding = part.headers.structured("content-transfer-encoding")?.value ?? ""
        return TransferEncoding.decode(data[part.body], as: encoding)
    }

    private func part(in range: Range<Int>, depth: Int, isDigest: Bool) -> Part {
        let headers = MailHeaders(data, in: range)
        let type = headers.structured("content-type")
        let known = type.flatMap { $0.value.contains("/") ? $0.value : nil } ?? (isDigest ? "message/rfc822" : "text/plain")
        return Part(
            headers: headers, body: headers.end..<range.upperBound, type: known, parameters: type?.parameters ?? [:],
            disposition: headers.structured("content-disposition"), depth: depth
        )
    }

    /// Adds the children of a container.
    private mutating func open(_ index: Int) {
        guard let boundary = parts[index].parameters["boundary"], !boundary.isEmpty else {
            parts[index].type = "text/plain"
            return
        }
        let delimiter = Array("--\(boundary)".utf8)
        var start: Int?
        var at = parts[index].body.lowerBound
        let end = parts[index].body.upperBound
        while at < end {
            let lineEnd = data[at..<end].firstIndex(of: .newline) ?? end
            if data[at..<lineEnd].starts(with: delimiter), let kind = border(data[at..<lineEnd].dropFirst(delimiter.count)) {
                if let start { add(start..<max(start, at), to: index) }
                start = kind == .between ? min(lineEnd + 1, end) : nil
                if kind == .last { break }
            }
            at = lineEnd + 1
        }
        // A message that was cut off.
        if let start, start < end { add(start..<end, to: index) }
    }

    private enum Border { case between, last }

    /// What follows a boundary on its line: nothing, or two hyphens.
    private func border(_ rest: ArraySlice<UInt8>) -> Border? {
        let rest = rest.drop { $0 == 0x0D }.trimmingSpace
        if rest.isEmpty || rest.first == 0x0D { return .between }
        return rest.starts(with: "--".utf8) ? .last : nil
    }

    private mutating func add(_ range: Range<Int>, to parent: Int) {
        guard parts.count < Self.maxParts else { return }
        let isDigest = parts[parent].type == "multipart/digest"
        parts[parent].children.append(parts.count)
        parts.append(part(in: range, depth: parts[parent].depth + 1, isDigest: isDigest))
    }
}
