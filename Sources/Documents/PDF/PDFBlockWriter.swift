/// Writes the pieces of pages as blocks, with broken words mended.
struct PDFBlockWriter {
    private let hyphenation: Hyphenation
    private var builder = TextBuilder()
    /// What the last block of lines became.
    private(set) var lastText: String?
    private(set) var tables = 0

    init(hyphenation: Hyphenation) { self.hyphenation = hyphenation }

    var isOverLimit: Bool { builder.isOverLimit }

    mutating func append(_ piece: PagePiece, level: Int?, page: Int) {
        switch piece.content {
        case .table(let table):
            tables += 1
            builder.append(.table, table.text.utf8, page: page)
        case .lines(let lines):
            let text = text(of: lines)
            lastText = text
            builder.append(level.map { .heading(level: $0) } ?? piece.kind, text.utf8, page: page)
        }
    }

    consuming func finish() -> TextBuilder { builder }

    /// The words of lines with single spaces between them, where their script has spaces.
    private func text(of lines: [LayoutLine]) -> String {
        var text = ""
        for word in lines.lazy.map(\.words) { append(word, to: &text) }
        return text
    }

    private func append(_ words: [LayoutWord], to text: inout String) {
        for (index, word) in words.enumerated() {
            let head = index == 0 ? text[(text.lastIndex(of: " ") ?? text.startIndex)...].drop { $0 == " " } : ""
            switch index == 0 ? hyphenation.mending(head, word.text) : nil {
            case .join:
                text.removeLast()
            case .keepHyphen:
                break
            case .apart, nil:
                let isSpaced = !(text.unicodeScalars.last?.isUnspaced ?? true && word.text.unicodeScalars.first?.isUnspaced ?? true)
                if !text.isEmpty && isSpaced { text += " " }
            }
            text += word.text
        }
    }
}

extension Unicode.Scalar {
    /// Whether it is of a script that writes no spaces between words: Chinese and Japanese.
    fileprivate var isUnspaced: Bool {
        switch value {
        case 0x3000...0x30FF, 0x3400...0x9FFF, 0xF900...0xFAFF, 0xFF00...0xFF9F, 0x20000...0x3FFFF: true
        default: false
        }
    }
}
