import Knowledge

/// The way back from ids to text.
struct PieceTable: Sendable {
    /// How a vocabulary writes where words begin and go on.
    enum Spelling: Sendable {
        /// `##ing` continues a word.
        case continuations
        /// `▁word` begins one.
        case marks
        /// Each character is a byte of GPT-2's alphabet.
        case bytes
    }

    private let spelling: Spelling
    private var pieces: [UInt8] = []
    /// Where each piece begins in `pieces`, and at the end where the last one ends.
    private var starts: [Int32] = [0]

    /// - Parameter tokens: Their positions are their ids.
    init(_ tokens: [[UInt8]], _ spelling: Spelling) {
        self.spelling = spelling
        starts.reserveCapacity(tokens.count + 1)
        pieces.reserveCapacity(tokens.reduce(0) { $0 + $1.count })
        for token in tokens {
            pieces += token
            starts.append(Int32(pieces.count))
        }
    }

    var count: Int { starts.count - 1 }

    /// The text of ids, nearly as it was: what normalising takes away does not come back.
    /// - Throws: `RequestError.invalid` for an id that the vocabulary does not have.
    func text(of ids: [Int]) throws -> String {
        var bytes: [UInt8] = []
        for id in ids {
            guard (0..<count).contains(id) else {
                throw RequestError.invalid(
                    parameter: "tokens", message: "token \(id) is not in the vocabulary of \(count)")
            }
            append(pieces[Int(starts[id])..<Int(starts[id + 1])], to: &bytes)
        }
        switch spelling {
        case .continuations: return String(decoding: bytes, as: UTF8.self)
        case .marks:
            let text = String(decoding: bytes, as: UTF8.self).replacing("▁", with: " ")
            return String(text.trimmingPrefix(" "))
        case .bytes: return String(decoding: ByteAlphabet.bytes(of: bytes), as: UTF8.self)
        }
    }

    /// Words are joined by spaces, with none in front of closing punctuation.
    private func append(_ piece: ArraySlice<UInt8>, to text: inout [UInt8]) {
        guard spelling == .continuations else { return text += piece }
        if piece.count > 2, piece.starts(with: "##".utf8) { return text += piece.dropFirst(2) }
        if !text.isEmpty, !(piece.count == 1 && Self.closing.contains(piece.first ?? 0)) { text.append(UInt8(ascii: " ")) }
        text += piece
    }

    private static let closing = Set(".,!?;:)]}%".utf8)
}
