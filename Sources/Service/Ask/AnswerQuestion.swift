package import Knowledge

/// How much an answer may rest on.
package struct RetrievalLimits: Hashable, Sendable {
    /// Passages looked at.
    package var candidates = 10
    /// Passages given to the model at most.
    package var passages = 8
    /// Their tokens together, as the answering model counts them; the lowest ranks are dropped first.
    package var contextTokens = 3_000
    /// Tokens up to which a passage is widened to what stands around it; 0 leaves it as it was found.
    package var widenedTokens = 400
    /// The score that the best passage must reach to count as an answer.
    package var minimumScore = 0.5

    package init() {}
}

/// Answers one turn of a conversation: resolve, retrieve, augment, generate.
package struct AnswerQuestion: Sendable {
    let resolve: ResolveKnowledge
    let find: FindKnowledge
    let models: any ModelCatalog
    /// Counts what a model used where the model does not say so itself.
    let counter: any TokenCounter
    /// Threads for what computes long.
    package let workers: Workers
    let limits: RetrievalLimits
    private let ledger: UsageLedger?
    private let widen: Widening
    private let stops: StopSwitch

    /// How often a prompt is shortened for a model that says it is too long.
    private static let maxAttempts = 3

    package init(
        resolve: ResolveKnowledge, retriever: Retriever, models: any ModelCatalog, counter: any TokenCounter,
        workers: Workers, limits: RetrievalLimits = RetrievalLimits(), ledger: UsageLedger? = nil,
        stops: StopSwitch = StopSwitch(), rewrite: RewriteQuestion? = nil
    ) {
        self.ledger = ledger
        self.stops = stops
        widen = Widening(chunks: retriever.chunks, maxTokens: limits.widenedTokens)
        self.resolve = resolve
        find = FindKnowledge(retriever: retriever, limits: limits, rewrite: rewrite)
        self.models = models
        self.counter = counter
        self.workers = workers
        self.limits = limits
    }

    /// The model of requests that name none.
    package var defaultModel: String { resolve.defaultModel }

    package func callAsFunction(_ question: Question, in scope: Scope) async throws -> Answer {
        let stop = stops.watch(scope)
        let asked = try await prepare(question, in: scope)
        let (prompt, droppedTurns, streams) = try await begin(asked, until: stop)
        let references = asked.resolved.bases.isEmpty ? nil : prompt.passages.count
        let estimate = UsageEstimate(prompt: prompt.messages, counter: counter, workers: workers)
        // One for all choices: the prompt is counted once.
        let meter = ledger.map { ledger in
            UsageMeter(estimate, choices: streams.count) { ledger.note($0, of: asked.resolved.model, in: scope) }
        }
        return Answer(
            model: question.model ?? asked.resolved.model,
            resolved: asked.resolved,
            retrieval: Answer.Retrieval(
                candidates: asked.found.passages.count, used: prompt.passages.count,
                topScore: asked.found.passages.first?.score, isGrounded: !prompt.passages.isEmpty,
                droppedTurns: droppedTurns),
            query: asked.found.query?.inFull,
            references: prompt.passages,
            choices: streams.enumerated().map { number, stream in
                AnswerEvents(
                    model: stream, referenceCount: references, choice: number, meter: meter, stop: stop)
            },
            estimate: estimate
        )
    }

    /// What the model would be asked, without asking it.
    package func prompt(for question: Question, in scope: Scope) async throws -> Prompt {
        let asked = try await prepare(question, in: scope)
        return try await prompt(asked, window: asked.model.contextTokens).prompt
    }

    /// The tokens of what the model would be asked, passages included: what an answer's usage says of its prompt where
    /// the model does not count for itself.
    package func promptTokens(for question: Question, in scope: Scope) async throws -> Int {
        let prompt = try await prompt(for: question, in: scope)
        return try await UsageEstimate(prompt: prompt.messages, counter: counter, workers: workers)("").prompt
    }

    /// A question with all that its answer is made of.
    private struct Asked {
        var question: Question
        var resolved: ResolvedKnowledge
        var model: any LanguageModel
        var found: FindKnowledge.Finding
        /// The passages to rest on, widened.
        var passages: [Passage]
    }

    private func prepare(_ question: Question, in scope: Scope) async throws -> Asked {
        // Much is looked up here, each time only a little: not each time on another thread.
        try await withTaskExecutorPreference(workers) { try await prepared(question, in: scope) }
    }

    private func prepared(_ question: Question, in scope: Scope) async throws -> Asked {
        let resolved = try await resolve(question, in: scope)
        let model = try await models.languageModel(named: resolved.model)
        let found = try await find(
            question.turns, in: resolved.bases, choice: question.knowledge, scope: scope)
        let best = found.isSufficient ? found.passages.prefix(question.knowledge.maxPassages ?? limits.passages) : []
        return Asked(
            question: question, resolved: resolved, model: model, found: found,
            passages: try await widen(Array(best), in: scope))
    }

    /// Asks the model, with less around the question where it says that the prompt is too long.
    private func begin(
        _ asked: Asked, until stop: Latch
    ) async throws -> (Prompt, droppedTurns: Int, [AsyncThrowingStream<ModelEvent, any Error>]) {
        var window = asked.model.contextTokens
        var attempt = 0
        while true {
            attempt += 1
            let (prompt, fit) = try await prompt(asked, window: window)
            do {
                return (prompt, fit.droppedTurns, try await answers(prompt, asked, until: stop))
            } catch UpstreamError.contextExceeded(let provider, let named, let message) {
                let sent = prompt.messages.reduce(0) { $0 + asked.model.tokenCount($1.contentText) }
                let next = min(named ?? .max, min(window ?? sent, sent) * 3 / 4)
                guard attempt < Self.maxAttempts, fit.canShrink, prompt.isGrounded else {
                    throw UpstreamError.contextExceeded(provider: provider, windowTokens: named, message: message)
                }
                window = next
            }
        }
    }

    private func prompt(_ asked: Asked, window: Int?) async throws -> (prompt: Prompt, PromptBudget.Fit) {
        let resolved = asked.resolved
        let fit = try await fit(asked.question, resolved, asked.passages, asked.model, window: window)
        var parameters = resolved.parameters
        if let tokens = fit.answerTokens {
            // Under the client's own names: not every server knows the newer one.
            for name in ["max_completion_tokens", "max_tokens"] where parameters[name] != nil {
                parameters[name] = .integer(tokens)
            }
        }
        var prompt = Prompt(
            model: resolved.model, turns: fit.turns, expert: resolved.expert, passages: fit.passages,
            isGrounded: !resolved.bases.isEmpty, parameters: parameters, nonce: Self.nonce())
        prompt.standalone = asked.found.query?.inFull ?? prompt.question
        prompt.form = asked.question.form
        return (prompt, fit)
    }

    /// As many answers as are wanted, all begun at the same time. With a seed each has its own, or they would be one.
    private func answers(
        _ prompt: Prompt, _ asked: Asked, until stop: Latch
    ) async throws -> [AsyncThrowingStream<ModelEvent, any Error>] {
        try await withThrowingTaskGroup(
            of: (Int, AsyncThrowingStream<ModelEvent, any Error>).self
        ) { group in
            for number in 0..<asked.question.choices {
                var prompt = prompt
                if let seed = prompt.parameters["seed"]?.integer {
                    prompt.parameters["seed"] = .integer(seed &+ number)
                }
                group.addTask { [prompt] in
                    let stream = try await stop.cancelling { try await answer(prompt, by: asked.model, asked.resolved) }
                    return (number, stream ?? .fixed(""))
                }
            }
            var streams = [AsyncThrowingStream<ModelEvent, any Error>?](repeating: nil, count: asked.question.choices)
            for try await (number, stream) in group { streams[number] = stream }
            return streams.compactMap(\.self)
        }
    }

    private func fit(
        _ question: Question, _ resolved: ResolvedKnowledge, _ passages: [Passage], _ model: any LanguageModel,
        window: Int?
    ) async throws -> PromptBudget.Fit {
        let asked = resolved.parameters["max_completion_tokens"] ?? resolved.parameters["max_tokens"]
        let budget = PromptBudget(
            // A conversation without knowledge is the client's own: it goes out as it came.
            window: resolved.bases.isEmpty ? nil : window, answerTokens: asked?.integer,
            passageTokens: limits.contextTokens,
            schemas: ["tools", "functions", "response_format"].compactMap { resolved.parameters[$0] },
            count: { model.tokenCount($0) })
        return try await workers.run { try budget.fit(question.turns, expert: resolved.expert, passages: passages) }
    }

    private func answer(
        _ prompt: Prompt, by model: any LanguageModel, _ resolved: ResolvedKnowledge
    ) async throws -> AsyncThrowingStream<ModelEvent, any Error> {
        if prompt.isGrounded && prompt.passages.isEmpty {
            switch resolved.onEmpty {
            case .answer: break
            case .refuse: return .fixed(Wording(of: prompt.question).nothingFound)
            case .error: throw RequestError.nothingFound
            }
        }
        return try await model.answer(prompt)
    }

    private static func nonce() -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
        return String((0..<8).map { _ in alphabet[Int.random(in: 0..<32)] })
    }
}

extension AsyncThrowingStream<ModelEvent, any Error> {
    /// A whole answer that is known at once.
    static func fixed(_ text: String, finish: String = "stop") -> Self {
        AsyncThrowingStream { continuation in
            continuation.yield(.text(text))
            continuation.yield(.finish(finish))
            continuation.finish()
        }
    }
}
