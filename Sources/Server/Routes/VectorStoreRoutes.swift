import Foundation
import HTTPTypes
import Hummingbird
import Knowledge
import OpenAIWire
import Service

/// `/vector_stores`: knowledge bases on OpenAI's face.
struct VectorStoreRoutes: Sendable {
    let bases: any KnowledgeBaseStore
    let files: any FileStore
    let create: CreateKnowledgeBase
    let change: ChangeSettings
    let remove: RemoveKnowledgeBase
    let attach: AttachFile
    let search: SearchPassages

    func add(to group: RouterGroup<AppContext>) {
        group.post("vector_stores", use: create)
            .get("vector_stores") { request, context in
                try await Response.json(wire(bases.knowledgeBases(page: request.page(), in: context.caller()), wire))
            }
            .get("vector_stores/:base") { _, context in
                try await Response.json(wire(bases.knowledgeBase(context.id("base"), in: context.caller())))
            }
            .post("vector_stores/:base", use: update)
            .delete("vector_stores/:base") { _, context in
                let id: KnowledgeBaseID = try context.id("base")
                try await remove(id, in: context.caller())
                return try Response.json(wireDeleted(id.rawValue, object: "vector_store.deleted"))
            }
            .post("vector_stores/:base/search") { request, context in try await search.answer(request, context) }
    }

    private func create(_ request: Request, _ context: AppContext) async throws -> Response {
        let body = try await request.optionalFields()
        let scope = try context.caller()
        let files = try body.strings("file_ids", maxCount: 500, maxLength: 128)?.map(FileID.init) ?? []
        // Looked up first, so that nothing is made where one of them is not there.
        for (position, file) in files.enumerated() {
            do {
                _ = try await self.files.file(file, in: scope)
            } catch RequestError.notFound {
                throw RequestError.notFound("file", id: file.rawValue, parameter: "file_ids[\(position)]")
            }
        }
        let base = try await create(
            name: body.string("name", maxLength: 512) ?? "", summary: body.string("description", maxLength: 4_096) ?? "",
            metadata: metadata(body) ?? [:], chunking: chunking(body) ?? .structured,
            embeddingModel: body.string("embedding_model", maxLength: 256), expiryDays: expiryDays(body), in: scope)
        for file in files {
            _ = try await attach(Attachment(file: file), to: base.id, in: scope)
        }
        return try await Response.json(wire(files.isEmpty ? base : bases.knowledgeBase(base.id, in: scope)))
    }

    private func update(_ request: Request, _ context: AppContext) async throws -> Response {
        let body = try await request.optionalFields()
        // The body came first: what is read now is as fresh as can be when it is written.
        var base = try await change(context.id("base"), as: body, in: context.caller())
        base.name = try body.string("name", maxLength: 512) ?? base.name
        base.summary = try body.string("description", maxLength: 4_096) ?? base.summary
        base.metadata = try metadata(body) ?? base.metadata
        if body.values["expires_after"] != nil { base.expiryDays = try expiryDays(body) }
        if let settings = try body.object("search_settings") { try base.search.apply(settings) }
        try await bases.update(base, in: context.caller())
        return try await Response.json(wire(bases.knowledgeBase(base.id, in: context.caller())))
    }
}

extension ChangeSettings {
    /// Has a knowledge base indexed anew where a request asks for another model or chunking.
    func callAsFunction(_ id: KnowledgeBaseID, as body: Fields, in scope: Scope) async throws -> KnowledgeBase {
        let chunking = try body.object("chunking_strategy") == nil ? nil : chunking(body) ?? .structured
        return try await self(
            id, embeddingModel: body.string("embedding_model", maxLength: 256), chunking: chunking, in: scope)
    }
}
