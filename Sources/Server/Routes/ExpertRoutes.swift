import Foundation
import Hummingbird
import Knowledge
import OpenAIWire
import Service

/// `/api/v1/experts`: Alan's object.
struct ExpertRoutes: Sendable {
    let experts: any ExpertStore
    let bases: any KnowledgeBaseStore

    func add(to group: RouterGroup<AppContext>) {
        group.get("experts") { _, context in
            try await Response.json(["experts": .array(experts.experts(in: context.caller()).map { wire($0) })])
        }
        .post("experts") { request, context in
            let body = try await request.fields()
            let title = try body.requiredString("title", maxLength: 512)
            var expert = Expert(title: title, createdAt: Date())
            try await fill(&expert, from: body, context.caller())
            try await experts.add(expert, in: context.caller())
            return try Response.json(wire(expert), status: .created)
        }
        .get("experts/:expert") { _, context in
            try await Response.json(wire(experts.expert(context.id("expert"), in: context.caller())))
        }
        .put("experts/:expert") { request, context in
            // The body first: what is read then is as fresh as can be when it is written.
            let body = try await request.fields()
            var expert = try await experts.expert(context.id("expert"), in: context.caller())
            try await fill(&expert, from: body, context.caller())
            try await experts.update(expert, in: context.caller())
            return try Response.json(wire(expert))
        }
        .delete("experts/:expert") { _, context in
            let id: ExpertID = try context.id("expert")
            try await experts.remove(id, in: context.caller())
            return try Response.json(wireDeleted(id.rawValue, object: "expert"))
        }
    }

    /// Applies a body; an expert cannot name a knowledge base that its tenant does not have.
    private func fill(_ expert: inout Expert, from body: Fields, _ scope: Scope) async throws {
        expert.title = try body.string("title", maxLength: 512) ?? expert.title
        expert.summary = try body.string("description", maxLength: 4_096) ?? expert.summary
        guard let settings = try body.object("settings") else { return }
        try expert.settings.apply(settings)
        let named = expert.settings.knowledgeBases
        let found = try await Set(bases.knowledgeBases(named, in: scope).map(\.id))
        if let position = named.firstIndex(where: { !found.contains($0) }) {
            throw RequestError.notFound(
                "knowledge base", id: named[position].rawValue, parameter: "settings.knowledgebase_ids[\(position)]")
        }
    }
}
