import Foundation
import Hummingbird
import Knowledge
import OpenAIWire
import Service

/// `/engines`, OpenAI's older name for models, which stands in the path instead of the body.
struct EngineRoutes: Sendable {
    let models: ListModels
    let completions: CompletionRoutes
    let embeddings: EmbeddingRoutes

    func add(to group: RouterGroup<AppContext>) {
        group.get("engines") { _, context in
            let cards = try await models(in: context.caller())
            return try Response.json(["object": "list", "data": .array(cards.map(Self.wireEngine))])
        }
        group.get("engines/**") { request, context in
            let name = request.name(behind: "/engines/") ?? ""
            guard let card = try await models(in: context.caller()).first(where: { $0.id == name }) else {
                throw RequestError.unknownModel(name)
            }
            return try Response.json(Self.wireEngine(card))
        }
        group.post("engines/**") { request, context in
            let path = request.name(behind: "/engines/") ?? ""
            for (action, isCompletion) in [("/completions", true), ("/generate", true), ("/embeddings", false)] {
                guard path.hasSuffix(action) else { continue }
                let model = String(path.dropLast(action.count))
                return isCompletion
                    ? try await completions.complete(request, context, model: model)
                    : try await embeddings.embed(request, context, model: model)
            }
            throw HTTPError(.notFound, message: "An engine can do 'completions' and 'embeddings'.")
        }
    }

    private static func wireEngine(_ card: ModelCard) -> JSONValue {
        [
            "id": .string(card.id), "object": "engine", "owner": .string(card.ownedBy), "created": wire(card.createdAt),
            "ready": .bool(card.isAvailable),
        ]
    }
}

extension Request {
    /// What follows a part of the path, decoded once, slashes and all.
    func name(behind part: String) -> String? {
        guard let prefix = uri.path.firstRange(of: part) else { return nil }
        return String(uri.path[prefix.upperBound...]).removingPercentEncoding
    }
}
