import FoundationEssentials
import GRDB
package import Knowledge

extension Database: VectorStore {
    /// Throws `RequestError.notFound` where the knowledge base is gone; no scope, since only an index asks, for what a
    /// search in a scope has named.
    package func revision(of base: KnowledgeBaseID) async throws -> Int64 {
        try await read { db in try db.vectorSpace(of: base).revision }
    }

    package func changes(
        in base: KnowledgeBaseID, after revision: Int64, limit: Int
    ) async throws -> VectorChanges {
        try await read { db in
            let space = try db.vectorSpace(of: base)
            let step = try db.completions(in: base, after: revision, limit: limit)
            // All that is left, removals at the end included; or up to the last document that still goes in.
            let reached = step.isComplete ? space.revision : step.documents.last?.revision ?? space.revision
            return VectorChanges(
                revision: reached, isComplete: step.isComplete,
                removed: try db.removals(in: base, after: revision, upTo: reached),
                added: try step.documents.map { try db.vectors(of: $0, dimension: space.dimension) }
            )
        }
    }
}

/// A completed document whose vectors are to be read.
private struct Completion {
    var document: DocumentID
    var revision: Int64
    var chunkCount: Int
}

extension Connection {
    fileprivate func vectorSpace(of base: KnowledgeBaseID) throws -> (revision: Int64, dimension: Int) {
        let row = try Row.fetchOne(
            self, sql: "SELECT revision, embedding_dimension FROM knowledge_base WHERE id = ?",
            arguments: [base.rawValue]
        )
        guard let row else { throw KnowledgeBase.missing(base) }
        return (try row.get("revision"), try row.get("embedding_dimension"))
    }

    /// The next documents in order of completion, until they have `limit` vectors; at least one.
    fileprivate func completions(
        in base: KnowledgeBaseID, after revision: Int64, limit: Int
    ) throws -> (documents: [Completion], isComplete: Bool) {
        let rows = try Row.fetchCursor(
            self,
            sql: """
                SELECT id, revision, chunk_count FROM document WHERE knowledge_base_id = ? AND revision > ?
                ORDER BY revision
                """,
            arguments: [base.rawValue, revision]
        )
        var documents: [Completion] = []
        var vectorCount = 0
        while let row = try rows.next() {
            let next = Completion(
                document: try row.id("id"), revision: try row.get("revision"), chunkCount: try row.get("chunk_count"))
            if !documents.isEmpty, vectorCount + next.chunkCount > limit { return (documents, false) }
            documents.append(next)
            vectorCount += next.chunkCount
        }
        return (documents, true)
    }

    fileprivate func removals(
        in base: KnowledgeBaseID, after revision: Int64, upTo last: Int64
    ) throws -> [DocumentID] {
        try Row.fetchAll(
            self,
            sql: """
                SELECT document_id FROM removal WHERE knowledge_base_id = ? AND revision > ? AND revision <= ?
                ORDER BY revision
                """,
            arguments: [base.rawValue, revision, last]
        ).map { try $0.id("document_id") }
    }

    /// All vectors of a document, each checked.
    fileprivate func vectors(of completion: Completion, dimension: Int) throws -> DocumentVectors {
        let rows = try Row.fetchCursor(
            self,
            sql: """
                SELECT chunk_id, vector, crc32 FROM chunk JOIN chunk_vector ON chunk_vector.chunk_id = chunk.id
                WHERE document_id = ? ORDER BY position
                """,
            arguments: [completion.document.rawValue]
        )
        var result = DocumentVectors(document: completion.document, chunks: [], vectors: [])
        result.chunks.reserveCapacity(completion.chunkCount)
        result.vectors.reserveCapacity(completion.chunkCount * dimension)
        while let row = try rows.next() {
            let blob = VectorBlob(bytes: try row.get("vector"), crc32: try row.get("crc32"))
            guard blob.append(to: &result.vectors, dimension: dimension) else {
                throw StorageError.damaged("a vector of \(completion.document)")
            }
            result.chunks.append(ChunkID(try row.get("chunk_id")))
        }
        guard result.chunks.count == completion.chunkCount else {
            throw StorageError.damaged("\(completion.document) has lost vectors")
        }
        return result
    }
}
