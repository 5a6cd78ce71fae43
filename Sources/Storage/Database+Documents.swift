import GRDB
package import Knowledge

extension Database: DocumentStore {
    package func attach(
        _ attachment: Attachment, to base: KnowledgeBaseID, in scope: Scope
    ) async throws -> Document {
        let now = time
        return try await write { db in
            let base = try db.knowledgeBase(base, of: scope.tenant)
            return try db.attach(attachment, to: base, of: scope.tenant, at: now)
        }
    }

    package func document(
        _ file: FileID, of base: KnowledgeBaseID, in scope: Scope
    ) async throws -> Document {
        try await read { db in try db.document(file, of: base, tenant: scope.tenant) }
    }

    package func document(
        sha256: String, of base: KnowledgeBaseID, in scope: Scope
    ) async throws -> Document? {
        try await read { db in
            try db.requireKnowledgeBase(base, of: scope.tenant)
            return try db.findDocument(sha256: sha256, of: base, tenant: scope.tenant)
        }
    }

    package func documents(
        of base: KnowledgeBaseID, status: String?, page: Page, in scope: Scope
    ) async throws -> Listing<Document> {
        let list = OrderedList(
            select: """
                SELECT * FROM document WHERE tenant_id = :tenant AND knowledge_base_id = :base
                    AND (:status IS NULL OR status = :status)
                """,
            // OpenAI's clients know a document by its file's id.
            position: """
                SELECT created_at, id FROM document
                WHERE tenant_id = :tenant AND knowledge_base_id = :base AND id = COALESCE((
                    SELECT id FROM document
                    WHERE tenant_id = :tenant AND knowledge_base_id = :base AND file_id = :cursor
                ), :cursor)
                """,
            key: "file_id",
            arguments: ["tenant": scope.tenant.rawValue, "base": base.rawValue, "status": status]
        )
        return try await read { [ends] db in
            try db.requireKnowledgeBase(base, of: scope.tenant)
            return try list.page(page, in: db, ends, Document.init(row:))
        }
    }

    package func setAttributes(
        _ attributes: [String: JSONValue], of file: FileID, in base: KnowledgeBaseID, scope: Scope
    ) async throws -> Document {
        try await write { db in
            var document = try db.document(file, of: base, tenant: scope.tenant)
            document.attributes = attributes
            try db.execute(
                sql: "UPDATE document SET attributes = ? WHERE tenant_id = ? AND id = ?",
                arguments: [try jsonText(attributes), scope.tenant.rawValue, document.id.rawValue]
            )
            return document
        }
    }

    package func text(of file: FileID, in base: KnowledgeBaseID, scope: Scope) async throws -> String {
        try await read { db in
            let document = try db.document(file, of: base, tenant: scope.tenant)
            let row = try Row.fetchOne(
                db, sql: "SELECT CAST(text AS BLOB) AS text FROM document_text WHERE document_id = ?",
                arguments: [document.id.rawValue]
            )
            guard let row else { throw Document.missing(file) }
            return try row.text("text")
        }
    }

    package func remove(_ file: FileID, from base: KnowledgeBaseID, in scope: Scope) async throws {
        let now = time
        try await write { db in
            let document = try db.document(file, of: base, tenant: scope.tenant)
            // A name finds a document, too, but is no file that could be taken from it.
            guard document.file == file || document.id.rawValue == file.rawValue else { throw Document.missing(file) }
            try db.detach(file, from: document, of: scope.tenant, at: now)
        }
        collector.wake()
    }

    package func documents(
        of files: [FileID], in bases: [KnowledgeBaseID], scope: Scope
    ) async throws -> Set<DocumentID> {
        try await read { db in
            let missing = try Row.fetchOne(
                db,
                sql: """
                    SELECT key, value FROM json_each(:files) AS asked WHERE NOT EXISTS (
                        SELECT 1 FROM file WHERE tenant_id = :tenant AND id = asked.value
                    ) ORDER BY key LIMIT 1
                    """,
                arguments: ["tenant": scope.tenant.rawValue, "files": try jsonText(files.map(\.rawValue))])
            if let missing {
                let position: Int = try missing.get("key")
                throw RequestError.notFound("file", id: try missing.get("value"), parameter: "file_ids[\(position)]")
            }
            let ids = try String.fetchAll(
                db,
                sql: """
                    SELECT document.id FROM json_each(:files) AS file
                    CROSS JOIN attachment ON attachment.tenant_id = :tenant AND attachment.file_id = file.value
                    CROSS JOIN document ON document.id = attachment.document_id
                    WHERE document.tenant_id = :tenant
                        AND knowledge_base_id IN (SELECT value FROM json_each(:bases))
                    """,
                arguments: [
                    "tenant": scope.tenant.rawValue, "files": try jsonText(files.map(\.rawValue)),
                    "bases": try jsonText(bases.map(\.rawValue)),
                ])
            return Set(ids.map { DocumentID(rawValue: $0) })
        }
    }

    package func documents(
        matching filter: AttributeFilter, of bases: [KnowledgeBaseID], in scope: Scope
    ) async throws -> DocumentFilter {
        let question = DocumentFilters.Question(filter: filter, tenant: scope.tenant, bases: bases)
        let known = filters.answer(to: question)
        let answer = try await reading { try $0.documents(for: question, knowing: known) }
        if answer.filter !== known?.filter { filters.remember(answer, to: question) }
        return answer.filter
    }
}
