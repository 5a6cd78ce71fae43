import Crypto
import FoundationEssentials
import GRDB
package import Knowledge

/// Uploads of one tenant that may be pending at a time, the bytes announced for them, and parts of one upload.
private let maxPending = 1_000
private let maxPendingBytes = 64 << 30
private let maxParts = 10_000

extension Database: PartedUploadStore {
    private static let pieceBytes = 1 << 20

    package func add(_ upload: PartedUpload, in scope: Scope) async throws {
        let now = time
        try await write { db in
            let (count, bytes) = try db.sizes(
                "parted_upload WHERE tenant_id = ? AND status = 'pending' AND expires_at > ?",
                [scope.tenant.rawValue, now.milliseconds])
            guard count < maxPending, upload.bytes <= maxPendingBytes - bytes else {
                throw RequestError.tooMany(
                    """
                    At most \(maxPending) uploads, and \(maxPendingBytes) bytes of them, may be pending. Complete or \
                    cancel some of them.
                    """)
            }
            try db.admit(scope.tenant)
            try db.execute(
                sql: """
                    INSERT INTO parted_upload (
                        id, tenant_id, filename, purpose, mime_type, bytes, status, created_at, expires_at,
                        file_lifetime
                    ) VALUES (?, ?, ?, ?, ?, ?, 'pending', ?, ?, ?)
                    """,
                arguments: [
                    upload.id.rawValue, scope.tenant.rawValue, upload.filename, upload.purpose, upload.mimeType,
                    upload.bytes, upload.createdAt.milliseconds, upload.expiresAt.milliseconds,
                    upload.fileLifetime.map(Int64.init(seconds:)),
                ])
        }
    }

    package func partedUpload(_ id: PartedUploadID, in scope: Scope) async throws -> PartedUpload {
        let now = time
        return try await read { db in try db.partedUpload(id, of: scope.tenant, at: now) }
    }

    package func add(part bytes: any FileUpload, to id: PartedUploadID, in scope: Scope) async throws -> UploadPart {
        guard let bytes = bytes as? BlobUpload else {
            preconditionFailure("A part is kept by the store that began it")
        }
        let now = time
        return try await onDisk { [self] in
            let content = try bytes.finish()
            let part = UploadPart(upload: id, bytes: content.bytes, createdAt: now)
            do {
                try blobs.adopt(content.path, as: part.id)
                try pool.write { db in try db.add(part, of: scope.tenant, at: now) }
            } catch {
                try? FileSystem.unlink(content.path)
                // Best effort: what no row names goes at the next start.
                try? blobs.remove([part.id])
                throw error
            }
            return part
        }
    }

    package func complete(
        _ id: PartedUploadID, parts: [UploadPartID], md5: String?, in scope: Scope
    ) async throws -> PartedUpload {
        let now = time
        let (upload, all) = try await read { db in
            (try db.partedUpload(id, of: scope.tenant, at: now), try db.parts(of: id))
        }
        if upload.status == .completed { return upload }
        try upload.requirePending()
        try Self.check(parts, of: upload, all)
        let whole = try await beginUpload()
        do {
            try await join(parts, into: whole, md5: md5)
        } catch {
            await whole.discard()
            throw error
        }
        let arrival = Arrival(upload: whole, name: upload.filename, purpose: upload.purpose, lifetime: upload.fileLifetime)
        _ = try await admit([arrival], of: scope.tenant) { files, db in
            try db.partedUpload(id, of: scope.tenant, at: now).requirePending()
            try db.end(id, as: .completed, file: files.first?.id)
        }
        // Those too that are not in the file. What stays by accident goes at the next start.
        try? await onDisk { [blobs] in try blobs.remove(all.map(\.id)) }
        return try await partedUpload(id, in: scope)
    }

    package func cancelUpload(_ id: PartedUploadID, in scope: Scope) async throws -> PartedUpload {
        let now = time
        let parts = try await write { db in
            let upload = try db.partedUpload(id, of: scope.tenant, at: now)
            if upload.status == .cancelled { return [UploadPart]() }
            try upload.requirePending()
            let parts = try db.parts(of: id)
            try db.end(id, as: .cancelled)
            return parts
        }
        try? await onDisk { [blobs] in try blobs.remove(parts.map(\.id)) }
        return try await partedUpload(id, in: scope)
    }

    /// Ends uploads whose time is over and throws their parts away, of all tenants.
    package func expireUploads() async throws {
        let now = time
        let parts = try await write { db in
            let expired = try String.fetchAll(
                db, sql: "SELECT id FROM parted_upload WHERE status = 'pending' AND expires_at <= ?",
                arguments: [now.milliseconds]
            ).map(PartedUploadID.init(rawValue:))
            return try expired.flatMap { id in
                let parts = try db.parts(of: id)
                try db.end(id, as: .expired)
                return parts
            }
        }
        try await onDisk { [blobs] in try blobs.remove(parts.map(\.id)) }
    }

    private static func check(_ parts: [UploadPartID], of upload: PartedUpload, _ all: [UploadPart]) throws {
        let known = Dictionary(uniqueKeysWithValues: all.map { ($0.id, $0.bytes) })
        var (seen, total) = (Set<UploadPartID>(), 0)
        for (position, part) in parts.enumerated() {
            guard let bytes = known[part] else {
                throw RequestError.notFound("part", id: part.rawValue, parameter: "part_ids[\(position)]")
            }
            guard seen.insert(part).inserted else {
                throw RequestError.invalid(parameter: "part_ids[\(position)]", message: "must not be given twice")
            }
            total += bytes
        }
        guard total == upload.bytes else {
            throw RequestError.invalid(
                parameter: "part_ids",
                message: "must have \(upload.bytes) bytes together, as was announced, not \(total)")
        }
    }

    private func join(_ parts: [UploadPartID], into whole: any FileUpload, md5: String?) async throws {
        var hash = Insecure.MD5()
        for part in parts {
            var offset = 0
            while true {
                let (start, count) = (offset, Self.pieceBytes)
                let piece = try await onDisk { [blobs] in try blobs.bytes(of: part, at: start, count: count) }
                guard let piece else { throw RequestError.notFound("part", id: part.rawValue, parameter: "part_ids") }
                if md5 != nil { hash.update(data: piece) }
                if !piece.isEmpty { try await whole.append(Array(piece)) }
                offset += piece.count
                if piece.count < count { break }
            }
        }
        guard let md5, md5.lowercased() != hash.finalize().hexadecimal else { return }
        throw RequestError.invalid(parameter: "md5", message: "is not that of the parts in this order")
    }
}

extension PartedUpload {
    fileprivate func requirePending() throws {
        guard status == .pending else {
            throw RequestError.conflict("The upload '\(id)' is \(status.rawValue) already.")
        }
    }
}

extension Connection {
    /// A tenant's upload as it is at this time, or `RequestError.notFound`.
    fileprivate func partedUpload(_ id: PartedUploadID, of tenant: TenantID, at time: Date) throws -> PartedUpload {
        let row = try Row.fetchOne(
            self, sql: "SELECT * FROM parted_upload WHERE tenant_id = ? AND id = ?",
            arguments: [tenant.rawValue, id.rawValue])
        guard let row else { throw RequestError.notFound("upload", id: id.rawValue, parameter: nil) }
        var upload = PartedUpload(
            id: id, filename: try row.get("filename"), purpose: try row.get("purpose"),
            mimeType: try row.get("mime_type"), bytes: try row.get("bytes"), status: try row.choice("status"),
            createdAt: try row.date("created_at"), expiresAt: try row.date("expires_at"),
            fileLifetime: try row.seconds("file_lifetime"))
        if upload.status == .pending, upload.expiresAt <= time { upload.status = .expired }
        if let file = try row.find("file_id", as: String.self) {
            upload.file = try Row.fetchOne(
                self, sql: "SELECT * FROM file WHERE tenant_id = ? AND id = ?", arguments: [tenant.rawValue, file]
            ).map(StoredFile.init(row:))
        }
        return upload
    }

    fileprivate func parts(of id: PartedUploadID) throws -> [UploadPart] {
        try Row.fetchAll(self, sql: "SELECT * FROM upload_part WHERE upload_id = ?", arguments: [id.rawValue]).map {
            UploadPart(
                id: try $0.id("id"), upload: id, bytes: try $0.get("bytes"), createdAt: try $0.date("created_at"))
        }
    }

    /// How many rows of a table there are, and their bytes together.
    fileprivate func sizes(_ rows: String, _ arguments: StatementArguments) throws -> (count: Int, bytes: Int) {
        let row = try Row.fetchOne(
            self, sql: "SELECT COUNT(*) AS count, COALESCE(SUM(bytes), 0) AS bytes FROM \(rows)", arguments: arguments)
        guard let row else { return (0, 0) }
        return (try row.get("count"), try row.get("bytes"))
    }

    fileprivate func add(_ part: UploadPart, of tenant: TenantID, at time: Date) throws {
        let upload = try partedUpload(part.upload, of: tenant, at: time)
        try upload.requirePending()
        let (count, bytes) = try sizes("upload_part WHERE upload_id = ?", [part.upload.rawValue])
        // A part may come twice, where a client did not hear that it had arrived.
        guard count < maxParts, bytes + part.bytes <= 2 * upload.bytes else {
            throw RequestError.invalid(parameter: "data", message: "is more than was announced for this upload")
        }
        try execute(
            sql: "INSERT INTO upload_part (id, upload_id, bytes, created_at) VALUES (?, ?, ?, ?)",
            arguments: [part.id.rawValue, part.upload.rawValue, part.bytes, part.createdAt.milliseconds])
    }

    fileprivate func end(_ id: PartedUploadID, as status: PartedUpload.Status, file: FileID? = nil) throws {
        try execute(
            sql: "UPDATE parted_upload SET status = ?, file_id = ? WHERE id = ?",
            arguments: [status.rawValue, file?.rawValue, id.rawValue])
        try execute(sql: "DELETE FROM upload_part WHERE upload_id = ?", arguments: [id.rawValue])
    }
}
