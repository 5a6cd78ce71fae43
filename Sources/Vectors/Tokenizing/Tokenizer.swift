import Knowledge

/// How a tokenizer cuts text that holds no literal of a special token.
protocol TextCutter: Sendable {
    /// Calls `body` with one id after the other until it returns false.
    ///
    /// - Parameters:
    ///   - text: Valid UTF-8.
    ///   - isStart: Whether the whole text begins here, and not behind a special token.
    /// - Returns: False if `body` did.
    func visit(_ text: UnsafeBufferPointer<UInt8>, isStart: Bool, _ body: (Int32) -> Bool) -> Bool
}

/// A model's tokenizer, id for id as Hugging Face's.
struct Tokenizer: TokenCounter, TokenCodec {
    /// Which ids go around one text and around a pair.
    struct Frame: Hashable, Sendable {
        var classID: Int32
        var separatorID: Int32
        /// How many separators stand between the two texts of a pair.
        var separatorsBetween = 1
        /// The token type of a pair's second text and of the separator behind it.
        var secondType = 1
        /// Whether a pair is made as this says. What embeds reads single texts only and need not care.
        var takesPairs = true
    }

    let frame: Frame
    /// The ids that there are.
    let vocabulary: Range<Int>
    private let cutter: any TextCutter
    private let added: AddedTokens
    private let pieces: PieceTable

    var classID: Int32 { frame.classID }
    var separatorID: Int32 { frame.separatorID }

    init(_ cutter: any TextCutter, frame: Frame, added: AddedTokens, count: Int, pieces: PieceTable) {
        self.cutter = cutter
        self.frame = frame
        self.added = added
        vocabulary = 0..<count
        self.pieces = pieces
    }

    /// Ids without those of the frame, at most `limit`.
    func ids(of text: Substring, limit: Int = .max) -> [Int32] {
        var ids: [Int32] = []
        guard limit > 0 else { return ids }
        visit(text) { id in
            ids.append(id)
            return ids.count < limit
        }
        return ids
    }

    func ids(of text: String) -> [Int] { ids(of: text[...]).map(Int.init) }

    func text(of ids: [Int]) throws -> String { try pieces.text(of: ids) }

    /// WordPiece looks at one word after the other.
    var addsUpWords: Bool { cutter is WordPiece }

    /// How many ids the whole text has, without those of the frame.
    func count(_ text: Substring) -> Int {
        var count = 0
        visit(text) { _ in
            count += 1
            return true
        }
        return count
    }

    private func visit(_ text: Substring, _ body: (Int32) -> Bool) {
        var text = text
        text.withUTF8 { text in
            var start = 0
            while start < text.count {
                let match = added.next(in: text, from: start)
                let end = match?.range.lowerBound ?? text.count
                let part = UnsafeBufferPointer(rebasing: text[start..<end])
                guard part.isEmpty || cutter.visit(part, isStart: start == 0, body) else { return }
                guard let match, body(match.id) else { return }
                start = match.range.upperBound
            }
        }
    }
}
