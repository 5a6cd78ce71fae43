import Knowledge

/// What to search for, so that the last turn of a conversation is understood without the others.
struct StandaloneQuestion: Sendable {
    /// The question itself first.
    let queries: [String]

    /// - Returns: nil where the user asked nothing.
    init?(_ turns: [Question.Turn]) {
        guard let text = turns.last(where: { $0.role == .user })?.text, !text.allSatisfy(\.isWhitespace) else { return nil }
        queries = [text]
    }
}
