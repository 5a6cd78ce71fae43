/// The declarations around each place of a source file, by indentation: right for all code that people format.
struct CodeScopes {
    private struct Scope {
        var name: String
        var start: Int
        var end: Int
        var indent: Int
        var parent: Int?
    }

    /// In order of their starts.
    private var scopes: [Scope] = []

    private static let maxDepth = 8
    private static let maxNameBytes = 60
    private static let keywords: Set<String> = [
        "func", "class", "struct", "enum", "protocol", "extension", "actor", "def", "function", "interface", "impl", "fn", "trait",
        "module", "namespace", "object", "sub", "record", "union",
    ]

    init(_ text: [UInt8]) {
        var open: Int?
        for line in Lines(text) {
            let body = text[line].trimmingSpace
            guard !body.isEmpty else { continue }
            let indent = body.startIndex - line.lowerBound
            while let last = open, scopes[last].indent >= indent {
                scopes[last].end = line.lowerBound
                open = scopes[last].parent
            }
            guard let name = Self.declaredName(body) else { continue }
            scopes.append(Scope(name: name, start: body.startIndex, end: text.count, indent: indent, parent: open))
            open = scopes.count - 1
        }
    }

    /// The names of what encloses a place, outermost first; a declaration does not enclose its own first line.
    func path(at byte: Int) -> [String] {
        var (low, high) = (0, scopes.count)
        while low < high {
            let middle = (low + high) / 2
            if scopes[middle].start < byte { low = middle + 1 } else { high = middle }
        }
        var path: [String] = []
        var next = low > 0 ? low - 1 : nil
        while let index = next, path.count < Self.maxDepth {
            if scopes[index].end > byte { path.append(scopes[index].name) }
            next = scopes[index].parent
        }
        return path.reversed()
    }

    /// The word behind the keyword of a declaration that begins on this line.
    private static func declaredName(_ line: ArraySlice<UInt8>) -> String? {
        let words = line.prefix(200).split(separator: .space, maxSplits: 8)
        for (word, next) in zip(words.prefix(6), words.dropFirst()) {
            guard word.allSatisfy({ $0.isAlphanumeric || "@_()".utf8.contains($0) }) else { return nil }
            guard keywords.contains(word.string) else { continue }
            let name = next.prefix(maxNameBytes).prefix { $0.isAlphanumeric || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: ".") }
            return name.isEmpty ? nil : name.string
        }
        return nil
    }
}
