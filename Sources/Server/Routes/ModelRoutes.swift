import Foundation
import Hummingbird
import Knowledge
import OpenAIWire
import Service

/// `GET /models` and `/models/{id}`, where an id may hold slashes, plain or as `%2F`.
struct ModelRoutes: Sendable {
    let models: ListModels

    func add(to group: RouterGroup<AppContext>) {
        group.get("models") { _, context in
            let cards = try await models(in: context.caller())
            return try Response.json(["object": "list", "data": .array(cards.map { wire($0) })])
        }
        group.get("models/**") { request, context in
            let name = request.name(behind: "/models/") ?? ""
            guard let card = try await models(in: context.caller()).first(where: { $0.id == name }) else {
                throw RequestError.unknownModel(name)
            }
            return try Response.json(wire(card))
        }
    }
}
