package import Knowledge

/// Searches one knowledge base for its own sake, without an answer.
package struct SearchPassages: Sendable {
    let bases: any KnowledgeBaseStore
    let documents: any DocumentStore
    let retriever: Retriever

    package init(bases: any KnowledgeBaseStore, documents: any DocumentStore, retriever: Retriever) {
        self.bases = bases
        self.documents = documents
        self.retriever = retriever
    }

    package func callAsFunction(
        _ search: PassageSearch, in base: KnowledgeBaseID, scope: Scope
    ) async throws -> [Passage] {
        let base = try await bases.knowledgeBase(base, in: scope)
        await bases.putOffExpiry(of: [base], in: scope)
        return try await retriever.passages(for: search, in: [base], scope: scope)
    }

    /// Why a document is where it is in the results of a search, or why it is not there.
    package func explain(
        _ file: FileID, in search: PassageSearch, of base: KnowledgeBaseID, scope: Scope
    ) async throws -> DocumentPlace {
        let base = try await bases.knowledgeBase(base, in: scope)
        let document = try await documents.document(file, of: base.id, in: scope)
        guard case .completed = document.status else { return DocumentPlace(document: document, reason: .notIndexed) }
        if let filter = search.filter {
            let allowed = try await documents.documents(matching: filter, of: [base.id], in: scope)
            guard allowed.documents.contains(document.id) else { return DocumentPlace(document: document, reason: .filteredOut) }
        }
        let results = try await retriever.passages(for: search, in: [base], scope: scope)
        if let position = results.firstIndex(where: { $0.document == document.id }) {
            return DocumentPlace(document: document, reason: .found, rank: position + 1, passage: results[position])
        }
        var all = search
        (all.limit, all.ranking.minimumScore, all.ranking.perDocument) = (200, 0, nil)
        all.ranking.collapsesDuplicates = false
        let ranked = try await retriever.passages(for: all, in: [base], scope: scope)
        if let position = ranked.firstIndex(where: { $0.document == document.id }) {
            let passage = ranked[position]
            let reason: DocumentPlace.Reason =
                passage.score < search.ranking.minimumScore
                ? .belowThreshold : position < search.limit ? .duplicate : .outranked
            return DocumentPlace(document: document, reason: reason, rank: position + 1, passage: passage)
        }
        var alone = try await retriever.passages(for: all, in: [base], only: [document.id], scope: scope).first
        // Among its own passages alone it is the best, which says nothing of its place in the search.
        alone?.score = 0
        return DocumentPlace(document: document, reason: .noCandidate, passage: alone)
    }
}

/// Where a search puts a document.
package struct DocumentPlace: Sendable {
    package enum Reason: String, Sendable {
        case found
        /// Its indexing is not done, or failed.
        case notIndexed = "not_indexed"
        /// Its attributes do not satisfy the filter.
        case filteredOut = "filtered_out"
        /// Its best passage scores less than the search asks for.
        case belowThreshold = "below_threshold"
        /// A better passage says nearly the same, or fills the results' place for it.
        case duplicate
        /// Others fill the results before it.
        case outranked
        /// Neither meaning nor words bring any of its passages near the best.
        case noCandidate = "no_candidate"
    }

    package var document: Document
    package var reason: Reason
    /// Among all passages, before the threshold and the limit; nil where it is not among the first 200.
    package var rank: Int?
    /// Its best passage for this search.
    package var passage: Passage?
}
