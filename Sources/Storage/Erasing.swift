import GRDB
import Knowledge

// What was removed is out of sight with the transaction that removes it, and erased in steps behind that: a document of
// many chunks would hold up every writer for seconds, since the keyword index must be told each word that goes.
//
// A document in between belongs to nobody: to a tenant, a knowledge base and a file that no scope names. Its `erasure`
// row says where its chunks stand in the keyword index, which leaves them out of every search.

extension Connection {
    /// Chunks that go in one transaction: about 15 ms of work for the one connection that writes.
    static let erasingStep = 100

    /// Takes a completed document out of everybody's sight and begins to erase it.
    func erase(_ document: DocumentID, of base: KnowledgeBaseID) throws {
        try execute(
            sql: """
                UPDATE keyword_base SET documents = documents - 1,
                    chunks = chunks - (last_chunk - first_chunk + 1), words = keyword_base.words - gone.words
                FROM keyword_document AS gone
                WHERE gone.document_id = ? AND keyword_base.knowledge_base_id = ?
                """,
            arguments: [document.rawValue, base.rawValue])
        try hide("knowledge_base_id = :base AND id = :document", ["base": base.rawValue, "document": document.rawValue])
        // Most documents are gone with this step.
        try eraseStep(of: document)
    }

    /// Takes all completed documents of a knowledge base out of everybody's sight.
    func eraseDocuments(of base: KnowledgeBaseID) throws {
        try hide("knowledge_base_id = :base AND status = 'completed'", ["base": base.rawValue])
    }

    /// - Parameter condition: On columns of `document`, whose rows are all completed and of one knowledge base.
    private func hide(_ condition: String, _ arguments: StatementArguments) throws {
        try execute(
            sql: """
                INSERT INTO erasure (document_id, keyword_base)
                SELECT id, (SELECT number FROM keyword_base WHERE keyword_base.knowledge_base_id = :base)
                FROM document WHERE \(condition)
                """,
            arguments: arguments)
        for table in ["attachment", "external_name"] {
            try execute(
                sql: "DELETE FROM \(table) WHERE document_id IN (SELECT id FROM document WHERE \(condition))",
                arguments: arguments)
        }
        try execute(
            sql: """
                UPDATE document SET tenant_id = '(erased)', knowledge_base_id = '(erased)', file_id = '(erased)',
                    sha256 = id, filename = '', title = NULL, attributes = '{}', status = 'cancelled', chunk_count = 0,
                    usage_bytes = 0, revision = NULL
                WHERE \(condition)
                """,
            arguments: arguments)
    }

    /// Erases a part of what was removed. False if there is nothing left.
    func eraseStep() throws -> Bool {
        let next = try String.fetchOne(self, sql: "SELECT document_id FROM erasure LIMIT 1")
        guard let next else { return false }
        try eraseStep(of: DocumentID(rawValue: next))
        return true
    }

    /// From the last chunk to the first, so that what is left lies together. The row of the document goes with the last
    /// step.
    private func eraseStep(of document: DocumentID) throws {
        let number = try Int64.fetchOne(
            self, sql: "SELECT keyword_base FROM erasure WHERE document_id = ?", arguments: [document.rawValue])
        let position = try Int.fetchOne(
            self,
            sql: "SELECT position FROM chunk WHERE document_id = ? ORDER BY position DESC LIMIT 1 OFFSET ?",
            arguments: [document.rawValue, Self.erasingStep - 1])
        if let number {
            try removeKeywords(of: document, from: position ?? 0, in: KeywordBase(number: number))
        }
        try execute(
            sql: "DELETE FROM chunk WHERE document_id = ? AND position >= ?",
            arguments: [document.rawValue, position ?? 0])
        guard position == nil || position == 0 else { return }
        try execute(sql: "DELETE FROM document WHERE id = ?", arguments: [document.rawValue])
    }
}
