package import Knowledge

/// An answer that is about to come: what it rests on is known, its text streams.
package struct Answer: Sendable {
    /// The model's name as the client asked for it.
    package var model: String
    package var resolved: ResolvedKnowledge
    package var retrieval: Retrieval
    /// What `[1]`, `[2]`… stand for.
    package var references: [Passage]
    package var events: AnswerEvents

    package struct Retrieval: Hashable, Sendable {
        /// Passages found.
        package var candidates: Int
        /// Passages that the model was given.
        package var used: Int
        /// 0…1; nil where nothing was found.
        package var topScore: Double?
        /// Whether the answer rests on passages.
        package var isGrounded: Bool
    }
}

/// A piece of an answer as clients see it.
package enum AnswerEvent: Sendable {
    case text(String)
    /// Fields of an OpenAI delta other than text.
    case fields([String: JSONValue])
    /// The last piece but usage: the reason, the markers that the text holds, and how many were taken out of it.
    case finish(String, citations: [Citation], removedMarkers: Int)
    case usage(TokenUsage)
}

/// A model's events with its citation markers checked on the way. Read once.
package struct AnswerEvents: AsyncSequence, Sendable {
    let model: AsyncThrowingStream<ModelEvent, any Error>
    /// nil where nothing was searched, and nothing is a marker.
    let referenceCount: Int?
    let promptTokens: @Sendable () -> Int
    let counter: any TokenCounter

    package struct AsyncIterator: AsyncIteratorProtocol {
        var model: AsyncThrowingStream<ModelEvent, any Error>.Iterator
        var filter: CitationFilter
        let promptTokens: @Sendable () -> Int
        let counter: any TokenCounter
        var waiting: [AnswerEvent] = []
        var text = ""
        var hasFinished = false
        var hasUsage = false

        package mutating func next() async throws -> AnswerEvent? {
            while waiting.isEmpty {
                guard let event = try await model.next() else {
                    if hasFinished && hasUsage { return nil }
                    finish("stop")
                    countUsage()
                    break
                }
                take(event)
            }
            return waiting.removeFirst()
        }

        /// Many model servers do not say what they used. The embedding model's tokens are near enough to budget by.
        private mutating func countUsage() {
            guard !hasUsage else { return }
            hasUsage = true
            waiting.append(.usage(TokenUsage(prompt: promptTokens(), completion: counter.count(text[...]))))
        }

        private mutating func take(_ event: ModelEvent) {
            switch event {
            case .text(let text):
                self.text += text
                let shown = filter.push(text)
                if !shown.isEmpty { waiting.append(.text(shown)) }
            case .fields(let fields): waiting.append(.fields(fields))
            case .usage(let usage):
                hasUsage = true
                waiting.append(.usage(usage))
            case .finish(let reason): finish(reason)
            }
        }

        private mutating func finish(_ reason: String) {
            guard !hasFinished else { return }
            hasFinished = true
            let rest = filter.finish()
            if !rest.isEmpty { waiting.append(.text(rest)) }
            waiting.append(.finish(reason, citations: filter.citations, removedMarkers: filter.removed))
        }
    }

    package func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(
            model: model.makeAsyncIterator(), filter: CitationFilter(referenceCount: referenceCount),
            promptTokens: promptTokens, counter: counter)
    }
}
