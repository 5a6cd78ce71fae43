import FoundationEssentials
import GRDB
import Knowledge

// What indexing a document yields: text, chunks and vectors, written together.

extension Connection {
    /// Stores the content of a document that has none, and marks it completed at a new revision.
    ///
    /// Throws `StorageError.invalidContent`, for the transaction to be rolled back, where the parts do not fit together.
    func store(_ content: IndexedContent, as document: DocumentID, of base: KnowledgeBaseID) throws {
        let generation = try currentGeneration(of: base)
        try execute(
            sql: "INSERT OR REPLACE INTO document_text (document_id, text, layout) VALUES (?, CAST(? AS TEXT), ?)",
            arguments: [document.rawValue, Data(content.text.utf8), content.layout.map { Data($0) }]
        )
        let edition = try store(content, as: document, in: generation)
        try execute(
            sql: """
                UPDATE document SET status = 'completed', failure_reason = NULL, failure_message = NULL, title = ?,
                    chunk_count = ?, usage_bytes = ?, revision = ?
                WHERE id = ? AND knowledge_base_id = ?
                """,
            arguments: [
                content.title, content.chunks.count,
                content.text.utf8.count + content.vectors.count * generation.embedding.vectorBytes,
                // What filters by attributes follow counts in the knowledge base itself.
                generation.id == base ? edition.revision : try nextRevision(of: base), document.rawValue, base.rawValue,
            ]
        )
        guard changesCount == 1 else { throw StorageError.damaged("\(document) has a job but no row") }
    }

    /// Stores what a document has come to in a generation that does not have it.
    func store(_ content: IndexedContent, as document: DocumentID, in generation: Generation) throws -> Edition {
        try content.check(dimension: generation.embedding.dimension)
        let start = try freePosition(of: document)
        for (position, (chunk, vector)) in zip(content.chunks, content.vectors).enumerated() {
            let digest = ChunkDigest(chunk, of: generation.base, generation.embedding)
            try insert(chunk, at: start + position, of: document, digest: digest)
            try insert(VectorBlob(vector), chunk: lastInsertedRowID)
        }
        let last = lastInsertedRowID
        let edition = Edition(
            document: document, revision: try nextRevision(of: generation.id),
            firstChunk: last - Int64(content.chunks.count) + 1, lastChunk: last)
        try execute(
            sql: """
                INSERT INTO edition (document_id, knowledge_base_id, revision, first_chunk, last_chunk)
                VALUES (?, ?, ?, ?, ?)
                """,
            arguments: [
                document.rawValue, generation.id.rawValue, edition.revision, edition.firstChunk, edition.lastChunk,
            ])
        try addKeywords(of: document, edition.firstChunk...edition.lastChunk, in: generation.id)
        return edition
    }

    /// Where the positions of a document's next edition begin: so far behind the last one's that no neighbourhood reaches
    /// from one to the other.
    private func freePosition(of document: DocumentID) throws -> Int {
        let last = try Int.fetchOne(
            self, sql: "SELECT MAX(position) FROM chunk WHERE document_id = ?", arguments: [document.rawValue])
        return last.map { ($0 / Edition.mostChunks + 1) * Edition.mostChunks } ?? 0
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
        try require(chunks.count < Edition.mostChunks, "there are \(chunks.count) chunks")
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
