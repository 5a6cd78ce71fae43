import Knowledge

/// Reads web pages: what stands in `<main>` or `<article>` if that is most of the page, else all but navigation and forms, and
/// if too little is left, all.
struct HTMLReader: TextFormatReader {
    /// A choice of regions must keep this share of the text, or the next wider one is taken.
    private static let minShare = 0.4

    /// Whether the content opens as a web page does; zero bytes are skipped so that UTF-16 is seen as well.
    static func opens(_ data: [UInt8]) -> Bool {
        var head = data.prefix(1024).filter { $0 != 0 && $0 < 0x80 }[...]
        head = head.trimmingSpace.drop { $0 == 0x0D || $0.isSpace }
        if head.starts(withLowercase: "<?xml"), let end = head.firstRange(of: "?>", from: head.startIndex) {
            head = head[end.upperBound...].drop { $0 == 0x0D || $0.isSpace }
        }
        return head.starts(withLowercase: "<!doctype html") || head.starts(withLowercase: "<html")
    }

    func declaredCharacterSet(of data: [UInt8]) -> String? { HTMLCharset.declared(in: data) }

    func read(_ text: [UInt8]) throws(DocumentFailure) -> ExtractedText {
        var page = HTMLPage()
        page.read(text)
        var builder = TextBuilder()
        for block in Self.chosen(page.blocks) where !builder.isOverLimit {
            builder.append(block.kind, block.content, depth: block.depth)
        }
        return try builder.finish(title: page.title)
    }

    /// Reads a piece of markup inside another document, all regions of it.
    static func blocks(of text: [UInt8], emit: (ExtractedText.Block.Kind, [UInt8], Int) -> Void) {
        var page = HTMLPage()
        page.read(text)
        for block in page.blocks { emit(block.kind, block.content, block.depth) }
    }

    private static func chosen(_ all: [HTMLPage.Block]) -> [HTMLPage.Block] {
        let own = all.filter { !$0.region.contains(.boilerplate) }
        let wide = size(own) >= minShare * size(all) ? own : all
        for region in [HTMLPage.Region.main, .article] {
            let inner = own.filter { $0.region.contains(region) }
            if !inner.isEmpty && size(inner) >= minShare * size(wide) { return inner }
        }
        return wide
    }

    private static func size(_ blocks: [HTMLPage.Block]) -> Double {
        Double(blocks.reduce(0) { $0 + $1.content.count })
    }
}
