import HTTPTypes
import Hummingbird
import Knowledge
import OpenAIWire
import Service

/// `/vector_stores/{id}/file_batches`: many files in one call. `retry` is our own.
struct FileBatchRoutes: Sendable {
    /// OpenAI's limit.
    private static let maxFiles = 2_000

    let batches: FileBatches

    func add(to group: RouterGroup<AppContext>) {
        group.post("vector_stores/:base/file_batches", use: create)
            .get("vector_stores/:base/file_batches/:batch") { _, context in
                try await Self.answer(
                    batches.batch(context.id("batch"), of: context.id("base"), in: context.caller()))
            }
            .post("vector_stores/:base/file_batches/:batch/cancel") { _, context in
                try await Self.answer(
                    batches.cancel(context.id("batch"), of: context.id("base"), in: context.caller()))
            }
            .post("vector_stores/:base/file_batches/:batch/retry") { _, context in
                try await Self.answer(
                    batches.retry(context.id("batch"), of: context.id("base"), in: context.caller()))
            }
            .get("vector_stores/:base/file_batches/:batch/files") { request, context in
                let listing = try await batches.documents(
                    of: context.id("batch"), in: context.id("base"), status: request.documentStatus(),
                    page: request.page(), scope: context.caller())
                return try Response.json(wire(listing, wire))
            }
    }

    private func create(_ request: Request, _ context: AppContext) async throws -> Response {
        let (attachments, places) = try Self.attachments(await request.fields())
        do {
            return try await Self.answer(
                batches.create(attachments, in: context.id("base"), scope: context.caller()))
        } catch RequestError.notFound("file", let id, _) {
            let place = attachments.firstIndex { $0.file.rawValue == id }.map { places[$0] }
            throw RequestError.notFound("file", id: id, parameter: place)
        }
    }

    /// What to attach, and where in the request each stands.
    private static func attachments(_ body: Fields) throws -> ([Attachment], [String]) {
        let ids = try body.strings("file_ids", maxCount: maxFiles, maxLength: 128)
        let files = try body.objects("files", maxCount: maxFiles)
        switch (ids, files) {
        case (let ids?, nil) where !ids.isEmpty:
            let (pairs, cut) = (try attributes(body), try chunking(body))
            return (
                ids.map { Attachment(file: FileID(rawValue: $0), attributes: pairs, chunking: cut) },
                ids.indices.map { "file_ids[\($0)]" }
            )
        case (nil, let files?) where !files.isEmpty:
            let attachments = try files.map { file in
                Attachment(
                    file: FileID(rawValue: try file.requiredString("file_id", maxLength: 128)),
                    attributes: try attributes(file), chunking: try chunking(file))
            }
            return (attachments, files.map { $0.path(of: "file_id") })
        case (nil, nil): throw body.missing("file_ids")
        case (_?, _?): throw body.invalid("files", "must not be given together with file_ids")
        default: throw body.invalid(ids == nil ? "files" : "file_ids", "must not be empty")
        }
    }

    private static func answer(_ batch: FileBatch) throws -> Response {
        var response = try Response.json(wire(batch))
        response.headers[.pollAfter] = "250"
        return response
    }
}
