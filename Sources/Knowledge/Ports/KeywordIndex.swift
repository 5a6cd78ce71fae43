/// A chunk that holds words of a query.
package struct KeywordHit: Hashable, Sendable {
    package var knowledgeBase: KnowledgeBaseID
    package var document: DocumentID
    package var chunk: ChunkID
    /// BM25, above 0, in units of what one word of the rarest kind scores at best: how many such words the chunk holds, so
    /// to say. Comparable between queries and knowledge bases.
    package var score: Double
    /// How much of the query the chunk holds, 0…1: the share of its terms, each weighted by how rare it is, and less than all
    /// where these are few and common. Comparable between queries.
    package var coverage: Double

    package init(
        knowledgeBase: KnowledgeBaseID, document: DocumentID, chunk: ChunkID, score: Double, coverage: Double
    ) {
        self.knowledgeBase = knowledgeBase
        self.document = document
        self.chunk = chunk
        self.score = score
        self.coverage = coverage
    }

    package var place: ChunkPlace { ChunkPlace(knowledgeBase: knowledgeBase, document: document, chunk: chunk) }
}

/// Finds the chunks that hold a query's words. Kept in the same transactions as the chunks themselves.
package protocol KeywordIndex: Sendable {
    /// The chunks that match best, best first; ties by chunk id. Any text is a query, and one without words finds nothing.
    /// - Parameters:
    ///   - documents: Where given, only these documents' chunks count.
    ///   - limit: At most this many; fewer only where fewer hold any of the words.
    func search(
        _ query: SearchQuery, in bases: [KnowledgeBaseID], documents: DocumentFilter?, limit: Int
    ) async throws -> KeywordFinding
}

/// What a query's words have found.
package struct KeywordFinding: Sendable {
    package var hits: [KeywordHit]
    /// How well other chunks match, for those of them that hold any of the words and are in the knowledge bases searched, in
    /// no particular order. Does not look the words up again.
    package var scores: @Sendable (_ chunks: [ChunkID]) async throws -> [KeywordHit]

    package init(
        hits: [KeywordHit], scores: @escaping @Sendable (_ chunks: [ChunkID]) async throws -> [KeywordHit]
    ) {
        self.hits = hits
        self.scores = scores
    }
}
