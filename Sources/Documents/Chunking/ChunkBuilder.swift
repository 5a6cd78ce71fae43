import Knowledge

/// Gives chunks their text and their places, in order, by walking along the text once.
struct ChunkBuilder {
    private let bytes: [UInt8]
    private let hasLines: Bool
    private let blocks: [ExtractedText.Block]
    /// The blocks that the last chunk begins and ends in.
    private var firstBlock = 0
    private var lastBlock = 0
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
            guard target > byte else { return }
            let stretch = bytes[byte..<target]
            (characters, newlines) = stretch.withUnsafeBufferPointer { stretch in
                var counts = (characters, newlines)
                for byte in stretch {
                    counts.0 += byte.isContinuation ? 0 : 1
                    counts.1 += byte == .newline ? 1 : 0
                }
                return counts
            }
            byte = target
        }
    }

    /// - Parameter bytes: The UTF-8 of the text.
    init(_ text: ExtractedText, bytes: [UInt8]) {
        self.bytes = bytes
        hasLines = text.keepsSourceLines
        blocks = text.blocks
        start = Position()
        end = Position()
    }

    /// - Parameter range: Begins and ends not before those of the chunk before.
    mutating func append(_ range: Range<Int>, context: String, path: [String], tokens: Int) {
        start.advance(to: range.lowerBound, in: bytes)
        if end.byte < start.byte { end = start }
        end.advance(to: range.upperBound, in: bytes)
        while firstBlock + 1 < blocks.count, blocks[firstBlock].bytes.upperBound <= range.lowerBound { firstBlock += 1 }
        lastBlock = max(lastBlock, firstBlock)
        while lastBlock + 1 < blocks.count, blocks[lastBlock + 1].bytes.lowerBound < range.upperBound { lastBlock += 1 }
        chunks.append(
            Chunk(
                bytes: range, characters: start.characters..<end.characters, text: bytes[range].string, context: context,
                headingPath: path, page: blocks[firstBlock].page, locator: locator, tokenCount: tokens
            )
        )
    }

    /// What the blocks say of their place, else the lines.
    private var locator: String? {
        let (first, last) = (blocks[firstBlock].locator, blocks[lastBlock].locator)
        guard let place = first ?? last else { return lines }
        guard let last, last != place else { return place }
        return "\(place) – \(last)"
    }

    private var lines: String? {
        guard hasLines else { return nil }
        let (first, last) = (start.newlines + 1, end.newlines + 1)
        return first == last ? "line \(first)" : "lines \(first)–\(last)"
    }
}
