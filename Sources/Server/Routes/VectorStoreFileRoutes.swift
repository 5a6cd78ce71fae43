import Foundation
import HTTPTypes
import Hummingbird
import Knowledge
import OpenAIWire
import Service

/// `/vector_stores/{id}/files`: documents on OpenAI's face.
struct VectorStoreFileRoutes: Sendable {
    let documents: any DocumentStore
    let attach: AttachFile

    func add(to group: RouterGroup<AppContext>) {
        group.post("vector_stores/:base/files", use: attach)
            .get("vector_stores/:base/files", use: list)
            .get("vector_stores/:base/files/:file") { _, context in
                let document = try await documents.document(
                    context.id("file"), of: context.id("base"), in: context.caller())
                return try Self.answer(document)
            }
            .post("vector_stores/:base/files/:file", use: update)
            .delete("vector_stores/:base/files/:file") { _, context in
                let id: FileID = try context.id("file")
                try await documents.remove(id, from: context.id("base"), in: context.caller())
                return try Response.json(wireDeleted(id.rawValue, object: "vector_store.file.deleted"))
            }
            .get("vector_stores/:base/files/:file/content", use: content)
    }

    private func attach(_ request: Request, _ context: AppContext) async throws -> Response {
        let body = try await request.fields()
        let attachment = Attachment(
            file: FileID(rawValue: try body.requiredString("file_id", maxLength: 128)),
            attributes: try attributes(body), chunking: try chunking(body))
        do {
            return try await Self.answer(attach(attachment, to: context.id("base"), in: context.caller()))
        } catch RequestError.notFound("file", let id, _) {
            throw RequestError.notFound("file", id: id, parameter: "file_id")
        }
    }

    private func list(_ request: Request, _ context: AppContext) async throws -> Response {
        let listing = try await documents.documents(
            of: context.id("base"), status: request.documentStatus(), page: request.page(), in: context.caller())
        return try Response.json(wire(listing, wire))
    }

    private func update(_ request: Request, _ context: AppContext) async throws -> Response {
        let body = try await request.fields()
        guard let attributes = try attributes(body) else { throw body.missing("attributes") }
        return try await Self.answer(
            documents.setAttributes(
                attributes, of: context.id("file"), in: context.id("base"), scope: context.caller()))
    }

    /// The canonical text, which references' offsets count in.
    private func content(_ request: Request, _ context: AppContext) async throws -> Response {
        let text = try await documents.text(of: context.id("file"), in: context.id("base"), scope: context.caller())
        return try Response.json([
            "object": "vector_store.file_content.page", "data": [["type": "text", "text": .string(text)]],
            "has_more": false, "next_page": .null,
        ])
    }

    /// OpenAI's polling helpers read how long to wait from a header.
    private static func answer(_ document: Document) throws -> Response {
        var response = try Response.json(wire(document))
        response.headers[.pollAfter] = "250"
        return response
    }
}

extension Request {
    /// The `filter` of a list of documents.
    func documentStatus() throws -> String? {
        guard let status = uri.queryParameters["filter"].map(String.init) else { return nil }
        guard ["in_progress", "completed", "failed", "cancelled"].contains(status) else {
            throw RequestError.invalid(
                parameter: "filter", message: "must be one of: in_progress, completed, failed, cancelled")
        }
        return status
    }
}

extension HTTPField.Name {
    static let pollAfter = constant("openai-poll-after-ms")
}
