import HTTPTypes
import Hummingbird
import Knowledge
import OpenAIWire
import Service

/// Documents under names of the client's own, put as often as one likes: what a folder is mirrored by.
struct NamedDocumentRoutes: Sendable {
    private static let maxNameBytes = 1_024

    let bases: any KnowledgeBaseStore
    let put: PutDocument
    let receive: ReceiveUpload

    func add(to group: RouterGroup<AppContext>) {
        group.put("knowledgebases/:base/documents/:file", use: put)
            .get("knowledgebases/:base/external_ids", use: list)
    }

    /// 202: what was sent is on disk, and is found in place of the old as soon as it is indexed. 200: nothing is new.
    private func put(_ request: Request, _ context: AppContext) async throws -> Response {
        let scope = try context.caller()
        let name = try context.segment("file")
        guard !name.isEmpty, name.utf8.count <= Self.maxNameBytes, !name.utf8.contains(where: { $0 < 32 }) else {
            throw RequestError.invalid(
                parameter: "external_id", message: "must have 1 to \(Self.maxNameBytes) bytes and no control characters")
        }
        let base = try await bases.knowledgeBase(context.id("base"), in: scope)
        let file = try await receive(request, named: name, in: scope)
        let (document, change) = try await receive.keeping(file, in: scope) {
            try await put(Attachment(file: file.id), as: name, in: base.id, scope: scope)
        }
        guard case .object(var fields) = wire(document) else { return Response(status: .internalServerError) }
        fields["change"] = .string(change.rawValue)
        return try Response.json(.object(fields), status: change == .unchanged ? .ok : .accepted)
    }

    private func list(_ request: Request, _ context: AppContext) async throws -> Response {
        let page = try request.page(limit: 100, atMost: 1_000)
        let listing = try await put.documents(
            of: context.id("base"), after: page.after, limit: page.limit, in: context.caller())
        return try Response.json([
            "documents": .array(listing.elements.map(wire)), "has_more": .bool(listing.hasMore),
            "last_id": listing.elements.last.map { .string($0.name) } ?? .null,
        ])
    }
}
