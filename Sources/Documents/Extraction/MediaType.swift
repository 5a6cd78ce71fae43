package import Knowledge

/// The formats that have a reader.
package enum MediaType: Hashable, Sendable, CaseIterable {
    case plainText, markdown, html
    /// Rows of comma- or tab-separated values.
    case csv
    /// Text whose lines mean something: source code, configuration, logs.
    case code

    /// Finds out what a file is. The content counts before the name.
    ///
    /// - Parameters:
    ///   - data: The whole file or at least its first 64 KiB.
    ///   - filename: Only its suffix is looked at.
    /// - Throws: `.unsupportedType` for known formats without a reader.
    package static func sniff(_ data: [UInt8], filename: String) throws(DocumentFailure) -> MediaType {
        if let format = BinaryFormat.of(data, suffix: suffix(of: filename)) {
            throw .unsupported(format.name, remedy: format.remedy)
        }
        if isHTML(data.prefix(1024)) { return .html }
        return bySuffix[suffix(of: filename)] ?? .plainText
    }

    /// The part behind the last dot, in lower case; empty if there is none.
    static func suffix(of filename: String) -> String {
        guard let dot = filename.lastIndex(of: "."), dot != filename.startIndex else { return "" }
        return filename[filename.index(after: dot)...].lowercased()
    }

    /// Whether the content opens as a web page does; zero bytes are skipped so that UTF-16 is seen as well.
    private static func isHTML(_ head: ArraySlice<UInt8>) -> Bool {
        var head = ArraySlice(head.filter { $0 != 0 && $0 < 0x80 })
        head = head.trimmingSpace.drop { $0 == 0x0D || $0.isSpace }
        if head.starts(withLowercase: "<?xml"), let end = head.firstRange(of: "?>", from: head.startIndex) {
            head = head[end.upperBound...].drop { $0 == 0x0D || $0.isSpace }
        }
        return head.starts(withLowercase: "<!doctype html") || head.starts(withLowercase: "<html")
    }

    private static let bySuffix: [String: MediaType] = {
        let suffixes: [(MediaType, String)] = [
            (.markdown, "md markdown mdown mkd mdx qmd rmd"),
            (.html, "html htm xhtml xht"),
            (.csv, "csv tsv tab"),
            (
                .code,
                """
                bash bat c cc cfg clj cmake conf cpp cs css cxx dart diff env erl ex go gradle groovy h hpp hs ini ipynb \
                java jl js json jsonl jsx kt less log lua m make ml mm ndjson patch php pl plist properties ps1 py r rb \
                rs scala scss sh sql svg swift tf toml ts tsx vb vue xml yaml yml zig
                """
            ),
        ]
        return suffixes.reduce(into: [:]) { table, row in
            for suffix in row.1.split(separator: " ") { table[String(suffix)] = row.0 }
        }
    }()
}
