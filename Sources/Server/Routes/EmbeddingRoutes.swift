import HTTPTypes
import Hummingbird
import Knowledge
import OpenAIWire
import Service

/// `POST /embeddings`.
struct EmbeddingRoutes: Sendable {
    let embedders: Embedders
    let usage: UsageLedger

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
            try await embedder.embed(asked.inputs, as: .passage, priority: context.channel == nil ? .background : .urgent)
        }
        let vectors = embeddings.vectors.map { Self.shortened($0, to: asked.dimensions) }
        let tokens = embeddings.tokenCounts.reduce(0, +)
        usage.note(TokenUsage(prompt: tokens, completion: 0), of: embedder.model.name, in: scope)
        return try Response.json(
            wire(vectors, model: embedder.model.name, tokens: tokens, encoding: asked.encoding))
    }

    /// The leading components, of unit length again.
    private static func shortened(_ vector: [Float], to dimensions: Int?) -> [Float] {
        guard let dimensions, dimensions < vector.count else { return vector }
        let part = vector.prefix(dimensions)
        let length = part.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return length > 0 ? part.map { $0 / length } : Array(part)
    }
}
