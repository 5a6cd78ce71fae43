import Knowledge

/// Collects blocks into one canonical text.
struct TextBuilder {
    /// The most text that one document may have: 64 MiB.
    static let maxBytes = 64 << 20

    private(set) var bytes: [UInt8] = []
    private(set) var blocks: [ExtractedText.Block] = []
    var warnings: [String] = []
    var quality = ExtractedText.Quality()

    var isOverLimit: Bool { bytes.count > Self.maxBytes }

    /// Appends a block, or nothing if the content is blank.
    ///
    /// - Parameters:
    ///   - content: Valid UTF-8 in any normalisation.
    ///   - depth: How deep a list item is nested; shown by two spaces a level in front of the block.
    ///   - page: The page that it begins on, from 1.
    ///   - locator: Where to look in the original, for people.
    mutating func append(
        _ kind: ExtractedText.Block.Kind, _ content: some Collection<UInt8>, depth: Int = 0, page: Int? = nil,
        locator: String? = nil
    ) {
        let canonical = Canonical.text(Array(content))
        let trimmed = kind == .code ? canonical.trimmingBlankLines : canonical[...].trimmingSpace
        guard !trimmed.isEmpty else { return }
        if let last = blocks.last {
            let isList = last.kind == .listItem && kind == .listItem
            bytes.append(contentsOf: isList ? "\n".utf8 : "\n\n".utf8)
            if kind == .listItem { bytes.append(contentsOf: repeatElement(.space, count: 2 * min(depth, 8))) }
        }
        let start = bytes.count
        bytes.append(contentsOf: trimmed)
        blocks.append(ExtractedText.Block(kind: kind, bytes: start..<bytes.count, page: page, locator: locator))
    }

    /// - Parameter title: What the document calls itself; if nil, its first heading of level 1.
    /// - Throws: `.empty` if there is no text, `.tooLarge` if there is too much.
    consuming func finish(title: String?) throws(DocumentFailure) -> ExtractedText {
        guard !blocks.isEmpty else { throw .noText }
        guard !isOverLimit else { throw .tooMuchText }
        var text = ExtractedText(text: String(decoding: bytes, as: UTF8.self), blocks: blocks, warnings: warnings)
        text.quality = quality
        let heading = blocks.first { $0.kind == .heading(level: 1) }
        let heading1 = heading.map { String(decoding: bytes[$0.bytes], as: UTF8.self) }
        text.title = [title, heading1].lazy.compactMap { $0?.shortTitle }.first { !$0.isEmpty }
        return text
    }
}
