import FoundationEssentials
import GRDB
import Knowledge

// What indexing a document yields: text, chunks and vectors, written together.

extension Connection {
    /// Stores the content of a document that has none, and marks it completed at a new revision.
    ///
    /// Throws `StorageError.invalidContent`, for the transaction to be rolled back, where the parts do not fit together.
    func store(_ content: IndexedContent, as document: DocumentID, of base: KnowledgeBaseID) throws {
        let space = try Row.fetchOne(
            self, sql: "SELECT embedding_dimension, embedding_fingerprint FROM knowledge_base WHERE id = ?",
            arguments: [base.rawValue])
        guard let space else { throw KnowledgeBase.missing(base) }
        let dimension: Int = try space.get("embedding_dimension")
        let fingerprint: String = try space.get("embedding_fingerprint")
        try content.check(dimension: dimension)
        try execute(
            sql: "INSERT OR REPLACE INTO document_text (document_id, text) VALUES (?, CAST(? AS TEXT))",
            arguments: [document.rawValue, Data(content.text.utf8)]
        )
        for (position, (chunk, vector)) in zip(content.chunks, content.vectors).enumerated() {
            try insert(
                chunk, at: position, of: document, digest: ChunkDigest(chunk, of: base, fingerprint: fingerprint))
            try insert(VectorBlob(vector), chunk: lastInsertedRowID)
        }
        try addKeywords(of: document, in: base)
        try execute(
            sql: """
                UPDATE document SET status = 'completed', failure_reason = NULL, failure_message = NULL, title = ?,
                    chunk_count = ?, usage_bytes = ?, revision = ?
                WHERE id = ? AND knowledge_base_id = ?
                """,
            arguments: [
                content.title, content.chunks.count,
                content.text.utf8.count + content.vectors.count * dimension * MemoryLayout<Float>.size,
                try nextRevision(of: base), document.rawValue, base.rawValue,
            ]
        )
        guard changesCount == 1 else { throw StorageError.damaged("\(document) has a job but no row") }
    }

    private func insert(
        _ chunk: Chunk, at position: Int, of document: DocumentID, digest: ChunkDigest
    ) throws {
        let statement = try cachedStatement(
            sql: """
                INSERT INTO chunk (
                    document_id, position, byte_start, byte_end, character_start, character_end, text, context,
                    heading_path, page, locator, token_count, digest
                ) VALUES (?, ?, ?, ?, ?, ?, CAST(? AS TEXT), CAST(? AS TEXT), ?, ?, ?, ?, ?)
                """
        )
        try statement.execute(arguments: [
            document.rawValue, position, chunk.bytes.lowerBound, chunk.bytes.upperBound, chunk.characters.lowerBound,
            chunk.characters.upperBound, Data(chunk.text.utf8), Data(chunk.context.utf8),
            try jsonText(chunk.headingPath), chunk.page, chunk.locator, chunk.tokenCount,
            digest.bytes,
        ])
    }

    private func insert(_ vector: VectorBlob, chunk: Int64) throws {
        let statement = try cachedStatement(
            sql: "INSERT INTO chunk_vector (chunk_id, vector, crc32) VALUES (?, ?, ?)")
        try statement.execute(arguments: [chunk, vector.bytes, vector.crc32])
    }
}

extension IndexedContent {
    /// Throws `StorageError.invalidContent` unless there is something to index and the parts fit together.
    fileprivate func check(dimension: Int) throws {
        func require(_ condition: Bool, _ what: @autoclosure () -> String) throws {
            guard condition else { throw StorageError.invalidContent(what()) }
        }
        try require(!chunks.isEmpty, "there are no chunks")
        try require(chunks.count == vectors.count, "\(chunks.count) chunks have \(vectors.count) vectors")
        let length = text.utf8.count
        for (position, (chunk, vector)) in zip(chunks, vectors).enumerated() {
            try require(
                vector.count == dimension,
                "the vector of chunk \(position) has \(vector.count) dimensions, not \(dimension)")
            try require(vector.allSatisfy(\.isFinite), "the vector of chunk \(position) has a number that is none")
            try require(
                chunk.bytes.lowerBound >= 0 && chunk.bytes.upperBound <= length && chunk.characters.lowerBound >= 0,
                "chunk \(position) lies outside the text")
        }
    }
}
