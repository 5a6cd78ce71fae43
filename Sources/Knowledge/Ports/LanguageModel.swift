package import FoundationEssentials

/// Generates the answer to a prompt.
package protocol LanguageModel: Sendable {
    /// Tokens that prompt and answer may have together; nil where nobody has said.
    var contextTokens: Int? { get }

    /// Tokens of a text for this model, rather too many than too few. May take its time with long texts.
    func tokenCount(_ text: String) -> Int

    /// Begins to answer. Throws `UpstreamError` where the model cannot be reached or refuses; the same may come later
    /// out of the stream. Ending the iteration, or cancelling the task, stops the generation.
    func answer(_ prompt: Prompt) async throws -> AsyncThrowingStream<ModelEvent, any Error>
}

extension LanguageModel {
    package var contextTokens: Int? { nil }
    /// Three bytes a token: more than any known tokenizer needs for prose.
    package func tokenCount(_ text: String) -> Int { text.utf8.count / 3 + 1 }
}

/// A piece of an answer.
package enum ModelEvent: Hashable, Sendable {
    case text(String)
    /// Fields of an OpenAI delta other than `role` and `content`: tool calls, reasoning, refusal.
    case fields([String: JSONValue])
    /// OpenAI's `logprobs` of a choice, for text that came with them or comes next.
    case logprobs(JSONValue)
    /// `stop`, `length`, `tool_calls`, `content_filter` or `function_call`.
    case finish(String)
    case usage(TokenUsage)
}

package struct TokenUsage: Hashable, Sendable {
    package var prompt: Int
    package var completion: Int
    package var total: Int { prompt + completion }
    /// OpenAI's `prompt_tokens_details` and `completion_tokens_details`, where the model's server gives them.
    package var details: [String: JSONValue] = [:]

    package init(prompt: Int, completion: Int, details: [String: JSONValue] = [:]) {
        self.prompt = prompt
        self.completion = completion
        self.details = details
    }

    /// What several answers to one prompt used, which is counted once. Details do not add up and are left out.
    package static func ofChoices(_ usages: [TokenUsage]) -> TokenUsage {
        if usages.count == 1 { return usages[0] }
        return TokenUsage(
            prompt: usages.map(\.prompt).max() ?? 0, completion: usages.reduce(0) { $0 + $1.completion })
    }
}

/// Where models are found by name.
package protocol ModelCatalog: Sendable {
    /// Every model that answers or embeds, in a stable order. The models of a provider that cannot be reached are listed
    /// as unavailable, as far as they are known.
    func cards() async -> [ModelCard]

    /// The model to answer with.
    /// - Throws: `RequestError.unknownModel`, or the `UpstreamError` of a provider that could not be asked whether it has it.
    func languageModel(named name: String) async throws -> any LanguageModel
}

/// A line of `GET /models`.
package struct ModelCard: Hashable, Sendable {
    package var id: String
    package var ownedBy: String
    package var createdAt: Date
    /// Input and output tokens together; 0 means unknown.
    package var maxSequenceLength: Int
    /// Dimension of an embedding model's vectors, else 0.
    package var hiddenSize: Int
    /// 0 means unknown.
    package var maxOutputLength: Int
    package var isAvailable: Bool

    package init(
        id: String, ownedBy: String, createdAt: Date, maxSequenceLength: Int = 0, hiddenSize: Int = 0,
        maxOutputLength: Int = 0, isAvailable: Bool = true
    ) {
        self.id = id
        self.ownedBy = ownedBy
        self.createdAt = createdAt
        self.maxSequenceLength = maxSequenceLength
        self.hiddenSize = hiddenSize
        self.maxOutputLength = maxOutputLength
        self.isAvailable = isAvailable
    }
}

/// What went wrong with a model server, in terms that the person who configured it can act on. Never carries its key.
package enum UpstreamError: Error, Hashable, Sendable {
    /// No connection: refused, unknown host, TLS.
    case unreachable(provider: String, reason: String)
    /// A deadline passed: `connect`, `first token`, `next token` or `total`.
    case timedOut(provider: String, waitingFor: String)
    /// It refused the request for what the client asked: 400, 404, 413, 422; 500 where it says that a text is too large.
    case rejected(provider: String, status: Int, message: String)
    /// The prompt does not fit into the model; `windowTokens` where it says how much would.
    case contextExceeded(provider: String, windowTokens: Int?, message: String)
    /// It refused our credentials.
    case unauthorized(provider: String)
    case rateLimited(provider: String, retryAfterSeconds: Int?)
    /// It failed too often of late, and is left alone for a while.
    case resting(provider: String, retryAfterSeconds: Int)
    /// 5xx, or any other status that is no answer.
    case failed(provider: String, status: Int)
    /// It answered what is no answer: not JSON, broken stream, too much.
    case garbage(provider: String, reason: String)
}
