/// Several answers to one prompt as one sequence: a piece of each in turn, so that none is far ahead of the others.
package struct AnswerPieces: AsyncSequence, Sendable {
    package struct Element: Sendable {
        /// Whose piece it is, from 0.
        package var choice: Int
        package var event: AnswerEvent
    }

    let choices: [AnswerEvents]

    package struct AsyncIterator: AsyncIteratorProtocol {
        var open: [(choice: Int, events: AnswerEvents.AsyncIterator)]
        var turn = 0

        package mutating func next() async throws -> Element? {
            while !open.isEmpty {
                turn %= open.count
                let choice = open[turn].choice
                if let event = try await open[turn].events.next() {
                    turn += 1
                    return Element(choice: choice, event: event)
                }
                open.remove(at: turn)
            }
            return nil
        }
    }

    package func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(open: choices.enumerated().map { ($0, $1.makeAsyncIterator()) })
    }
}

extension Answer {
    /// The pieces of all answers. Read once.
    package var pieces: AnswerPieces { AnswerPieces(choices: choices) }
}
