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
        var lineEnd: String?
        for line in lines {
            for (index, word) in line.words.enumerated() {
                switch index == 0 ? lineEnd.flatMap({ hyphenation.mending($0, word.text) }) : nil {
                case .join: text.removeLast()
                case .keepHyphen: break
                case .apart, nil: if Self.isSpaceNeeded(between: text, and: word.text) { text += " " }
                }
                text += word.text
            }
            lineEnd = line.words.last?.text
        }
        return text
    }

    private static func isSpaceNeeded(between text: String, and word: String) -> Bool {
        guard let last = text.unicodeScalars.last, let first = word.unicodeScalars.first else { return false }
        return !(last.isUnspaced && first.isUnspaced)
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
