import Knowledge

/// Gives chunks their text and their places, in order, by walking along the text once.
struct ChunkBuilder {
    private let bytes: [UInt8]
    private let hasLines: Bool
    private var start: Position
    private var end: Position
    private(set) var chunks: [Chunk] = []

    /// A byte offset with the code points and newlines before it.
    private struct Position {
        var byte = 0
        var characters = 0
        var newlines = 0

        /// - Parameter target: Not before the present offset.
        mutating func advance(to target: Int, in bytes: [UInt8]) {
            for byte in bytes[byte..<max(byte, target)] {
                if !byte.isContinuation { characters += 1 }
                if byte == .newline { newlines += 1 }
            }
            byte = max(byte, target)
        }
    }

    init(_ bytes: [UInt8], hasLines: Bool) {
        self.bytes = bytes
        self.hasLines = hasLines
        start = Position()
        end = Position()
    }

    /// - Parameter range: Begins and ends not before those of the chunk before.
    mutating func append(_ range: Range<Int>, context: String, path: [String], tokens: Int) {
        start.advance(to: range.lowerBound, in: bytes)
        if end.byte < start.byte { end = start }
        end.advance(to: range.upperBound, in: bytes)
        chunks.append(
            Chunk(
                bytes: range, characters: start.characters..<end.characters, text: bytes[range].string, context: context,
                headingPath: path, locator: locator, tokenCount: tokens
            )
        )
    }

    private var locator: String? {
        guard hasLines else { return nil }
        let (first, last) = (start.newlines + 1, end.newlines + 1)
        return first == last ? "line \(first)" : "lines \(first)–\(last)"
    }
}
