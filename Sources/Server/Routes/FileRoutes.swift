import Foundation
import HTTPTypes
import Hummingbird
import Knowledge
import Logging
import NIOCore
import OpenAIWire
import Service

/// `/files`: uploads and their originals.
struct FileRoutes: Sendable {
    let files: any FileStore
    let receive: ReceiveUpload

    func add(to group: RouterGroup<AppContext>) {
        group.post("files") { request, context in
            try await Response.json(wire(receive(request, in: context.caller())))
        }
        .get("files") { request, context in
            let purpose = request.uri.queryParameters["purpose"].map(String.init)
            let page = try request.page(limit: 10_000, atMost: 10_000)
            return try await Response.json(wire(files.files(purpose: purpose, page: page, in: context.caller()), wire))
        }
        .get("files/:file") { _, context in
            try await Response.json(wire(files.file(context.id("file"), in: context.caller())))
        }
        .delete("files/:file") { _, context in
            let id: FileID = try context.id("file")
            try await files.remove(id, in: context.caller())
            return try Response.json(wireDeleted(id.rawValue, object: "file"))
        }
        .get("files/:file/content", use: content)
    }

    /// The original, never as something that a browser would run.
    private func content(_ request: Request, _ context: AppContext) async throws -> Response {
        let id: FileID = try context.id("file")
        let content = try await files.open(id, in: context.caller())
        // Before the head goes out, so that a small file that is damaged is refused and does not only break off.
        let first = try await content.next()
        return Response(
            status: .ok,
            headers: [
                .contentType: "application/octet-stream", .contentDisposition: "attachment",
                .contentSecurityPolicy: "sandbox; default-src 'none'",
            ],
            body: ResponseBody(contentLength: content.bytes) { writer in
                do {
                    var piece = first
                    while let bytes = piece {
                        try await writer.write(ByteBuffer(bytes: bytes))
                        piece = try await content.next()
                    }
                } catch let error as any StoreFailure {
                    context.logger.error("a file broke off", metadata: ["file": "\(id)", "error": "\(error)"])
                    throw error
                }
                try await writer.finish(nil)
            })
    }
}

/// Takes a form with one file, straight to disk.
struct ReceiveUpload: Sendable {
    private static let maxFieldLength = 1_024
    private static let maxNameLength = 512

    let files: any FileStore
    let limitBytes: Int

    func callAsFunction(_ request: Request, in scope: Scope) async throws -> StoredFile {
        try await take(request) { try await receive(request, into: $0, scope) }
    }

    /// Takes a form, or a body that is the file itself; the file gets the name given here.
    func callAsFunction(_ request: Request, named path: String, in scope: Scope) async throws -> StoredFile {
        let isForm = request.headers[.contentType]?.lowercased().hasPrefix("multipart/form-data") == true
        return try await take(request) { upload in
            isForm
                ? try await receive(request, into: upload, named: path, scope)
                : try await receiveRaw(request, into: upload, named: path, scope)
        }
    }

    /// Does something with a file that has just come in, and removes the file again where that fails: its client will
    /// send it again.
    func keeping<Value: Sendable>(
        _ file: StoredFile, in scope: Scope, _ use: () async throws -> Value
    ) async throws -> Value {
        do {
            return try await use()
        } catch {
            // In a task of its own: this one may be cancelled already. The first error says more than a second one.
            await Task { try? await files.remove(file.id, in: scope) }.value
            throw error
        }
    }

    private func take(
        _ request: Request, _ receive: (any FileUpload) async throws -> StoredFile
    ) async throws -> StoredFile {
        // The form around the file adds little; a body that is announced larger than this need not come in at all.
        if let announced = request.headers[.contentLength].flatMap({ Int($0) }), announced > limitBytes + 65_536 {
            throw RequestError.tooLarge(limitBytes: limitBytes)
        }
        let upload = try await files.beginUpload()
        do {
            return try await receive(upload)
        } catch {
            await upload.discard()
            throw error
        }
    }

    private func receiveRaw(
        _ request: Request, into upload: any FileUpload, named path: String, _ scope: Scope
    ) async throws -> StoredFile {
        var size = 0
        for try await buffer in request.body {
            size = try await upload.append(Array(buffer.readableBytesView))
            guard size <= limitBytes else { throw RequestError.tooLarge(limitBytes: limitBytes) }
        }
        guard size > 0 else { throw RequestError.invalid(parameter: nil, message: "The body must not be empty.") }
        return try await files.admit(upload, name: Self.filename(path), purpose: UploadPurpose.assistants.rawValue, in: scope)
    }

    private func receive(
        _ request: Request, into upload: any FileUpload, named path: String? = nil, _ scope: Scope
    ) async throws -> StoredFile {
        let body = request.body.map(\.readableBytesView)
        var form = try MultipartReader(contentType: request.headers[.contentType], body: body)
        var fields: [String: String] = [:]
        var name: String?
        var size = 0
        while let part = try await form.nextPart() {
            if part.name == "file" {
                guard name == nil else { throw RequestError.invalid(parameter: "file", message: "must be given once") }
                name = try Self.filename(path ?? part.filename)
                while let bytes = try await form.read() {
                    size = try await upload.append(bytes)
                    guard size <= limitBytes else { throw RequestError.tooLarge(limitBytes: limitBytes) }
                }
            } else {
                var value: [UInt8] = []
                while let bytes = try await form.read() {
                    value += bytes
                    guard value.count <= Self.maxFieldLength else {
                        throw RequestError.invalid(parameter: part.name, message: "must be at most 1024 bytes long")
                    }
                }
                fields[part.name] = String(decoding: value, as: UTF8.self)
            }
        }
        guard let name else { throw RequestError.missing(parameter: "file") }
        guard size > 0 else { throw RequestError.invalid(parameter: "file", message: "must not be empty") }
        let purpose = try UploadPurpose(fields["purpose"] ?? UploadPurpose.assistants.rawValue)
        let lifetime = try fileLifetime(form: fields)
        return try await files.admit(upload, name: name, purpose: purpose.rawValue, lifetime: lifetime, in: scope)
    }

    /// The last part of what the client calls its file, without control characters.
    private static func filename(_ sent: String?) throws -> String {
        let last = sent?.split(whereSeparator: { $0 == "/" || $0 == "\\" }).last.map(String.init) ?? ""
        let name = String(String.UnicodeScalarView(last.unicodeScalars.filter { $0.properties.generalCategory != .control }))
        guard !name.isEmpty, name != ".", name != ".." else {
            throw RequestError.invalid(parameter: "file", message: "must have a file name")
        }
        guard name.utf8.count <= maxNameLength else {
            throw RequestError.invalid(parameter: "file", message: "must have a file name of at most 512 bytes")
        }
        return name
    }
}
