/// A credential. Prints, dumps and logs as `[redacted]`; only what sends it can read it.
package struct Secret: Hashable, Sendable {
    let value: String

    /// White space around the value, such as the newline at the end of a key file, does not count.
    package init(_ value: String) {
        let isSpace: (Character) -> Bool = { $0.isWhitespace }
        let start = value.drop(while: isSpace)
        self.value = String(start.reversed().drop(while: isSpace).reversed())
    }

    /// Takes the secret out of a text that came from elsewhere: some servers quote the key that they refuse.
    ///
    /// Values of less than eight characters stay, as no credential is that short and they may be ordinary words.
    func redacted(from text: String) -> String {
        guard value.count >= 8, text.contains(value) else { return text }
        return text.split(separator: value, omittingEmptySubsequences: false).joined(separator: "[redacted]")
    }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "[redacted]" }
    package var debugDescription: String { "[redacted]" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
