package import FoundationEssentials

/// A file that comes in parts, each in a request of its own, and is put together at the end: what OpenAI calls an
/// upload.
package struct PartedUpload: Hashable, Sendable {
    /// How long the parts may take.
    package static let lifetime: TimeInterval = 3_600

    package var id: PartedUploadID
    package var filename: String
    package var purpose: String
    package var mimeType: String
    /// Of all parts together.
    package var bytes: Int
    package var status: Status
    /// What it became, where it was completed and the file is still there.
    package var file: StoredFile?
    package var createdAt: Date
    package var expiresAt: Date
    /// How long the file that it becomes is kept, in seconds; nil: for good.
    package var fileLifetime: TimeInterval?

    package init(
        id: PartedUploadID = .random(), filename: String, purpose: String, mimeType: String, bytes: Int,
        status: Status = .pending, file: StoredFile? = nil, createdAt: Date, expiresAt: Date? = nil,
        fileLifetime: TimeInterval? = nil
    ) {
        self.fileLifetime = fileLifetime
        self.id = id
        self.filename = filename
        self.purpose = purpose
        self.mimeType = mimeType
        self.bytes = bytes
        self.status = status
        self.file = file
        self.createdAt = createdAt
        self.expiresAt = expiresAt ?? createdAt.addingTimeInterval(Self.lifetime)
    }

    package enum Status: String, Sendable, CaseIterable { case pending, completed, cancelled, expired }
}

/// A part of an upload, on disk.
package struct UploadPart: Hashable, Sendable {
    package var id: UploadPartID
    package var upload: PartedUploadID
    package var bytes: Int
    package var createdAt: Date

    package init(id: UploadPartID = .random(), upload: PartedUploadID, bytes: Int, createdAt: Date) {
        self.id = id
        self.upload = upload
        self.bytes = bytes
        self.createdAt = createdAt
    }
}

package struct PartedUploadID: Identifier {
    package static let prefix = "upload_"
    package let rawValue: String
    package init(rawValue: String) { self.rawValue = rawValue }
}

package struct UploadPartID: Identifier {
    package static let prefix = "part_"
    package let rawValue: String
    package init(rawValue: String) { self.rawValue = rawValue }
}

/// Uploads in parts. All but `add` throw `RequestError.notFound`, with no parameter, for an upload that is not there,
/// and `conflict` for one that has ended in another way.
package protocol PartedUploadStore: Sendable {
    /// Throws `RequestError.tooMany` where too many of the tenant's uploads are pending.
    func add(_ upload: PartedUpload, in scope: Scope) async throws
    func partedUpload(_ id: PartedUploadID, in scope: Scope) async throws -> PartedUpload
    /// Keeps a part; it is on disk when this returns.
    /// - Throws: `RequestError.invalid` where the parts become far more than was announced.
    func add(part bytes: any FileUpload, to id: PartedUploadID, in scope: Scope) async throws -> UploadPart
    /// Puts parts together, in this order, as a file. A completed upload is returned as it is.
    ///
    /// - Parameter md5: What the whole must have, as 32 hexadecimal digits.
    /// - Throws: `RequestError.invalid` where the parts are not the upload's, or not the bytes that were announced.
    func complete(
        _ id: PartedUploadID, parts: [UploadPartID], md5: String?, in scope: Scope
    ) async throws -> PartedUpload
    /// Throws the parts away.
    func cancelUpload(_ id: PartedUploadID, in scope: Scope) async throws -> PartedUpload
}
