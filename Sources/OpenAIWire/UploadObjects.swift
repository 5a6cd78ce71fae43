import FoundationEssentials
package import Knowledge

/// What a client may upload a file for. What batches write has `batch_output`, which is ours to give.
package enum UploadPurpose: String, Sendable, CaseIterable {
    case assistants, batch, evals
    case fineTune = "fine-tune"
    case userData = "user_data"
    case vision

    /// Throws `RequestError.invalid` for any other word.
    package init(_ word: String) throws {
        guard let purpose = Self(rawValue: word) else {
            let words = Self.allCases.map(\.rawValue).joined(separator: ", ")
            throw RequestError.invalid(parameter: "purpose", message: "must be one of: \(words)")
        }
        self = purpose
    }
}

/// A `POST /uploads` body.
package struct UploadRequest: Sendable {
    package var upload: PartedUpload

    /// - Parameter limit: Bytes that a file may have.
    package init(_ body: Fields, limit: Int) throws {
        let filename = try body.requiredString("filename", maxLength: 512)
        // The client's name is data: never a path, and nothing that a terminal or a header would act on.
        let isName = !filename.isEmpty && !filename.unicodeScalars.contains { $0 == "/" || $0 == "\\" || $0.value < 32 }
        guard isName, filename != ".", filename != ".." else {
            throw body.invalid("filename", "must be a file's name without folders")
        }
        guard let bytes = try body.integer("bytes", in: 1...max(1, limit)) else { throw body.missing("bytes") }
        upload = PartedUpload(
            filename: filename, purpose: try UploadPurpose(body.requiredString("purpose", maxLength: 64)).rawValue,
            mimeType: try body.requiredString("mime_type", maxLength: 256), bytes: bytes, createdAt: Date(),
            fileLifetime: try fileLifetime(body))
    }
}

/// A `POST /uploads/{id}/complete` body.
package struct UploadCompletion: Sendable {
    package var parts: [UploadPartID]
    package var md5: String?

    package init(_ body: Fields) throws {
        guard let ids = try body.strings("part_ids", maxCount: 10_000, maxLength: 128) else {
            throw body.missing("part_ids")
        }
        parts = ids.map(UploadPartID.init)
        md5 = try body.string("md5", maxLength: 64)
    }
}

package func wire(_ upload: PartedUpload) -> JSONValue {
    [
        "id": .string(upload.id.rawValue), "object": "upload", "bytes": .integer(upload.bytes),
        "created_at": wire(upload.createdAt), "expires_at": wire(upload.expiresAt),
        "filename": .string(upload.filename), "purpose": .string(upload.purpose),
        "status": .string(upload.status.rawValue), "file": upload.file.map(wire) ?? .null,
    ]
}

package func wire(_ part: UploadPart) -> JSONValue {
    [
        "id": .string(part.id.rawValue), "object": "upload.part", "created_at": wire(part.createdAt),
        "upload_id": .string(part.upload.rawValue),
    ]
}
