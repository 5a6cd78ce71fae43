import Knowledge

/// Cuts words into pieces of four letters, as WordPiece would cut unknown ones.
struct PieceCounter: TokenCounter {
    let addsUpWords = true

    func count(_ text: Substring) -> Int {
        text.unicodeScalars.split { $0.properties.isWhitespace }.reduce(0) { $0 + ($1.count + 3) / 4 }
    }
}

/// One token a scalar and one more for every second word border: what a text costs is not what its words cost.
struct NastyCounter: TokenCounter {
    func count(_ text: Substring) -> Int {
        let words = text.split(whereSeparator: \.isWhitespace)
        return words.reduce(0) { $0 + $1.unicodeScalars.count } + words.count / 2 + (words.count > 5 ? 7 : 0)
    }
}
