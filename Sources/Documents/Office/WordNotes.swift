import Knowledge

/// The texts of footnotes, endnotes or comments of a Word document by their numbers.
final class WordNotes: XMLHandler {
    struct Key: Hashable {
        /// `footnotes`, `endnotes` or `comments`.
        var part: String
        var id: String
    }

    /// Which of the three parts is read next.
    var part = ""
    private var order: [Key] = []
    private var texts: [Key: [UInt8]] = [:]
    private var open: Key?
    private var isInText = false

    /// The text of a note, once.
    func take(_ key: Key) -> [UInt8]? { texts.removeValue(forKey: key) }

    /// The texts that nobody took, in order.
    func takeAll() -> [[UInt8]] { order.compactMap { take($0) } }

    func start(_ name: String, _ attributes: XMLAttributes) -> XMLReader.Content {
        switch name {
        case "w:footnote", "w:endnote", "w:comment":
            // Only separators between text and notes have a type.
            guard let id = attributes["w:id"], [nil, "normal"].contains(attributes["w:type"]) else { return .skip }
            let key = Key(part: part, id: id)
            guard texts.updateValue([], forKey: key) == nil else { return .read }
            order.append(key)
            open = key
        case "w:del", "w:moveFrom", "w:instrText", "w:delText", "w:pPr", "w:rPr", "mc:Fallback": return .skip
        case "w:t", "m:t": isInText = true
        case "w:tab", "w:br", "w:cr": append([.space])
        case "w:noBreakHyphen": append([UInt8(ascii: "-")])
        default: break
        }
        return .read
    }

    func end(_ name: String) {
        switch name {
        case "w:footnote", "w:endnote", "w:comment": open = nil
        case "w:t", "m:t": isInText = false
        case "w:p": append([.space])
        default: break
        }
    }

    func text(_ text: UnsafeBufferPointer<UInt8>) {
        if isInText { append(text) }
    }

    private func append(_ bytes: some Collection<UInt8>) {
        if let open { texts[open]?.append(contentsOf: bytes) }
    }
}
