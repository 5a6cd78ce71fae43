import AsyncAlgorithms
package import Knowledge

/// An answer that is about to come: what it rests on is known, its text streams.
package struct Answer: Sendable {
    /// The model's name as the client asked for it.
    package var model: String
    package var resolved: ResolvedKnowledge
    package var retrieval: Retrieval
    /// What was searched for; nil where nothing was.
    package var query: String?
    /// What `[1]`, `[2]`… stand for.
    package var references: [Passage]
    /// Each the events of one answer; there is at least one.
    package var choices: [AnswerEvents]
    let estimate: UsageEstimate

    /// The first answer's.
    package var events: AnswerEvents { choices[0] }

    /// What the answer used, for a model that does not say so itself. Near enough to budget by.
    /// - Parameter text: The whole answer.
    package func usage(of text: String) async throws -> TokenUsage { try await estimate(text) }

    package struct Retrieval: Hashable, Sendable {
        /// Passages found.
        package var candidates: Int
        /// Passages that the model was given.
        package var used: Int
        /// 0…1; nil where nothing was found.
        package var topScore: Double?
        /// Whether the answer rests on passages.
        package var isGrounded: Bool
        /// Turns of the conversation that did not fit into the model's window.
        package var droppedTurns = 0
    }
}

/// A piece of an answer as clients see it.
package enum AnswerEvent: Sendable {
    case text(String)
    /// Fields of an OpenAI delta other than text.
    case fields([String: JSONValue])
    /// OpenAI's `logprobs` of a choice, for text that came with them or comes next.
    case logprobs(JSONValue)
    /// The last piece but usage: the reason, the markers that the text holds, and how many were taken out of it.
    case finish(String, citations: [Citation], removedMarkers: Int)
    case usage(TokenUsage)
}

/// A model's events with its citation markers checked on the way. Read once.
package struct AnswerEvents: AsyncSequence, Sendable {
    let model: AsyncThrowingStream<ModelEvent, any Error>
    /// nil where nothing was searched, and nothing is a marker.
    let referenceCount: Int?
    /// Whose events these are among the answer's, from 0.
    var choice = 0
    /// Sees what is used on the way.
    var meter: UsageMeter?
    /// Ends the answer where it is.
    var stop = Latch()

    fileprivate enum Signal: Sendable {
        case event(ModelEvent)
        /// The model has nothing more to say, or is not to say it.
        case end
    }

    package struct AsyncIterator: AsyncIteratorProtocol {
        /// nil once nothing more is wanted of the model, which ends its work.
        fileprivate var signals: (any AsyncIteratorProtocol<Signal, any Error>)?
        let stop: Latch
        var filter: CitationFilter
        let choice: Int
        let meter: UsageMeter?
        var waiting: [AnswerEvent] = []
        var hasFinished = false

        package mutating func next() async throws -> AnswerEvent? {
            while waiting.isEmpty {
                if stop.isOpen { signals = nil }
                guard case .event(let event) = try await signals?.next(isolation: nil) ?? .end else {
                    signals = nil
                    // The merge ends for a reader who is cancelled as it does at a stop.
                    try Task.checkCancellation()
                    if hasFinished { return nil }
                    finish("stop")
                    break
                }
                take(event)
            }
            return waiting.removeFirst()
        }

        private mutating func take(_ event: ModelEvent) {
            meter?.see(event, of: choice)
            switch event {
            case .text(let text):
                let shown = filter.push(text)
                if !shown.isEmpty { waiting.append(.text(shown)) }
            case .fields(let fields): waiting.append(.fields(fields))
            case .logprobs(let logprobs): waiting.append(.logprobs(logprobs))
            case .usage(let usage): waiting.append(.usage(usage))
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
        let events = chain(model.map(Signal.event), [Signal.end].async)
        let stops = AsyncStream { [stop] in
            await stop.wait()
            return Signal.end
        }
        return AsyncIterator(
            signals: merge(events, stops).makeAsyncIterator(), stop: stop, filter: CitationFilter(referenceCount: referenceCount),
            choice: choice, meter: meter)
    }
}

/// Counts tokens by the embedding model's tokenizer, on threads that may be held up by a long conversation.
struct UsageEstimate: Sendable {
    let prompt: [JSONValue]
    let counter: any TokenCounter
    let workers: Workers

    func callAsFunction(_ text: String) async throws -> TokenUsage {
        try await workers.run { [self] in
            TokenUsage(
                prompt: prompt.reduce(0) { $0 + counter.count($1.contentText[...]) },
                completion: counter.count(text[...]))
        }
    }
}
