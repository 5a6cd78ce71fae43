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

/// Documents that alone count in a search. The same object means the same documents, so that an index may keep what it
/// worked out for it: whoever filters by the same condition at the same revision hands in the same object again.
package final class DocumentFilter: Sendable {
    package let documents: Set<DocumentID>

    package init(_ documents: Set<DocumentID>) {
        self.documents = documents
    }
}

/// What to look for in a `PassageIndex`, and how hard.
package struct NeighbourSearch: Sendable {
    package enum Precision: Hashable, Sendable {
        /// As `automatic`, but where vectors are not in memory similarities are those of eight-bit codes, off by less than
        /// 0.01: nothing is read, and whoever looks further compares the few that matter.
        case coded
        /// The fastest plan that finds at least 99 of 100 of the nearest chunks on average.
        case automatic
        /// Provably what comparing the query with every vector in float32 finds.
        case exact
    }

    /// Of unit length, in the dimension of the knowledge bases' model.
    package var query: [Float]
    /// Each by `KnowledgeBase.index`.
    package var bases: [KnowledgeBaseID]
    /// Where given, only these documents' chunks count.
    package var documents: DocumentFilter?
    /// At most this many neighbours; fewer only where there are fewer chunks.
    package var limit: Int
    package var precision: Precision

    package init(
        query: [Float], bases: [KnowledgeBaseID], documents: DocumentFilter? = nil, limit: Int,
        precision: Precision = .automatic
    ) {
        self.query = query
        self.bases = bases
        self.documents = documents
        self.limit = limit
        self.precision = precision
    }
}

/// What a search found, and how.
package struct FoundNeighbours: Sendable {
    /// Best first; ties by chunk id.
    package var neighbours: [Neighbour]
    package var report: SearchReport

    package init(neighbours: [Neighbour], report: SearchReport) {
        self.neighbours = neighbours
        self.report = report
    }
}

/// How a search was carried out, for people who ask why it was slow or whether it missed something.
package struct SearchReport: Hashable, Sendable {
    package enum Plan: String, Sendable {
        /// Nothing to compare with.
        case none
        /// Four-bit codes leave out what provably cannot be among the nearest.
        case exact
        /// One-bit codes leave out what is hardly ever among the nearest.
        case estimated
        /// As `estimated`, in the clusters near the query only.
        case clustered
    }

    package var plan: Plan
    /// The instruction set: `portable`, `avx2`, `avx512`, `neon`, `neon_dot`.
    package var kernel: String
    /// Whether the neighbours are provably those of a comparison with every vector.
    package var isExact: Bool
    /// Chunks whose codes were read.
    package var scanned: Int
    /// Of these, how many needed their eight-bit codes.
    package var refined: Int
    /// Of these, how many were compared in float32.
    package var rescored: Int
    /// Bytes of codes and vectors read.
    package var bytes: Int

    package init(
        plan: Plan, kernel: String, isExact: Bool, scanned: Int = 0, refined: Int = 0, rescored: Int = 0, bytes: Int = 0
    ) {
        self.plan = plan
        self.kernel = kernel
        self.isExact = isExact
        self.scanned = scanned
        self.refined = refined
        self.rescored = rescored
        self.bytes = bytes
    }
}

/// Finds the chunks whose vectors are nearest to a query's. Derived state: what it knows comes from a `VectorStore`.
///
/// Here and wherever chunks and vectors are found, a knowledge base is named by its `index`.
package protocol PassageIndex: Sendable {
    /// The nearest chunks of all named knowledge bases together.
    ///
    /// Reflects every change that was committed before the call.
    func search(_ search: NeighbourSearch) async throws -> FoundNeighbours

    /// How near these chunks are, for those that are still there, in no particular order.
    ///
    /// - Parameter precision: Where it is not `coded`, in float32.
    func similarities(
        of places: [ChunkPlace], to query: [Float], precision: NeighbourSearch.Precision
    ) async throws -> [Neighbour]

    /// Gives back the memory of a knowledge base that was removed, or of an index of it.
    func forget(_ base: KnowledgeBaseID)
}

extension PassageIndex {
    /// The nearest chunks of all named knowledge bases together, best first; ties by chunk id.
    package func search(
        _ query: [Float], in bases: [KnowledgeBaseID], documents: Set<DocumentID>?, limit: Int
    ) async throws -> [Neighbour] {
        let filter = documents.map { DocumentFilter($0) }
        return try await search(NeighbourSearch(query: query, bases: bases, documents: filter, limit: limit)).neighbours
    }
}

/// The vectors as the database holds them, read by an index that follows along.
package protocol VectorStore: Sendable {
    /// The number of the last change to a knowledge base's vectors; rises with every document completed or removed.
    func revision(of base: KnowledgeBaseID) async throws -> Int64

    /// What changed after `revision`, oldest first, at least one document and about `limit` vectors at most.
    ///
    /// Ask again from the returned revision until `isComplete`. A chunk whose vector is damaged is left out of its
    /// document, and the store tells whoever looks after it.
    func changes(in base: KnowledgeBaseID, after revision: Int64, limit: Int) async throws -> VectorChanges
}

/// A step from one revision of a knowledge base's vectors to a later one.
package struct VectorChanges: Sendable {
    /// The revision reached by applying this.
    package var revision: Int64
    package var isComplete: Bool
    /// Which documents were removed up to this revision is not known any more. Whoever holds some that it saw before
    /// then must begin anew.
    package var forgottenThrough: Int64
    /// Apply first: what these documents had is gone.
    package var removed: [DocumentID]
    /// Then add these, in place of what the same document had before.
    package var added: [DocumentVectors]

    package init(
        revision: Int64, isComplete: Bool, forgottenThrough: Int64 = 0, removed: [DocumentID],
        added: [DocumentVectors]
    ) {
        self.revision = revision
        self.isComplete = isComplete
        self.forgottenThrough = forgottenThrough
        self.removed = removed
        self.added = added
    }
}

/// One document's vectors, row after row.
package struct DocumentVectors: Sendable {
    package var document: DocumentID
    /// The revision at which the document was completed: it tells these rows from earlier ones of the same document.
    package var revision: Int64
    package var chunks: [ChunkID]
    /// `chunks.count * dimension` floats.
    package var vectors: [Float]

    package init(document: DocumentID, revision: Int64 = 0, chunks: [ChunkID], vectors: [Float]) {
        self.document = document
        self.revision = revision
        self.chunks = chunks
        self.vectors = vectors
    }
}
