package import Knowledge

/// Finds the passages of some knowledge bases that are nearest to a question.
package struct Retriever: Sendable {
    let embedders: Embedders
    let index: any PassageIndex
    let documents: any DocumentStore
    let chunks: any ChunkStore

    package init(
        embedders: Embedders, index: any PassageIndex, documents: any DocumentStore, chunks: any ChunkStore
    ) {
        self.embedders = embedders
        self.index = index
        self.documents = documents
        self.chunks = chunks
    }

    /// The best passages for any of the queries, best first, each once with its best score.
    ///
    /// - Parameters:
    ///   - bases: Already resolved for this scope; their embedding models may differ.
    ///   - filter: Only documents whose attributes satisfy it.
    package func passages(
        for queries: [String], in bases: [KnowledgeBase], matching filter: AttributeFilter? = nil, limit: Int,
        scope: Scope
    ) async throws -> [Passage] {
        guard !bases.isEmpty, !queries.isEmpty else { return [] }
        var allowed: Set<DocumentID>?
        if let filter {
            allowed = try await documents.documents(matching: filter, of: bases.map(\.id), in: scope)
        }
        var best: [ChunkID: Neighbour] = [:]
        for (model, bases) in Dictionary(grouping: bases, by: \.embedding) {
            let vectors = try await vectors(of: queries, by: model)
            for vector in vectors {
                let found = try await index.search(vector, in: bases.map(\.id), documents: allowed, limit: limit)
                for neighbour in found where neighbour.similarity > best[neighbour.chunk]?.similarity ?? -2 {
                    best[neighbour.chunk] = neighbour
                }
            }
        }
        let ranked = best.values.sorted { ($1.similarity, $0.chunk) < ($0.similarity, $1.chunk) }
        return try await chunks.passages(Array(ranked.prefix(limit)), in: scope).map(Self.scored)
    }

    private func vectors(of queries: [String], by model: EmbeddingModel) async throws -> [[Float]] {
        let embedder = try embedders.embedder(for: model)
        return try await embedder.embed(queries.map(EmbeddingInput.text), as: .query, priority: .urgent).vectors
    }

    /// A score is the cosine, with what points away from the question counted as nothing.
    private static func scored(_ passage: Passage) -> Passage {
        var passage = passage
        passage.score = min(1, max(0, passage.score))
        return passage
    }
}
