import Documents
import Knowledge

extension Reply {
    /// A text as a reply may have it: what says too much about itself says less, so that the text is not lost for it.
    init(fitting text: ExtractedText) {
        var text = text
        text.warnings = Self.fitting(text.warnings)
        text.title = text.title.map { Self.cut($0, Layout.maxSentenceBytes) }
        var locators: Set<String> = []
        var room = Self.maxOtherBytes / 2
        for index in text.blocks.indices {
            if let page = text.blocks[index].page, page > Layout.maxPages { text.blocks[index].page = nil }
            guard let long = text.blocks[index].locator else { continue }
            let locator = Self.cut(long, Self.keptBytes)
            if !locators.contains(locator) {
                let size = locator.utf8.count + MemoryLayout<UInt32>.size
                guard locators.count < Layout.maxLocators, size <= room else {
                    text.blocks[index].locator = nil
                    continue
                }
                locators.insert(locator)
                room -= size
            }
            text.blocks[index].locator = locator
        }
        self = .text(text)
    }

    /// A failure whose sentence is not too long.
    init(fitting failure: DocumentFailure) {
        var failure = failure
        failure.message = Self.cut(failure.message, Layout.maxSentenceBytes)
        self = .failure(failure)
    }

    private static let keptWarnings = 100
    /// Of a warning or a locator.
    private static let keptBytes = 1_600

    private static func fitting(_ warnings: [String]) -> [String] {
        let kept = warnings.prefix(keptWarnings).map { cut($0, keptBytes) }
        return warnings.count > kept.count ? kept + ["And \(warnings.count - kept.count) more."] : kept
    }

    /// The beginning of a text, cut between two characters.
    private static func cut(_ text: String, _ maxBytes: Int) -> String {
        guard text.utf8.count > maxBytes else { return text }
        var short = text.unicodeScalars[...]
        var size = text.utf8.count
        while size > maxBytes - 3, let last = short.popLast() { size -= UTF8.width(last) }
        return String(short) + "…"
    }
}
