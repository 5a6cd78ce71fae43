import Knowledge

/// The same model at several providers: the first answers, and where it cannot, the next.
///
/// Nothing is asked twice once an answer has begun. Providers that rest after failures are asked last.
struct EqualModels: LanguageModel {
    /// In the order of the configuration; at least two.
    let models: [OpenAICompatibleModel]

    /// The smallest window that is known, so that a prompt fits wherever it ends up.
    var contextTokens: Int? { models.compactMap(\.contextTokens).min() }

    func tokenCount(_ text: String) -> Int { TokenEstimator.count(text[...]) }

    /// - Throws: The first provider's error where all of them fail, since it is the one that was meant to answer.
    func answer(_ prompt: Prompt) async throws -> AsyncThrowingStream<ModelEvent, any Error> {
        let resting = models.map(\.breaker.isOpen)
        let order = models.indices.filter { !resting[$0] } + models.indices.filter { resting[$0] }
        var first: UpstreamError?
        for (place, index) in order.enumerated() {
            do {
                var model = models[index]
                // Another server is a better second attempt than the same one.
                model.retries = place == order.count - 1
                return try await model.answer(prompt)
            } catch let error as UpstreamError where error.isWorthAskingElsewhere {
                first = first ?? error
            }
        }
        throw first ?? UpstreamError.unreachable(provider: "", reason: "no provider has the model")
    }
}
