import HTTPTypes
import Hummingbird
import Knowledge
import NIOCore
import OpenAIWire
import Service

/// `/uploads`: a file in parts, for files that are too large for one request.
struct UploadRoutes: Sendable {
    /// OpenAI's limit of one part.
    private static let maxPartBytes = 64 << 20
    /// What the form around a part may add.
    private static let formBytes = 65_536

    let uploads: any PartedUploadStore
    let files: any FileStore
    /// Largest file.
    let limitBytes: Int

    func add(to group: RouterGroup<AppContext>) {
        group.post("uploads") { request, context in
            let asked = try UploadRequest(await request.fields(), limit: limitBytes)
            try await uploads.add(asked.upload, in: context.caller())
            return try Response.json(wire(asked.upload))
        }
        .get("uploads/:upload") { _, context in
            try await Response.json(wire(uploads.partedUpload(context.id("upload"), in: context.caller())))
        }
        .post("uploads/:upload/parts", use: addPart)
        .post("uploads/:upload/complete") { request, context in
            let asked = try UploadCompletion(await request.fields())
            return try await Response.json(
                wire(uploads.complete(context.id("upload"), parts: asked.parts, md5: asked.md5, in: context.caller())))
        }
        .post("uploads/:upload/cancel") { _, context in
            try await Response.json(wire(uploads.cancelUpload(context.id("upload"), in: context.caller())))
        }
    }

    private func addPart(_ request: Request, _ context: AppContext) async throws -> Response {
        let (id, scope) = try (context.id("upload", as: PartedUploadID.self), context.caller())
        if let announced = request.headers[.contentLength].flatMap({ Int($0) }),
            announced > Self.maxPartBytes + Self.formBytes
        {
            throw RequestError.tooLarge(limitBytes: Self.maxPartBytes)
        }
        // Asked first, so that nothing is read for an upload that takes nothing.
        let upload = try await uploads.partedUpload(id, in: scope)
        guard upload.status == .pending else {
            throw RequestError.conflict("The upload '\(id)' is \(upload.status.rawValue) already.")
        }
        let bytes = try await files.beginUpload()
        do {
            try await receive(request, into: bytes)
            return try await Response.json(wire(uploads.add(part: bytes, to: id, in: scope)))
        } catch {
            await bytes.discard()
            throw error
        }
    }

    private func receive(_ request: Request, into bytes: any FileUpload) async throws {
        let body = request.body.map(\.readableBytesView)
        var form = try MultipartReader(contentType: request.headers[.contentType], body: body)
        var size = 0
        while let part = try await form.nextPart() {
            guard part.name == "data" else {
                var skipped = 0
                while let piece = try await form.read() {
                    skipped += piece.count
                    guard skipped <= Self.formBytes else { throw RequestError.tooLarge(limitBytes: Self.formBytes) }
                }
                continue
            }
            guard size == 0 else { throw RequestError.invalid(parameter: "data", message: "must be given once") }
            while let piece = try await form.read() {
                size = try await bytes.append(piece)
                guard size <= Self.maxPartBytes else { throw RequestError.tooLarge(limitBytes: Self.maxPartBytes) }
            }
            guard size > 0 else { throw RequestError.invalid(parameter: "data", message: "must not be empty") }
        }
        guard size > 0 else { throw RequestError.missing(parameter: "data") }
    }
}
