package import FoundationEssentials
import GRDB
package import Knowledge

extension Database: FileStore {
    package func beginUpload() async throws -> any FileUpload {
        try await onDisk { [blobs, disk] in try BlobUpload(path: blobs.uploadPath(), disk: disk) }
    }

    package func admit(
        _ upload: any FileUpload, name: String, purpose: String, lifetime: TimeInterval?, in scope: Scope
    ) async throws -> StoredFile {
        let arrival = Arrival(upload: upload, name: name, purpose: purpose, lifetime: lifetime)
        let files = try await admit([arrival], of: scope.tenant) { _, _ in }
        return files[0]
    }

    package func file(_ id: FileID, in scope: Scope) async throws -> StoredFile {
        try await read { db in try db.file(id, of: scope.tenant) }
    }

    package func files(purpose: String?, page: Page, in scope: Scope) async throws -> Listing<StoredFile> {
        let list = OrderedList(
            select: "SELECT * FROM file WHERE tenant_id = :tenant AND (:purpose IS NULL OR purpose = :purpose)",
            position: "SELECT created_at, id FROM file WHERE tenant_id = :tenant AND id = :cursor",
            arguments: ["tenant": scope.tenant.rawValue, "purpose": purpose]
        )
        return try await read { [ends] db in try list.page(page, in: db, ends, StoredFile.init(row:)) }
    }

    package func open(_ id: FileID, in scope: Scope) async throws -> any FileReading {
        let file = try await file(id, in: scope)
        let reading = try await onDisk { [blobs, disk] in
            try blobs.open(file.sha256).map {
                BlobReading(path: $0.path, descriptor: $0.descriptor, bytes: file.bytes, sha256: file.sha256, disk: disk)
            }
        }
        if let reading { return reading }
        _ = try await self.file(id, in: scope)  // Throws if the file was removed in between.
        throw StorageError.damaged("the content of \(id) is not in the data directory")
    }

    package func remove(_ id: FileID, in scope: Scope) async throws {
        let now = time
        try await onDisk { [self] in
            try pool.writeWithoutTransaction { db in
                let file = try db.file(id, of: scope.tenant)
                try db.inTransaction(.immediate) {
                    try db.detach(id, of: scope.tenant, at: now)
                    try db.execute(
                        sql: "DELETE FROM file WHERE tenant_id = ? AND id = ?",
                        arguments: [scope.tenant.rawValue, id.rawValue]
                    )
                    try db.execute(
                        sql: "INSERT OR IGNORE INTO unlinking (sha256) VALUES (?)", arguments: [file.sha256])
                    return .commit
                }
                // If it fails, or never comes to it, the next start does it.
                if try !db.hasFile(of: file.sha256) { try? blobs.remove(file.sha256) }
            }
        }
        collector.wake()
    }

    /// An upload that is to become a file.
    struct Arrival: Sendable {
        var upload: any FileUpload
        var name: String
        var purpose: String
        /// In seconds; nil: for good.
        var lifetime: TimeInterval?
    }

    /// Makes uploads durable, and in the transaction of their rows what else belongs to them. Nothing stays if that
    /// fails.
    ///
    /// - Returns: The files, in the same order.
    func admit(
        _ arrivals: [Arrival], of tenant: TenantID,
        alongside more: @escaping @Sendable ([StoredFile], Connection) throws -> Void
    ) async throws -> [StoredFile] {
        try await onDisk { [self] in
            var paths: [String] = []
            // Gone already if the bytes came to their place; else the next start removes them.
            defer { for path in paths { try? FileSystem.unlink(path) } }
            let files = try arrivals.map { arrival in
                guard let upload = arrival.upload as? BlobUpload else {
                    preconditionFailure("An upload is admitted by the store that began it")
                }
                let content = try upload.finish()
                paths.append(content.path)
                let now = time
                return StoredFile(
                    name: arrival.name, bytes: content.bytes, sha256: content.sha256, purpose: arrival.purpose,
                    createdAt: now, expiresAt: arrival.lifetime.map { now + $0 })
            }
            try pool.writeWithoutTransaction { [paths] db in
                try place(Array(zip(paths, files)), of: tenant, db) { try more(files, db) }
            }
            return files
        }
    }

    /// Brings contents to their places and writes their rows; leaves neither if it fails.
    private func place(
        _ contents: [(path: String, file: StoredFile)], of tenant: TenantID, _ db: Connection,
        alongside more: () throws -> Void
    ) throws {
        do {
            for (path, file) in contents {
                // Noted first, so that bytes which a crash leaves without a row are unlinked at the next start.
                try db.execute(sql: "INSERT OR IGNORE INTO unlinking (sha256) VALUES (?)", arguments: [file.sha256])
                try blobs.adopt(path, as: file.sha256)
            }
            try db.inTransaction(.immediate) {
                try db.admit(tenant)
                for (_, file) in contents {
                    try db.execute(sql: "DELETE FROM unlinking WHERE sha256 = ?", arguments: [file.sha256])
                    try db.insert(file, of: tenant)
                }
                try more()
                return .commit
            }
        } catch {
            for (_, file) in contents where (try? db.hasFile(of: file.sha256)) == false {
                // Best effort: bytes that no row names are harmless.
                try? blobs.remove(file.sha256)
            }
            throw error
        }
    }
}

extension Connection {
    /// A tenant's file, or `RequestError.notFound`.
    func file(_ id: FileID, of tenant: TenantID) throws -> StoredFile {
        let row = try Row.fetchOne(
            self, sql: "SELECT * FROM file WHERE tenant_id = ? AND id = ?", arguments: [tenant.rawValue, id.rawValue])
        guard let row else { throw RequestError.notFound("file", id: id.rawValue, parameter: nil) }
        return try StoredFile(row: row)
    }

    fileprivate func insert(_ file: StoredFile, of tenant: TenantID) throws {
        try execute(
            sql: """
                INSERT INTO file (id, tenant_id, name, bytes, sha256, purpose, created_at, expires_at)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                file.id.rawValue, tenant.rawValue, file.name, file.bytes, file.sha256, file.purpose,
                file.createdAt.milliseconds, file.expiresAt?.milliseconds,
            ])
    }

    /// Whether any file of any tenant has this content.
    fileprivate func hasFile(of sha256: String) throws -> Bool {
        try Bool.fetchOne(self, sql: "SELECT EXISTS (SELECT 1 FROM file WHERE sha256 = ?)", arguments: [sha256]) ?? true
    }
}

extension StoredFile {
    init(row: Row) throws {
        self.init(
            id: try row.id("id"), name: try row.get("name"), bytes: try row.get("bytes"),
            sha256: try row.get("sha256"), purpose: try row.get("purpose"), createdAt: try row.date("created_at"),
            expiresAt: try row.find("expires_at").map(Date.init(milliseconds:))
        )
    }
}
