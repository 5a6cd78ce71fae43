import Knowledge

/// Makes a conversation and its passages fit into a model's window.
///
/// What goes first is what the answer misses least: passages of the lowest rank, then the oldest turns, so that the best
/// passage and the question always stay.
struct PromptBudget: Sendable {
    /// Tokens of a message beside its text: role and separators.
    private static let tokensPerMessage = 8
    /// The least that is kept free for an answer.
    private static let minimumAnswer = 256

    /// Tokens of prompt and answer together; nil where nobody knows.
    let window: Int?
    /// Tokens that the client lets the answer have.
    let answerTokens: Int?
    /// Tokens of all passages together, whatever the window.
    let passageTokens: Int
    /// What goes along beside the messages: tools and the shape of the answer.
    var schemas: [JSONValue] = []
    let count: @Sendable (String) -> Int

    struct Fit: Sendable {
        var turns: [Question.Turn]
        var passages: [Passage]
        /// Turns that were left out.
        var droppedTurns = 0
        /// Whether less could be sent than this.
        var canShrink = false
        /// What is left for the answer, where that is less than the client lets it have.
        var answerTokens: Int?
    }

    /// - Throws: `RequestError.contextExceeded` where the question alone is too long, or leaves no room for any passage.
    func fit(_ turns: [Question.Turn], expert: Expert?, passages: [Passage]) throws -> Fit {
        var fit = Fit(turns: turns, passages: [])
        var room = Int.max
        if let window {
            let needed = neededTokens(turns, expert, hasPassages: !passages.isEmpty)
            let wanted = passages.first.map { tokens(of: $0, number: 1) } ?? 0
            let asked = max(Self.minimumAnswer, answerTokens ?? Self.minimumAnswer)
            // A long answer counts less than the question and the best passage.
            let reserve = min(asked, max(Self.minimumAnswer, window - needed - wanted))
            if reserve < asked { fit.answerTokens = reserve }
            room = window - reserve - needed
            guard room >= wanted else { throw RequestError.contextExceeded(windowTokens: window) }
            (fit.turns, fit.droppedTurns, room) = withRecentHistory(turns, room: room, wanted: wanted)
        }
        var used = 0
        fit.passages = Array(
            passages.enumerated().prefix { number, passage in
                used += tokens(of: passage, number: number + 1)
                return used <= room && (number == 0 || used <= passageTokens)
            }.map(\.element))
        fit.canShrink = fit.passages.count > 1 || !historyRange(of: fit.turns).isEmpty
        return fit
    }

    private func tokens(of passage: Passage, number: Int) -> Int {
        count(Prompt.rendered(passage, number: number))
    }

    private func tokens(of turn: Question.Turn) -> Int {
        // Tool calls and the like stand in the message beside its text.
        let more = turn.message["tool_calls"].map { count("\($0)") } ?? 0
        return count(turn.text) + more + Self.tokensPerMessage
    }

    /// What is sent in any case: instructions, the last user turn, and what follows it.
    private func neededTokens(_ turns: [Question.Turn], _ expert: Expert?, hasPassages: Bool) -> Int {
        let settings = expert?.settings ?? Expert.Settings()
        let history = historyRange(of: turns)
        let fixed = turns[..<history.lowerBound] + turns[history.upperBound...]
        return fixed.reduce(0) { $0 + tokens(of: $1) } + schemas.reduce(0) { $0 + count("\($1)") }
            + settings.initialConversation.reduce(0) { $0 + count($1.content) + Self.tokensPerMessage }
            + count(settings.instructions) + (hasPassages ? count(Prompt.context([], nonce: "")) : 0)
    }

    /// The turns between the instructions and the last user turn.
    private func historyRange(of turns: [Question.Turn]) -> Range<Int> {
        let first = turns.prefix { $0.role == .system || $0.role == .developer }.count
        let last = turns.lastIndex { $0.role == .user } ?? turns.count
        return first..<max(first, last)
    }

    /// As much of the history as leaves `wanted` tokens of `room`; it begins with a user's turn, since a model may not
    /// take an answer to a question that is gone.
    private func withRecentHistory(
        _ turns: [Question.Turn], room: Int, wanted: Int
    ) -> (turns: [Question.Turn], dropped: Int, room: Int) {
        let history = historyRange(of: turns)
        var start = history.upperBound
        var left = room
        var kept = (start: history.upperBound, room: room)
        while start > history.lowerBound, left - tokens(of: turns[start - 1]) >= wanted {
            start -= 1
            left -= tokens(of: turns[start])
            if turns[start].role == .user || start == history.lowerBound { kept = (start, left) }
        }
        let remaining = Array(turns[..<history.lowerBound]) + turns[kept.start...]
        return (remaining, kept.start - history.lowerBound, kept.room)
    }
}
