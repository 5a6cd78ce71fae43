import Knowledge

/// The text of one part of a message as blocks.
struct MailText {
    struct Block {
        var kind: ExtractedText.Block.Kind
        var content: [UInt8]
        var depth = 0
    }

    private(set) var blocks: [Block] = []
    private(set) var warnings: [String] = []

    /// Bytes of text.
    var size: Int { blocks.reduce(0) { $0 + $1.content.count } }

    /// - Parameter content: The part's bytes, transfer encoding undone.
    init(_ content: [UInt8], _ part: MailParts.Part) {
        let isPage = part.type == "text/html"
        let charset = part.parameters["charset"] ?? (isPage ? HTMLCharset.declared(in: content) : nil)
        let decoded: Decoded
        do {
            decoded = try Decoded(content, declared: charset)
        } catch {
            warnings = [error.message]
            return
        }
        warnings = decoded.warnings
        let text = Canonical.text(decoded.bytes)
        if isPage {
            HTMLReader.blocks(of: text) { kind, content, depth in
                blocks.append(Block(kind: kind, content: content, depth: depth))
            }
        } else {
            readLines(of: text, isFlowed: part.parameters["format"]?.lowercased() == "flowed")
        }
    }

    /// Paragraphs between blank lines; lines behind `>` are somebody else's and stay apart.
    private mutating func readLines(of text: [UInt8], isFlowed: Bool) {
        var open: [UInt8] = []
        var isQuote = false
        var joinsNext = false
        for range in Lines(text) {
            let line = text[range]
            let isQuoted = line.first == UInt8(ascii: ">")
            let body = line.drop { $0 == UInt8(ascii: ">") || $0.isSpace }
            if body.isEmpty || (isQuoted != isQuote && !open.isEmpty) { flush(&open, isQuote) }
            isQuote = isQuoted
            guard !body.isEmpty else { continue }
            if !open.isEmpty { open.append(joinsNext ? .space : .newline) }
            open += joinsNext && !open.isEmpty ? body : line
            // RFC 3676: a space at the end says that the paragraph goes on. `-- ` announces the signature.
            joinsNext = isFlowed && line.last == .space && !line.elementsEqual("-- ".utf8)
            if joinsNext { open.removeLast() }
        }
        flush(&open, isQuote)
    }

    private mutating func flush(_ open: inout [UInt8], _ isQuote: Bool) {
        if !open[...].trimmingSpace.isEmpty { blocks.append(Block(kind: isQuote ? .quote : .paragraph, content: open)) }
        open = []
    }
}
