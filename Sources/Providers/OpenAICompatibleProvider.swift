import FoundationEssentials
package import Knowledge
import NIOHTTP1
import OpenAIWire
import Synchronization

/// A server that speaks OpenAI's API: a cloud service, vLLM, llama-server, Ollama and the like.
///
/// Its connections close when it and the models made from it are gone, or with `shutdown`.
package final class OpenAICompatibleProvider: Sendable {
    let transport: Transport
    package var settings: ProviderSettings { transport.settings }
    /// One for each model, since models of one server fail apart; bounded, for names can come from clients.
    private let breakers = Mutex<[String: CircuitBreaker]>([:])
    private static let maxBreakers = 1_000

    package init(_ settings: ProviderSettings) {
        transport = Transport(settings)
    }

    /// Closes all connections; answers on their way break off.
    package func shutdown() async throws {
        try await transport.shutdown()
    }

    /// A model of that name or alias, whether or not the server has it.
    ///
    /// - Parameter listedTokens: What the server's list says of its window; the settings count before it.
    package func languageModel(named name: String, listedTokens: Int? = nil) -> any LanguageModel {
        model(named: name, listedTokens: listedTokens)
    }

    func model(named name: String, listedTokens: Int?) -> OpenAICompatibleModel {
        let name = settings.aliases[name] ?? name
        return OpenAICompatibleModel(
            name: name, contextTokens: settings.contextTokens ?? listedTokens, transport: transport,
            breaker: breaker(of: name))
    }

    private func breaker(of name: String) -> CircuitBreaker {
        breakers.withLock { breakers in
            if let breaker = breakers[name] { return breaker }
            if breakers.count >= Self.maxBreakers { breakers.removeAll() }
            let breaker = CircuitBreaker(settings.breaker)
            breakers[name] = breaker
            return breaker
        }
    }

    /// The ids that the server lists, in its order.
    ///
    /// - Throws: `UpstreamError`.
    package func models() async throws -> [String] {
        try await listing().map(\.id)
    }

    /// What the server lists, at most 10 000 models.
    ///
    /// - Throws: `UpstreamError`.
    func listing() async throws -> [ModelCard] {
        let call = Call(method: .GET, path: "/models")
        let list = try await transport.value(
            of: ModelList.self, from: call, within: Deadlines(settings.timeouts))
        return list.data.prefix(10_000).filter { !$0.id.isEmpty && $0.id.utf8.count <= 256 }.map { model in
            ModelCard(
                id: model.id, ownedBy: model.owner ?? settings.name,
                createdAt: Date(timeIntervalSince1970: min(max(model.created ?? 0, 0), 1e11)),
                maxSequenceLength: max(model.maxModelLength ?? model.contextLength ?? 0, 0))
        }
    }
}

/// The parts of `GET /models` that are of use. vLLM gives `max_model_len`, routers `context_length`.
private struct ModelList: Decodable {
    var data: [Model]

    struct Model: Decodable {
        var id: String
        var owner: String?
        var created: Double?
        var maxModelLength: Int?
        var contextLength: Int?

        private enum CodingKeys: String, CodingKey {
            case id, created
            case owner = "owned_by"
            case maxModelLength = "max_model_len"
            case contextLength = "context_length"
        }
    }
}

/// One model of a provider, under the provider's name for it.
struct OpenAICompatibleModel: LanguageModel {
    let name: String
    let contextTokens: Int?
    let transport: Transport
    let breaker: CircuitBreaker
    /// Whether a failed attempt is made again.
    var retries = true

    func tokenCount(_ text: String) -> Int { TokenEstimator.count(text[...]) }

    /// Asks for a stream, whatever the client asked us for: only a stream shows that the server is still alive, and only
    /// a stream ends early when nobody listens any more.
    ///
    /// - Returns: Once the first event has come. Of several choices only the first gives events.
    func answer(_ prompt: Prompt) async throws -> AsyncThrowingStream<ModelEvent, any Error> {
        let settings = transport.settings
        if let media = prompt.firstMedia, !settings.takesMedia {
            throw RequestError.invalid(
                parameter: media, message: "must be text: the models of '\(settings.name)' read nothing else")
        }
        var fields = settings.isStrict ? prompt.parameters.filter { Self.isKnownEverywhere($0.key) } : prompt.parameters
        fields["model"] = .string(name)
        fields["stream"] = true
        fields["stream_options"] = ["include_usage": true]
        let path: String
        switch prompt.form {
        case .chat:
            path = "/chat/completions"
            fields["messages"] = .array(prompt.messages.map(Self.message))
        case .text:
            path = "/completions"
            fields["prompt"] = .string(prompt.continuous)
        case .tokens(let tokens):
            guard !prompt.isGrounded else {
                throw RequestError.invalid(parameter: "prompt", message: "must be text where knowledge bases are searched")
            }
            path = "/completions"
            fields["prompt"] = .array(tokens.map(JSONValue.integer))
        }
        return try await events(
            Call(
                path: path, body: Array(try JSONValue.object(fields).json()),
                accept: "text/event-stream, application/json"))
    }

    private static func isKnownEverywhere(_ parameter: String) -> Bool {
        GenerationParameters.isOpenAI(parameter) || ["echo", "suffix"].contains(parameter)
    }

    /// OpenAI takes a `system` message from everybody; few others know its newer name.
    private static func message(_ message: JSONValue) -> JSONValue {
        guard message["role"] == "developer", case .object(var fields) = message else { return message }
        fields["role"] = "system"
        return .object(fields)
    }

    private func events(_ call: Call) async throws -> AsyncThrowingStream<ModelEvent, any Error> {
        let deadlines = Deadlines(transport.settings.timeouts)
        do {
            return try await breaker.pass(provider: transport.settings.name) {
                let reply = try await transport.begin(call, within: deadlines, retries: retries)
                let answer = try ChatAnswer(reply, from: transport, within: deadlines)
                try await answer.begin()
                return answer.events
            }
        } catch UpstreamError.rejected(let provider, _, let message) where message.namesContextLength {
            throw UpstreamError.contextExceeded(
                provider: provider, windowTokens: message.namedWindow, message: message)
        }
    }
}

extension String {
    /// Whether a refusal is about the prompt's length, in the words of OpenAI, vLLM, llama.cpp or Ollama.
    fileprivate var namesContextLength: Bool {
        let text = lowercased()
        return ["context length", "context size", "context window", "maximum context", "exceed_context_size"]
            .contains { text.contains($0) }
    }

    /// The model's window, where the refusal names it: the first number of tokens behind "context", as in "maximum context
    /// length is 8,192 tokens". What is too small to be a window is some other number.
    fileprivate var namedWindow: Int? {
        let text = lowercased().replacing(",", with: "").replacing("_", with: "")
        guard let start = text.firstRange(of: "context") else { return nil }
        var rest = text[start.upperBound...]
        while let digit = rest.firstIndex(where: { $0.isASCII && $0.isNumber }) {
            let number = rest[digit...].prefix { $0.isASCII && $0.isNumber }
            rest = rest[number.endIndex...]
            if rest.drop(while: \.isWhitespace).hasPrefix("token"), let window = Int(number),
                (1_024...100_000_000).contains(window)
            {
                return window
            }
        }
        return nil
    }
}
