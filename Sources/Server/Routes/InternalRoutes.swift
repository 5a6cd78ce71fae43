import Foundation
import Hummingbird
import Knowledge
import OpenAIWire
import Service

/// text-generation-webui's `/v1/internal/…`: tokens, the prompt behind a chat, what is loaded.
///
/// Tokens are those of the standard embedding model, the one vocabulary that is at hand for certain.
struct InternalRoutes: Sendable {
    let answer: AnswerQuestion
    let models: ListModels
    let embedders: Embedders
    let stops: StopSwitch

    /// Tokens of one request at most.
    private static let maxTokens = 1_000_000
    /// As many likely next tokens as servers commonly give.
    private static let maxLogits = 20

    func add(to group: RouterGroup<AppContext>) {
        group.get("internal/health") { _, _ in try Response.json(["status": "ok"]) }
        group.head("internal/health") { _, _ in Response(status: .ok) }
        addTokens(to: group)
        addGeneration(to: group)
        addModels(to: group)
    }

    // MARK: - Tokens

    private func addTokens(to group: RouterGroup<AppContext>) {
        group.post("internal/encode") { request, _ in
            let text = try await request.fields(limit: BodyLimit.chat).requiredString("text", maxLength: BodyLimit.chat)
            let tokenizer = try tokenizer
            let ids = try await answer.workers.run { tokenizer.ids(of: text) }
            return try Response.json(["tokens": .array(ids.map(JSONValue.integer)), "length": .integer(ids.count)])
        }
        group.post("internal/decode") { request, _ in
            let body = try await request.fields(limit: BodyLimit.chat)
            guard let tokens = try body.array("tokens", maxCount: Self.maxTokens) else { throw body.missing("tokens") }
            let ids = try tokens.enumerated().map { position, token in
                guard let id = token.integer else {
                    throw RequestError.wrongType(parameter: "tokens[\(position)]", expected: "a token id")
                }
                return id
            }
            let tokenizer = try tokenizer
            return try Response.json(["text": .string(try await answer.workers.run { try tokenizer.text(of: ids) })])
        }
        group.post("internal/token-count") { request, _ in
            let text = try await request.fields(limit: BodyLimit.chat).requiredString("text", maxLength: BodyLimit.chat)
            let embedder = embedders.standard
            return try Response.json(["length": .integer(try await answer.workers.run { embedder.count(text[...]) })])
        }
    }

    private var tokenizer: any TokenCodec {
        get throws {
            guard let tokenizer = embedders.standard.tokenizer else {
                throw HTTPError(.notFound, message: "The vocabulary of the embedding model is not on this server.")
            }
            return tokenizer
        }
    }

    // MARK: - Generation

    private func addGeneration(to group: RouterGroup<AppContext>) {
        group.post("internal/chat-prompt") { request, context in
            let asked = try ChatRequest(await request.fields(limit: BodyLimit.chat))
            let prompt = try await answer.prompt(for: asked.question, in: context.caller())
            return try Response.json(["prompt": .string(Self.rendered(prompt))])
        }
        group.post("internal/logits") { request, context in
            let body = try await request.fields(limit: BodyLimit.chat)
            let scope = try context.caller()
            let likely = try await context.whileClientIsPresent { try await logits(body, scope) }
            return try Response.json(["logits": .object(likely)])
        }
        group.post("internal/stop-generation") { _, context in
            stops.stop(try context.caller())
            return try Response.json("OK")
        }
    }

    /// The messages as ChatML. The template that a model server really uses is the server's own.
    private static func rendered(_ prompt: Prompt) -> String {
        prompt.messages.map { "<|im_start|>\($0["role"]?.string ?? "user")\n\($0.contentText)<|im_end|>\n" }.joined()
            + "<|im_start|>assistant\n"
    }

    /// The likeliest next tokens with their probabilities, from the log probabilities of a completion of one token.
    private func logits(_ body: Fields, _ scope: Scope) async throws -> [String: JSONValue] {
        let prompt = try body.requiredString("prompt", maxLength: BodyLimit.chat)
        let count = try body.integer("top_logits", in: 1...1_000) ?? 50
        _ = try body.bool("use_samplers")
        var parameters = try GenerationParameters.read(body)
        parameters["max_tokens"] = 1
        parameters["logprobs"] = .integer(min(count, Self.maxLogits))
        var question = Question(
            model: try body.string("model", maxLength: 256),
            turns: [.init(role: .user, text: prompt, message: ["role": "user", "content": .string(prompt)])],
            parameters: parameters)
        question.form = .text
        let made = try await AssembledAnswer(reading: answer(question, in: scope))
        guard let likely = made.choices[0].logprobs["top_logprobs"]?.array?.first?.object else {
            throw RequestError.invalid(parameter: "model", message: "must name a model that tells log probabilities")
        }
        return likely.mapValues { .number(exp($0.double ?? -.infinity)) }
    }

    // MARK: - What is loaded

    private func addModels(to group: RouterGroup<AppContext>) {
        group.get("internal/model/info") { _, _ in
            try Response.json([
                "model_name": .string(answer.defaultModel), "lora_names": [], "loader": "almanac",
            ])
        }
        group.get("internal/model/list") { _, context in
            let cards = try await models(in: context.admin()).filter { $0.hiddenSize == 0 }
            return try Response.json(["model_names": .array(cards.map { .string($0.id) })])
        }
        group.post("internal/model/load") { request, context in
            _ = try context.admin()
            let name = try await request.fields().requiredString("model_name", maxLength: 256)
            guard name != answer.defaultModel else { return try Response.json("OK") }
            throw RequestError.invalid(
                parameter: "model_name", message: "cannot be loaded: every model is ready, name it in each request")
        }
        for path in ["internal/model/unload", "internal/lora/load", "internal/lora/unload"] {
            group.post(RouterPath(path)) { _, context -> Response in
                _ = try context.admin()
                throw HTTPError(.badRequest, message: "Models are loaded and unloaded by their own servers, not here.")
            }
        }
        group.get("internal/lora/list") { _, context in
            _ = try context.admin()
            return try Response.json(["lora_names": []])
        }
    }
}
