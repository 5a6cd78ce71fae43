import GRDB
import Knowledge

// What was removed is out of sight with the transaction that removes it, and erased in steps behind that: a document of
// many chunks would hold up every writer for seconds, since the keyword index must be told each word that goes.
//
// A document in between belongs to nobody: to a tenant, a knowledge base and a file that no scope names. `erasure` says
// where its chunks stand in the keyword index, which leaves them out of every search. A generation goes the same way, but
// its documents stay.

extension Connection {
    /// Chunks that go in one transaction: about 15 ms of work for the one connection that writes.
    static let erasingStep = 100

    /// Takes a completed document out of everybody's sight and begins to erase it.
    func erase(_ document: DocumentID) throws {
        try execute(
            sql: """
                UPDATE keyword_base SET documents = documents - 1,
                    chunks = chunks - (last_chunk - first_chunk + 1), words = keyword_base.words - gone.words
                FROM edition AS gone
                WHERE gone.document_id = ? AND keyword_base.knowledge_base_id = gone.knowledge_base_id
                """,
            arguments: [document.rawValue])
        try hide("id = :document", ["document": document.rawValue])
        // Most documents are gone with this step.
        _ = try eraseStep(of: document)
    }

    /// Takes all completed documents of a knowledge base out of everybody's sight.
    func eraseDocuments(of base: KnowledgeBaseID) throws {
        try hide("knowledge_base_id = :base AND status = 'completed'", ["base": base.rawValue])
    }

    /// Begins to erase what a generation has, and leaves the documents.
    func eraseEditions(in generation: KnowledgeBaseID) throws {
        try release("edition.knowledge_base_id = :generation", ["generation": generation.rawValue])
    }

    /// - Parameter condition: On columns of `document`, whose rows are all completed.
    private func hide(_ condition: String, _ arguments: StatementArguments) throws {
        try release("edition.document_id IN (SELECT id FROM document WHERE \(condition))", arguments)
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

    /// Hands the chunks of editions over to be erased.
    private func release(_ condition: String, _ arguments: StatementArguments) throws {
        try execute(
            sql: """
                INSERT INTO erasure (document_id, first_chunk, last_chunk, keyword_base)
                SELECT document_id, first_chunk, last_chunk, number FROM edition
                LEFT JOIN keyword_base ON keyword_base.knowledge_base_id = edition.knowledge_base_id
                WHERE \(condition)
                """,
            arguments: arguments)
        try execute(sql: "DELETE FROM edition WHERE \(condition)", arguments: arguments)
    }

    /// Erases a part of what was removed. False if there is nothing left.
    func eraseStep() throws -> Bool {
        let next = try String.fetchOne(self, sql: "SELECT document_id FROM erasure LIMIT 1")
        guard let next else { return false }
        return try eraseStep(of: DocumentID(rawValue: next))
    }

    /// From the last chunk to the first, so that what is left lies together. The row of a document that was removed goes
    /// with the last step.
    private func eraseStep(of document: DocumentID) throws -> Bool {
        let row = try Row.fetchOne(
            self, sql: "SELECT first_chunk, last_chunk, keyword_base FROM erasure WHERE document_id = ? LIMIT 1",
            arguments: [document.rawValue])
        guard let row else { return false }
        let first: Int64 = try row.get("first_chunk")
        let last: Int64 = try row.get("last_chunk")
        let start = last - first < Int64(Self.erasingStep) ? first : last - Int64(Self.erasingStep) + 1
        if let number: Int64 = try row.find("keyword_base"), start <= last {
            try removeKeywords(of: document, start...last, in: KeywordBase(number: number))
        }
        try execute(
            sql: "DELETE FROM chunk WHERE document_id = ? AND id BETWEEN ? AND ?",
            arguments: [document.rawValue, start, last])
        guard start == first else {
            try execute(
                sql: "UPDATE erasure SET last_chunk = ? WHERE document_id = ? AND first_chunk = ?",
                arguments: [start - 1, document.rawValue, first])
            return true
        }
        try execute(
            sql: "DELETE FROM erasure WHERE document_id = ? AND first_chunk = ?", arguments: [document.rawValue, first])
        try execute(
            sql: """
                DELETE FROM document WHERE id = :document AND knowledge_base_id = '(erased)'
                    AND NOT EXISTS (SELECT 1 FROM erasure WHERE document_id = :document)
                """,
            arguments: ["document": document.rawValue])
        return true
    }
}
