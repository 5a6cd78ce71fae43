import HTTPTypes
import Hummingbird
import Knowledge
import OpenAIWire
import Service

/// `POST /embeddings`.
struct EmbeddingRoutes: Sendable {
    let embedders: Embedders
    let usage: UsageLedger
    /// Threads for counting tokens.
    let workers: Workers

    /// OpenAI's limits. Models with a larger window take as much as that in one input.
    private static let inputTokens = 8_192
    private static let requestTokens = 300_000

    func add(to group: RouterGroup<AppContext>) {
        group.post("embeddings") { request, context in try await embed(request, context) }
    }

    /// - Parameter model: Named by the path.
    func embed(_ request: Request, _ context: AppContext, model: String? = nil) async throws -> Response {
        let asked = try EmbeddingRequest(await request.fields(limit: BodyLimit.chat))
        let scope = try context.caller()
        let embedder = try embedders.embedder(named: model ?? asked.model)
        if let dimensions = asked.dimensions, dimensions > embedder.model.dimension {
            throw RequestError.invalid(
                parameter: "dimensions", message: "must be at most \(embedder.model.dimension) for this model")
        }
        let embeddings = try await context.whileClientIsPresent {
            try await workers.run(.urgent) { try Self.check(asked, for: embedder) }
            return try await embedder.embed(asked.inputs, as: .passage, priority: context.channel == nil ? .background : .urgent)
        }
        let vectors = embeddings.vectors.map { Self.shortened($0, to: asked.dimensions) }
        let tokens = embeddings.tokenCounts.reduce(0, +)
        usage.note(TokenUsage(prompt: tokens, completion: 0), of: embedder.model.name, in: scope)
        return try Response.json(
            wire(vectors, model: embedder.model.name, tokens: tokens, encoding: asked.encoding))
    }

    /// Counts what has so many bytes that it may have too many tokens: no token is shorter than a byte.
    private static func check(_ asked: EmbeddingRequest, for embedder: any Embedder) throws {
        let limit = max(inputTokens, embedder.model.maxTokens)
        var counts = asked.inputs.map { input in
            switch input {
            case .text(let text): text.utf8.count
            case .tokens(let tokens): tokens.count
            }
        }
        let mayExceed = counts.reduce(0, +) > requestTokens
        var total = 0
        for (position, input) in asked.inputs.enumerated() {
            if case .text(let text) = input, mayExceed || counts[position] > limit {
                counts[position] = embedder.count(text[...])
            }
            guard counts[position] <= limit else {
                let place = asked.isList ? "input[\(position)]" : "input"
                throw RequestError.tooManyTokens(parameter: place, limit: limit)
            }
            total += counts[position]
            guard total <= requestTokens else {
                throw RequestError.tooManyTokens(parameter: "input", limit: requestTokens)
            }
        }
    }

    /// The leading components, of unit length again.
    private static func shortened(_ vector: [Float], to dimensions: Int?) -> [Float] {
        guard let dimensions, dimensions < vector.count else { return vector }
        let part = vector.prefix(dimensions)
        let length = part.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return length > 0 ? part.map { $0 / length } : Array(part)
    }
}
