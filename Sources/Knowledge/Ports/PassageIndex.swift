/// A chunk near a query.
package struct Neighbour: Hashable, Sendable {
    package var knowledgeBase: KnowledgeBaseID
    package var document: DocumentID
    package var chunk: ChunkID
    /// Cosine similarity, -1…1.
    package var similarity: Float

    package init(knowledgeBase: KnowledgeBaseID, document: DocumentID, chunk: ChunkID, similarity: Float) {
        self.knowledgeBase = knowledgeBase
        self.document = document
        self.chunk = chunk
        self.similarity = similarity
    }

    package var place: ChunkPlace { ChunkPlace(knowledgeBase: knowledgeBase, document: document, chunk: chunk) }
}

/// Which chunk, and where it belongs.
package struct ChunkPlace: Hashable, Sendable {
    package var knowledgeBase: KnowledgeBaseID
    package var document: DocumentID
    package var chunk: ChunkID

    package init(knowledgeBase: KnowledgeBaseID, document: DocumentID, chunk: ChunkID) {
        self.knowledgeBase = knowledgeBase
        self.document = document
        self.chunk = chunk
    }
}

/// Finds the chunks whose vectors are nearest to a query's. Derived state: what it knows comes from a `VectorStore`.
package protocol PassageIndex: Sendable {
    /// The nearest chunks of all named knowledge bases together, best first; ties by chunk id.
    ///
    /// Reflects every change that was committed before the call.
    /// - Parameters:
    ///   - query: Of unit length, in the dimension of the knowledge bases' model.
    ///   - documents: Where given, only these documents' chunks count.
    ///   - limit: At most this many; fewer only where there are fewer.
    func search(
        _ query: [Float], in bases: [KnowledgeBaseID], documents: Set<DocumentID>?, limit: Int
    ) async throws -> [Neighbour]

    /// How near these chunks are, for those that are still there, in no particular order.
    func similarities(of places: [ChunkPlace], to query: [Float]) async throws -> [Neighbour]

    /// Gives back the memory of a knowledge base that was removed.
    func forget(_ base: KnowledgeBaseID)
}

/// The vectors as the database holds them, read by an index that follows along.
package protocol VectorStore: Sendable {
    /// The number of the last change to a knowledge base's vectors; rises with every document completed or removed.
    func revision(of base: KnowledgeBaseID) async throws -> Int64

    /// What changed after `revision`, oldest first, at least one document and about `limit` vectors at most.
    ///
    /// Ask again from the returned revision until `isComplete`.
    func changes(in base: KnowledgeBaseID, after revision: Int64, limit: Int) async throws -> VectorChanges
}

/// A step from one revision of a knowledge base's vectors to a later one.
package struct VectorChanges: Sendable {
    /// The revision reached by applying this.
    package var revision: Int64
    package var isComplete: Bool
    /// Apply first: what these documents had is gone.
    package var removed: [DocumentID]
    /// Then add these, in place of what the same document had before.
    package var added: [DocumentVectors]

    package init(revision: Int64, isComplete: Bool, removed: [DocumentID], added: [DocumentVectors]) {
        self.revision = revision
        self.isComplete = isComplete
        self.removed = removed
        self.added = added
    }
}

/// One document's vectors, row after row.
package struct DocumentVectors: Sendable {
    package var document: DocumentID
    package var chunks: [ChunkID]
    /// `chunks.count * dimension` floats.
    package var vectors: [Float]

    package init(document: DocumentID, chunks: [ChunkID], vectors: [Float]) {
        self.document = document
        self.chunks = chunks
        self.vectors = vectors
    }
}
