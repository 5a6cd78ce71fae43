package import Knowledge

/// How much an answer may rest on.
package struct RetrievalLimits: Hashable, Sendable {
    /// Passages looked at.
    package var candidates = 20
    /// Passages given to the model at most.
    package var passages = 8
    /// Their tokens together, by the embedding model's tokenizer; the lowest ranks are dropped first.
    package var contextTokens = 3_000
    /// Passages below this score count as not found.
    package var minimumScore = 0.15

    package init() {}
}

/// Answers one turn of a conversation: resolve, retrieve, augment, generate.
package struct AnswerQuestion: Sendable {
    let resolve: ResolveKnowledge
    let retriever: Retriever
    let models: any ModelCatalog
    /// Counts what a model used where the model does not say so itself.
    let counter: any TokenCounter
    let workers: Workers
    let limits: RetrievalLimits

    package init(
        resolve: ResolveKnowledge, retriever: Retriever, models: any ModelCatalog, counter: any TokenCounter,
        workers: Workers, limits: RetrievalLimits = RetrievalLimits()
    ) {
        self.resolve = resolve
        self.retriever = retriever
        self.models = models
        self.counter = counter
        self.workers = workers
        self.limits = limits
    }

    package func callAsFunction(_ question: Question, in scope: Scope) async throws -> Answer {
        let resolved = try await resolve(question, in: scope)
        let model = try await models.languageModel(named: resolved.model)
        let found = try await search(question, resolved, in: scope)
        let used = withinBudget(found)
        let prompt = Prompt(
            model: resolved.model, turns: question.turns, expert: resolved.expert, passages: used,
            isGrounded: !resolved.bases.isEmpty, parameters: resolved.parameters, nonce: Self.nonce())
        let events = try await answer(prompt, by: model, resolved)
        return Answer(
            model: question.model ?? resolved.model,
            resolved: resolved,
            retrieval: Answer.Retrieval(
                candidates: found.count, used: used.count, topScore: found.first?.score, isGrounded: !used.isEmpty),
            references: used,
            events: AnswerEvents(model: events, referenceCount: resolved.bases.isEmpty ? nil : used.count),
            estimate: UsageEstimate(prompt: prompt.messages, counter: counter, workers: workers)
        )
    }

    private func search(
        _ question: Question, _ resolved: ResolvedKnowledge, in scope: Scope
    ) async throws -> [Passage] {
        guard let text = question.turns.last(where: { $0.role == .user })?.text, !text.allSatisfy(\.isWhitespace) else {
            return []
        }
        var ranking = Ranking()
        ranking.minimumScore = limits.minimumScore
        ranking.collapsesDuplicates = true
        let search = PassageSearch(queries: [text], ranking: ranking, limit: limits.candidates)
        return try await retriever.passages(for: search, in: resolved.bases, scope: scope)
    }

    /// The best passages that fit, in rank order; the first in any case.
    private func withinBudget(_ passages: [Passage]) -> [Passage] {
        var tokens = 0
        return Array(
            passages.prefix(limits.passages).prefix { passage in
                defer { tokens += passage.tokenCount }
                return tokens == 0 || tokens + passage.tokenCount <= limits.contextTokens
            })
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
