import FoundationEssentials
import GRDB
import Knowledge

// The document rows of a transaction: what the stores of files, documents and jobs do to them.

extension Connection {
    /// The document that was attached by this file of the tenant, or nil. Its `file` is the one asked for.
    ///
    /// A document's own id finds it as well: the service's own API knows documents by that, and by external names.
    func findDocument(_ file: FileID, of base: KnowledgeBaseID, tenant: TenantID) throws -> Document? {
        let arguments: StatementArguments = [
            "base": base.rawValue, "tenant": tenant.rawValue, "id": file.rawValue,
        ]
        let attached = try Row.fetchOne(
            self,
            sql: """
                SELECT document.* FROM attachment
                JOIN document ON document.id = attachment.document_id AND document.knowledge_base_id = :base
                WHERE attachment.tenant_id = :tenant AND attachment.file_id = :id
                """,
            arguments: arguments
        )
        if var document = try attached.map(Document.init(row:)) {
            document.file = file
            return document
        }
        let own = try Row.fetchOne(
            self,
            sql: "SELECT * FROM document WHERE tenant_id = :tenant AND knowledge_base_id = :base AND id = :id",
            arguments: arguments
        ).map(Document.init(row:))
        // And so does the name that its owner gave it.
        return try own ?? named(file.rawValue, "current", in: base, tenant: tenant)?.value.document
    }

    /// The document of some content, or nil. Its `file` is one by which it was attached.
    func findDocument(sha256: String, of base: KnowledgeBaseID, tenant: TenantID) throws -> Document? {
        try Row.fetchOne(
            self, sql: "SELECT * FROM document WHERE tenant_id = ? AND knowledge_base_id = ? AND sha256 = ?",
            arguments: [tenant.rawValue, base.rawValue, sha256]
        ).map(Document.init(row:))
    }

    /// Puts a file into a knowledge base: as a new document with its job, or as the one that has its content already.
    func attach(
        _ attachment: Attachment, to base: KnowledgeBase, of tenant: TenantID, at time: Date
    ) throws -> Document {
        let file = try file(attachment.file, of: tenant)
        let wanted = Document(
            knowledgeBase: base.id, file: file.id, filename: file.name, attributes: attachment.attributes ?? [:],
            chunking: attachment.chunking ?? base.chunking, createdAt: time
        )
        var document: Document
        if let existing = try findDocument(sha256: file.sha256, of: base.id, tenant: tenant) {
            document = try renew(existing, as: wanted, attributes: attachment.attributes, of: tenant, at: time)
            document.file = file.id
        } else {
            try insert(wanted, sha256: file.sha256, of: tenant)
            try enqueue(wanted, of: tenant, at: time)
            document = wanted
        }
        try attach(file.id, to: document.id, of: tenant)
        try execute(
            sql: "UPDATE knowledge_base SET last_active_at = ? WHERE tenant_id = ? AND id = ?",
            arguments: [time.milliseconds, tenant.rawValue, base.id.rawValue]
        )
        return document
    }

    /// Lets a file stand for a document.
    func attach(_ file: FileID, to document: DocumentID, of tenant: TenantID) throws {
        try execute(
            sql: "INSERT OR IGNORE INTO attachment (document_id, tenant_id, file_id) VALUES (?, ?, ?)",
            arguments: [document.rawValue, tenant.rawValue, file.rawValue]
        )
    }

    /// Takes a file from a document, which goes with the last of its files and else is known by another of them.
    func detach(_ file: FileID, from document: Document, of tenant: TenantID, at time: Date) throws {
        // Asked for by its own id, it goes whatever files it has.
        if file.rawValue == document.id.rawValue { return try remove(document, of: tenant, at: time) }
        try execute(
            sql: "DELETE FROM attachment WHERE document_id = ? AND file_id = ?",
            arguments: [document.id.rawValue, file.rawValue]
        )
        let heir = try String.fetchOne(
            self, sql: "SELECT file_id FROM attachment WHERE document_id = ? LIMIT 1",
            arguments: [document.id.rawValue])
        guard let heir else { return try remove(document, of: tenant, at: time) }
        try execute(
            sql: """
                UPDATE document SET file_id = :heir,
                    filename = (SELECT name FROM file WHERE tenant_id = :tenant AND id = :heir)
                WHERE tenant_id = :tenant AND id = :document AND file_id = :file
                """,
            arguments: [
                "heir": heir, "tenant": tenant.rawValue, "document": document.id.rawValue, "file": file.rawValue,
            ]
        )
    }

    /// The same, or `RequestError.notFound` for the knowledge base or the document.
    func document(_ file: FileID, of base: KnowledgeBaseID, tenant: TenantID) throws -> Document {
        try requireKnowledgeBase(base, of: tenant)
        guard let document = try findDocument(file, of: base, tenant: tenant) else { throw Document.missing(file) }
        return document
    }

    func insert(_ document: Document, sha256: String, of tenant: TenantID) throws {
        try execute(
            sql: """
                INSERT INTO document (
                    id, tenant_id, knowledge_base_id, file_id, sha256, filename, status, attributes, chunking, created_at
                ) VALUES (?, ?, ?, ?, ?, ?, 'in_progress', ?, ?, ?)
                """,
            arguments: [
                document.id.rawValue, tenant.rawValue, document.knowledgeBase.rawValue, document.file.rawValue, sha256,
                document.filename, try jsonText(document.attributes), try jsonText(document.chunking),
                document.createdAt.milliseconds,
            ]
        )
    }

    /// Gives a document the attributes, where there are any, and a new job with new chunking if it had come to nothing.
    func renew(
        _ existing: Document, as wanted: Document, attributes: [String: JSONValue]?, of tenant: TenantID, at time: Date
    ) throws -> Document {
        var document = existing
        if let attributes { document.attributes = attributes }
        switch existing.status {
        case .inProgress, .completed: break
        case .failed, .cancelled:
            document.status = .inProgress
            document.chunking = wanted.chunking
            try enqueue(document, of: tenant, at: time)
        }
        try execute(
            sql: """
                UPDATE document
                SET attributes = ?, chunking = ?, status = ?, failure_reason = NULL, failure_message = NULL
                WHERE tenant_id = ? AND id = ?
                """,
            arguments: [
                try jsonText(document.attributes), try jsonText(document.chunking), document.status.word,
                tenant.rawValue, document.id.rawValue,
            ]
        )
        return document
    }

    /// Removes a document, voids its job's lease and tells indexes. Of a large one, some is left to be erased later.
    func remove(_ document: Document, of tenant: TenantID, at time: Date) throws {
        let generations = try generations(with: document.id)
        if document.status == .completed {
            try erase(document.id)
        } else {
            try execute(
                sql: "DELETE FROM document WHERE tenant_id = ? AND id = ?",
                arguments: [tenant.rawValue, document.id.rawValue]
            )
        }
        try execute(
            sql: """
                UPDATE job SET status = 'cancelled', lease_token = NULL, lease_until = NULL, updated_at = ?
                WHERE tenant_id = ? AND document_id = ? AND status IN ('queued', 'running')
                """,
            arguments: [time.milliseconds, tenant.rawValue, document.id.rawValue]
        )
        guard document.status == .completed else { return _ = try nextRevision(of: document.knowledgeBase) }
        // In the knowledge base itself, too, whichever generations it has: filters by attributes follow it.
        for base in generations.union([document.knowledgeBase]) {
            let revision = try nextRevision(of: base)
            try execute(
                sql: "INSERT INTO removal (knowledge_base_id, revision, document_id) VALUES (?, ?, ?)",
                arguments: [base.rawValue, revision, document.id.rawValue]
            )
            try forgetRemovals(in: base, before: revision - Self.toldRevisions)
        }
    }

    private func generations(with document: DocumentID) throws -> Set<KnowledgeBaseID> {
        let ids = try String.fetchAll(
            self, sql: "SELECT knowledge_base_id FROM edition WHERE document_id = ?", arguments: [document.rawValue])
        return Set(ids.map { KnowledgeBaseID(rawValue: $0) })
    }

    /// For so many revisions it is told what was removed: an index or a filter that stayed behind further begins anew.
    private static let toldRevisions: Int64 = 16_384

    /// The last of the removals that are forgotten stays without the document's name, so that it is known up to where.
    func forgetRemovals(in base: KnowledgeBaseID, before revision: Int64) throws {
        let last = try Int64.fetchOne(
            self, sql: "SELECT MAX(revision) FROM removal WHERE knowledge_base_id = ? AND revision < ?",
            arguments: [base.rawValue, revision])
        guard let last else { return }
        try execute(
            sql: "DELETE FROM removal WHERE knowledge_base_id = ? AND revision < ?", arguments: [base.rawValue, last])
        try execute(
            sql: "UPDATE removal SET document_id = '' WHERE knowledge_base_id = ? AND revision = ?",
            arguments: [base.rawValue, last])
    }

    /// Takes a file from every document that it stands for.
    func detach(_ file: FileID, of tenant: TenantID, at time: Date) throws {
        let rows = try Row.fetchAll(
            self,
            sql: """
                SELECT document.* FROM attachment JOIN document ON document.id = attachment.document_id
                WHERE attachment.tenant_id = ? AND attachment.file_id = ?
                """,
            arguments: [tenant.rawValue, file.rawValue]
        )
        for document in try rows.map(Document.init(row:)) { try detach(file, from: document, of: tenant, at: time) }
    }

    /// Counts a change to a knowledge base's documents, or to a generation's vectors.
    func nextRevision(of base: KnowledgeBaseID) throws -> Int64 {
        let revision = try Int64.fetchOne(
            self, sql: "UPDATE knowledge_base SET revision = revision + 1 WHERE id = ? RETURNING revision",
            arguments: [base.rawValue]
        )
        guard let revision else { throw KnowledgeBase.missing(base) }
        return revision
    }
}

extension Document {
    static func missing(_ file: FileID) -> RequestError {
        .notFound("document", id: file.rawValue, parameter: nil)
    }

    init(row: Row) throws {
        self.init(
            id: try row.id("id"), knowledgeBase: try row.id("knowledge_base_id"), file: try row.id("file_id"),
            filename: try row.get("filename"), status: try DocumentStatus(row: row),
            attributes: try row.json("attributes"), chunking: try row.json("chunking"), title: try row.find("title"),
            chunkCount: try row.get("chunk_count"), usageBytes: try row.get("usage_bytes"),
            createdAt: try row.date("created_at")
        )
    }
}

extension DocumentStatus {
    fileprivate init(row: Row) throws {
        switch try row.get("status", as: String.self) {
        case "in_progress": self = .inProgress
        case "completed": self = .completed
        case "cancelled": self = .cancelled
        case "failed":
            self = .failed(DocumentFailure(try row.choice("failure_reason"), try row.get("failure_message")))
        default: throw StorageError.damaged("column status holds an unknown word")
        }
    }

    /// What the column holds, and OpenAI's word for it.
    fileprivate var word: String {
        switch self {
        case .inProgress: "in_progress"
        case .completed: "completed"
        case .failed: "failed"
        case .cancelled: "cancelled"
        }
    }
}
