package import Knowledge

/// What the index cannot search.
package enum VectorIndexError: Error, Hashable, Sendable {
    /// The query is of another dimension than the knowledge base's vectors, or not of finite numbers.
    case queryDoesNotFit(KnowledgeBaseID, expected: Int, found: Int)
    case queryNotFinite
    /// The store gave vectors of another dimension than the rest of the knowledge base, or not as many as chunks.
    case malformedVectors(KnowledgeBaseID, DocumentID, reason: String)
    /// The store says that there is more, but not where.
    case storeDoesNotAdvance(KnowledgeBaseID)
    /// Chunks that the index knows have no vectors in the store, time and again.
    case vectorsMissing
}
