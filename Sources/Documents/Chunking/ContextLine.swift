import Knowledge

/// Makes the line that is embedded in front of a chunk: `Title › Chapter › Section`.
struct ContextLine {
    struct Line: Hashable {
        var text = ""
        var tokens = 0
    }

    /// At most this many tokens, so that context never crowds out text: 48, or a fifth of a small window.
    let maxTokens: Int
    private let counter: any TokenCounter
    private var known: [[String]: Line] = [:]
    private static let separator = " › "

    init(window: Int, counter: any TokenCounter) {
        maxTokens = min(48, window / 5)
        self.counter = counter
    }

    /// The line for these parts, cut from the left until it fits; empty if nothing fits.
    mutating func line(_ parts: [String]) -> Line {
        guard !parts.isEmpty, maxTokens > 0 else { return Line() }
        if let line = known[parts] { return line }
        let line = fitting(parts)
        if known.count < 10_000 { known[parts] = line }
        return line
    }

    private func fitting(_ parts: [String]) -> Line {
        for first in parts.indices {
            let line = counted(parts[first...].joined(separator: Self.separator))
            if line.tokens <= maxTokens { return line }
        }
        // Even the last heading is too long: its end says most. Words are at least one token each.
        let words = (parts.last ?? "").split(separator: " ").suffix(maxTokens)
        for first in words.indices {
            let line = counted("… " + words[first...].joined(separator: " "))
            if line.tokens <= maxTokens { return line }
        }
        return Line()
    }

    private func counted(_ text: String) -> Line {
        Line(text: text + "\n", tokens: counter.count("\(text)\n"))
    }
}
