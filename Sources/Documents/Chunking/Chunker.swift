package import Knowledge

/// Cuts a document into chunks that an embedding model can take whole.
///
/// Every chunk is one stretch of the canonical text; together they hold all of it that is not white space. The same input gives
/// the same chunks. Time and memory are linear in the text.
package struct Chunker: Sendable {
    /// Tokens that the embedding model takes for context and text together, special tokens not counted.
    package let window: Int
    private let counter: any TokenCounter

    /// - Parameters:
    ///   - window: At least 1. A window smaller than a single character's tokens is the only thing that is ever exceeded.
    ///   - counter: The embedding model's own tokenizer.
    package init(window: Int, counter: any TokenCounter) {
        self.window = max(1, window)
        self.counter = counter
    }

    /// Cuts a text.
    ///
    /// - Parameters:
    ///   - chunking: `.structured` follows headings, blocks and sentences. `.fixed` takes as many words as fit into `maxTokens` or
    ///     the window, whichever is smaller, and repeats at most `overlapTokens` of them, never more than half.
    ///   - filename: Stands in for a missing title.
    /// - Returns: Chunks in the order of the text, at least one unless the text is blank.
    package func chunks(of text: ExtractedText, chunking: Chunking, filename: String) -> [Chunk] {
        let outline = Outline(text, filename: filename)
        let meter = TokenMeter(Array(text.text.utf8), counter: counter)
        switch chunking {
        case .structured:
            var packer = StructuredPacker(outline: outline, meter: meter, window: window, counter: counter)
            return packer.chunks()
        case .fixed(let maxTokens, let overlapTokens):
            let size = min(max(1, maxTokens), window)
            var windows = FixedWindows(
                outline: outline, meter: meter, maxTokens: size, overlapTokens: min(max(0, overlapTokens), size / 2)
            )
            return windows.chunks()
        }
    }
}
