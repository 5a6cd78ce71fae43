import FoundationEssentials
import GRDB
package import Knowledge

extension Database: NamedDocumentStore {
    package func put(
        _ attachment: Attachment, as name: String, in base: KnowledgeBaseID, scope: Scope
    ) async throws -> (NamedDocument, NameChange) {
        let now = time
        let outcome = try await write { db in
            let base = try db.knowledgeBase(base, of: scope.tenant)
            return try db.put(attachment, as: name, in: base, of: scope.tenant, at: now)
        }
        // What was replaced. The document is stored, whatever comes of this.
        try? await unlinkReleased()
        return outcome
    }

    package func namedDocuments(
        of base: KnowledgeBaseID, after: String?, limit: Int, in scope: Scope
    ) async throws -> Listing<NamedDocument> {
        let limit = min(max(limit, 1), OrderedList.longest)
        return try await read { db in
            try db.requireKnowledgeBase(base, of: scope.tenant)
            let names = try Row.fetchAll(
                db,
                sql: """
                    SELECT external_id, MAX(state) AS state FROM external_name
                    WHERE knowledge_base_id = ? AND external_id > ?
                    GROUP BY external_id ORDER BY external_id LIMIT ?
                    """,
                arguments: [base.rawValue, after ?? "", limit + 1])
            let elements = try names.prefix(limit).map { row in
                try db.named(row.get("external_id"), row.get("state"), in: base, tenant: scope.tenant)
            }
            return Listing(elements: elements.compactMap { $0?.value }, hasMore: names.count > limit)
        }
    }

    package func remove(named name: String, from base: KnowledgeBaseID, in scope: Scope) async throws {
        let now = time
        try await write { db in
            try db.requireKnowledgeBase(base, of: scope.tenant)
            let holders = try ["next", "current"].compactMap {
                try db.named(name, $0, in: base, tenant: scope.tenant)
            }
            guard !holders.isEmpty else { throw RequestError.notFound("document", id: name, parameter: nil) }
            for holder in holders { try db.drop(holder, of: scope.tenant, at: now) }
        }
        try await unlinkReleased()
    }

    /// Unlinks content that no row names any more, and has documents erased that went with it. What a crash keeps it
    /// from, the next start does.
    func unlinkReleased() async throws {
        collector.wake()
        try await onDisk { [self] in
            try pool.writeWithoutTransaction { db in
                let released = try String.fetchAll(
                    db, sql: "SELECT sha256 FROM unlinking WHERE sha256 NOT IN (SELECT sha256 FROM file)")
                for sha256 in released {
                    try blobs.remove(sha256)
                    try db.execute(sql: "DELETE FROM unlinking WHERE sha256 = ?", arguments: [sha256])
                }
            }
        }
    }
}

/// A row of `external_name` with its document.
struct NameHolder {
    var value: NamedDocument
    /// `current` or `next`.
    var state: String
    /// By which the name attached the document.
    var file: FileID
}

extension Connection {
    /// What holds a name in that state, or nil.
    func named(
        _ name: String, _ state: String, in base: KnowledgeBaseID, tenant: TenantID
    ) throws -> NameHolder? {
        let row = try Row.fetchOne(
            self,
            sql: """
                SELECT document.*, external_name.file_id AS name_file FROM external_name
                JOIN document ON document.id = external_name.document_id AND document.tenant_id = ?
                WHERE external_name.knowledge_base_id = ? AND external_id = ? AND state = ?
                """,
            arguments: [tenant.rawValue, base.rawValue, name, state])
        guard let row else { return nil }
        var document = try Document(row: row)
        let file: FileID = try row.id("name_file")
        document.file = file
        return NameHolder(
            value: NamedDocument(name: name, document: document, sha256: try row.get("sha256")), state: state, file: file)
    }

    fileprivate func put(
        _ attachment: Attachment, as name: String, in base: KnowledgeBase, of tenant: TenantID, at time: Date
    ) throws -> (NamedDocument, NameChange) {
        let sha256 = try file(attachment.file, of: tenant).sha256
        let current = try named(name, "current", in: base.id, tenant: tenant)
        let next = try named(name, "next", in: base.id, tenant: tenant)
        for holder in [next, current].compactMap({ $0 }) where holder.value.sha256 == sha256 {
            // Back to what is found now: what was to come after it is not wanted any more.
            if holder.state == "current", let next { try drop(next, of: tenant, at: time) }
            var again = attachment
            // Where the file that it came by was deleted, another one keeps its document; this one takes its place.
            if try isStored(holder.file, of: tenant) {
                again.file = holder.file
            } else {
                try rename(holder, by: attachment.file)
            }
            var value = holder.value
            value.document = try attach(again, to: base, of: tenant, at: time)
            if attachment.file != again.file { try release(attachment.file, of: tenant) }
            return (value, .unchanged)
        }
        let document = try attach(attachment, to: base, of: tenant, at: time)
        if let next { try drop(next, of: tenant, at: time) }
        let isWaiting = current?.value.document.status == .completed && document.status != .completed
        if let current, !isWaiting { try drop(current, of: tenant, at: time) }
        try execute(
            sql: """
                INSERT INTO external_name (knowledge_base_id, external_id, state, document_id, file_id)
                VALUES (?, ?, ?, ?, ?)
                """,
            arguments: [
                base.id.rawValue, name, isWaiting ? "next" : "current", document.id.rawValue, attachment.file.rawValue,
            ])
        let value = NamedDocument(name: name, document: document, sha256: sha256)
        return (value, current == nil ? .created : .replaced)
    }

    private func isStored(_ file: FileID, of tenant: TenantID) throws -> Bool {
        let found = try Bool.fetchOne(
            self, sql: "SELECT 1 FROM file WHERE tenant_id = ? AND id = ?",
            arguments: [tenant.rawValue, file.rawValue])
        return found == true
    }

    /// Notes another file by which a name attached its document.
    private func rename(_ holder: NameHolder, by file: FileID) throws {
        try execute(
            sql: """
                UPDATE external_name SET file_id = ?
                WHERE knowledge_base_id = ? AND external_id = ? AND state = ?
                """,
            arguments: [
                file.rawValue, holder.value.document.knowledgeBase.rawValue, holder.value.name, holder.state,
            ])
    }

    /// Puts a document, now that it is indexed, in the place of those it was to replace.
    func promote(_ document: DocumentID, of tenant: TenantID, at time: Date) throws {
        let waiting = try Row.fetchAll(
            self,
            sql: "SELECT knowledge_base_id, external_id FROM external_name WHERE document_id = ? AND state = 'next'",
            arguments: [document.rawValue])
        for row in waiting {
            let (base, name) = (try row.id("knowledge_base_id", as: KnowledgeBaseID.self), try row.get("external_id", as: String.self))
            if let current = try named(name, "current", in: base, tenant: tenant) {
                try drop(current, of: tenant, at: time)
            }
            try execute(
                sql: """
                    UPDATE external_name SET state = 'current'
                    WHERE knowledge_base_id = ? AND external_id = ? AND state = 'next'
                    """,
                arguments: [base.rawValue, name])
        }
    }

    /// Takes a name from its document, with the file that it came by.
    fileprivate func drop(_ holder: NameHolder, of tenant: TenantID, at time: Date) throws {
        let document = holder.value.document
        try execute(
            sql: "DELETE FROM external_name WHERE knowledge_base_id = ? AND external_id = ? AND state = ?",
            arguments: [document.knowledgeBase.rawValue, holder.value.name, holder.state])
        try detach(holder.file, from: document, of: tenant, at: time)
        try release(holder.file, of: tenant)
    }

    /// Removes a file that nothing is attached by, and notes its content for unlinking.
    private func release(_ file: FileID, of tenant: TenantID) throws {
        let sha256 = try String.fetchOne(
            self,
            sql: """
                DELETE FROM file WHERE tenant_id = :tenant AND id = :file AND NOT EXISTS (
                    SELECT 1 FROM attachment WHERE tenant_id = :tenant AND file_id = :file
                ) RETURNING sha256
                """,
            arguments: ["tenant": tenant.rawValue, "file": file.rawValue])
        guard let sha256 else { return }
        try execute(sql: "INSERT OR IGNORE INTO unlinking (sha256) VALUES (?)", arguments: [sha256])
    }
}
