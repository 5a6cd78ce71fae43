/// The character set that a page declares in its head.
enum HTMLCharset {
    /// - Returns: The name behind the first `charset=` (or XML's `encoding=`) in the first 8 KiB.
    static func declared(in data: [UInt8]) -> String? {
        let head = data.prefix(8 << 10).map(\.lowercased)[...]
        let hit = head.firstRange(of: "charset", from: 0) ?? head.firstRange(of: "encoding", from: 0)
        guard let hit else { return nil }
        let value = head[hit.upperBound...].drop { $0.isSpace || $0 == UInt8(ascii: "=") || $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "'") }
        let name = value.prefix(40).prefix { $0.isAlphanumeric || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") }
        return name.isEmpty ? nil : name.string
    }
}
