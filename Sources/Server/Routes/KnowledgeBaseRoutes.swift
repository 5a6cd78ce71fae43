import Foundation
import HTTPTypes
import Hummingbird
import Knowledge
import OpenAIWire
import Service

/// `/api/v1/knowledgebases`: the same objects as `/vector_stores` on Alan's face, and an upload that needs one call.
struct KnowledgeBaseRoutes: Sendable {
    let bases: any KnowledgeBaseStore
    let documents: any DocumentStore
    let create: CreateKnowledgeBase
    let change: ChangeSettings
    let remove: RemoveKnowledgeBase
    let attach: AttachFile
    let put: PutDocument
    let receive: ReceiveUpload
    let search: SearchPassages

    func add(to group: RouterGroup<AppContext>) {
        group.get("knowledgebases") { request, context in
            let listing = try await bases.knowledgeBases(page: request.page(limit: 100), in: context.caller())
            return try Response.json([
                "knowledgebases": .array(listing.elements.map(wireKnowledgeBase)), "has_more": .bool(listing.hasMore),
            ])
        }
        .post("knowledgebases", use: create)
        .get("knowledgebases/:base") { _, context in
            try await Response.json(wireKnowledgeBase(bases.knowledgeBase(context.id("base"), in: context.caller())))
        }
        .put("knowledgebases/:base", use: update)
        .post("knowledgebases/:base/rollback") { _, context in
            let base = try await change.rollBack(context.id("base"), in: context.caller())
            return try Response.json(wireKnowledgeBase(base), status: .accepted)
        }
        .delete("knowledgebases/:base") { _, context in
            let id: KnowledgeBaseID = try context.id("base")
            try await remove(id, in: context.caller())
            return try Response.json(wireDeleted(id.rawValue, object: "knowledgebase"))
        }
        .post("knowledgebases/:base/search") { request, context in try await search.answer(request, context) }
        .post("knowledgebases/:base/documents", use: upload)
        .get("knowledgebases/:base/documents", use: list)
        .get("knowledgebases/:base/documents/:file") { _, context in
            try await Response.json(
                wireDocument(documents.document(context.id("file"), of: context.id("base"), in: context.caller())))
        }
        .delete("knowledgebases/:base/documents/:file") { _, context in
            let id: FileID = try context.id("file")
            let (base, scope) = try (context.id("base", as: KnowledgeBaseID.self), context.caller())
            do {
                try await put.remove(named: id.rawValue, from: base, in: scope)
            } catch RequestError.notFound("document", _, _) {
                try await documents.remove(id, from: base, in: scope)
            }
            return try Response.json(wireDeleted(id.rawValue, object: "document"))
        }
    }

    /// All documents, or the one of some content: so that a client need not upload what is known.
    private func list(_ request: Request, _ context: AppContext) async throws -> Response {
        let (base, scope) = try (context.id("base", as: KnowledgeBaseID.self), context.caller())
        let listing =
            if let digest = request.uri.queryParameters["sha256"] {
                try await Listing(
                    elements: [documents.document(sha256: digest.lowercased(), of: base, in: scope)].compactMap { $0 },
                    hasMore: false)
            } else {
                try await documents.documents(
                    of: base, status: nil, page: request.page(limit: 100, atMost: 1_000), in: scope)
            }
        return try Response.json([
            "documents": .array(listing.elements.map(wireDocument)), "has_more": .bool(listing.hasMore),
        ])
    }

    private func create(_ request: Request, _ context: AppContext) async throws -> Response {
        let body = try await request.fields()
        let base = try await create(
            name: body.requiredString("title", maxLength: 512),
            summary: body.string("description", maxLength: 4_096) ?? "", metadata: metadata(body) ?? [:],
            chunking: chunking(body) ?? .structured, embeddingModel: body.string("embedding_model", maxLength: 256),
            in: context.caller())
        return try Response.json(wireKnowledgeBase(base), status: .created)
    }

    private func update(_ request: Request, _ context: AppContext) async throws -> Response {
        let body = try await request.fields()
        var base = try await change(context.id("base"), as: body, in: context.caller())
        base.name = try body.string("title", maxLength: 512) ?? base.name
        base.summary = try body.string("description", maxLength: 4_096) ?? base.summary
        try await bases.update(base, in: context.caller())
        return try Response.json(wireKnowledgeBase(base))
    }

    /// Upload and attach in one call. 202: bytes, document and job are on disk, the text is not searchable yet.
    private func upload(_ request: Request, _ context: AppContext) async throws -> Response {
        let scope = try context.caller()
        // Asked first, so that nothing is stored for a knowledge base that is not there.
        let base = try await bases.knowledgeBase(context.id("base"), in: scope)
        let file = try await receive(request, in: scope)
        let document = try await receive.keeping(file, in: scope) {
            try await attach(Attachment(file: file.id), to: base.id, in: scope)
        }
        return try Response.json(wireDocument(document), status: .accepted)
    }
}
