import AsyncAlgorithms

/// Several answers to one prompt as one sequence, each piece as soon as it comes. Read once.
///
/// Each answer is read by a task of its own, one piece ahead of the reader. Letting go of the iterator ends all of them.
package struct AnswerPieces: AsyncSequence, Sendable {
    package struct Element: Sendable {
        /// Whose piece it is, from 0.
        package var choice: Int
        package var event: AnswerEvent
    }

    let choices: [AnswerEvents]

    package struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate enum Source {
            /// Needs no task: nothing else could come first.
            case one(AnswerEvents.AsyncIterator)
            case several(AsyncThrowingChannel<Element, any Error>.AsyncIterator, Reading)
        }

        fileprivate var source: Source

        package mutating func next() async throws -> Element? {
            switch source {
            case .one(var events):
                defer { source = .one(events) }
                return try await events.next().map { Element(choice: 0, event: $0) }
            case .several(var pieces, let reading):
                let piece = try await pieces.next()
                source = .several(pieces, reading)
                // The channel ends for a reader who is cancelled as it does after the last piece.
                if piece == nil { try Task.checkCancellation() }
                return piece
            }
        }
    }

    package func makeAsyncIterator() -> AsyncIterator {
        if choices.count == 1 { return AsyncIterator(source: .one(choices[0].makeAsyncIterator())) }
        let channel = AsyncThrowingChannel<Element, any Error>()
        return AsyncIterator(source: .several(channel.makeAsyncIterator(), Reading(choices, into: channel)))
    }

    /// The tasks that read the answers, for as long as somebody takes the pieces.
    fileprivate final class Reading: Sendable {
        private let task: Task<Void, Never>

        init(_ choices: [AnswerEvents], into channel: AsyncThrowingChannel<Element, any Error>) {
            task = Task {
                do {
                    try await withThrowingTaskGroup { group in
                        for (number, events) in choices.enumerated() {
                            group.addTask {
                                for try await event in events {
                                    await channel.send(Element(choice: number, event: event))
                                }
                            }
                        }
                        // The first that fails ends the others, which `waitForAll` would wait for.
                        while try await group.next() != nil {}
                    }
                    channel.finish()
                } catch {
                    channel.fail(error)
                }
            }
        }

        deinit { task.cancel() }
    }
}

extension Answer {
    /// The pieces of all answers. Read once.
    package var pieces: AnswerPieces { AnswerPieces(choices: choices) }
}
