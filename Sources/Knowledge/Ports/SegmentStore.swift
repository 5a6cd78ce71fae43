/// Where an index keeps what it worked out of a knowledge base's vectors, so that a start need not do it again, and
/// from where it reads single vectors that it does not hold in memory.
///
/// Segments are derived: any of them may be lost or wrong at any time. The index checks every byte it reads by the
/// segment's own hashes and every document by its revision, and makes anew what is missing. The store therefore promises
/// only that a segment is there as a whole or not at all, that parts come back as they were put, and that segments go
/// with their knowledge base. It need not look inside.
package protocol SegmentStore: Sendable {
    /// What is true of a knowledge base and which segments are kept for it, in one read transaction.
    ///
    /// - Throws: `RequestError.notFound` where the knowledge base is gone.
    func manifest(of base: KnowledgeBaseID) async throws -> SegmentManifest

    /// The bytes of one part of a segment; nil where the segment or the part is gone. Parts count from 0.
    func part(_ number: Int, of segment: SegmentID, in base: KnowledgeBaseID) async throws -> [UInt8]?

    /// Keeps a segment and lets go of those it replaces, in one transaction.
    ///
    /// - Returns: The new segment's id; nil, with nothing changed, where the knowledge base or one of the replaced
    ///   segments is gone.
    func keep(
        _ segment: NewSegment, replacing replaced: [SegmentID], in base: KnowledgeBaseID
    ) async throws -> SegmentID?

    /// Lets go of segments. Those that are gone already do not matter.
    func drop(_ segments: [SegmentID], in base: KnowledgeBaseID) async throws

    /// Single vectors, for rescoring: tens to a few hundred at a time, on the path of a search.
    ///
    /// Every vector is checked against its checksum. One read transaction; nothing is written.
    /// - Returns: One element per chunk asked for, in the order asked: its vector; nil where the chunk is gone; nothing
    ///   in it where it is damaged, of which the store tells whoever looks after it.
    func vectors(of chunks: [ChunkID], in base: KnowledgeBaseID) async throws -> [[Float]?]

    /// All vectors of these documents as they are completed now, for building segments: about 16,000 vectors at a time.
    ///
    /// - Returns: In the order asked; documents that are gone or not completed any more are left out. Each with its
    ///   `revision`; a chunk whose vector is damaged is left out, and the store tells whoever looks after it.
    func vectors(of documents: [DocumentID], in base: KnowledgeBaseID) async throws -> [DocumentVectors]
}

/// Which segment; never used again within a knowledge base.
package struct SegmentID: Hashable, Sendable, Comparable {
    package let rawValue: Int64
    package init(_ rawValue: Int64) { self.rawValue = rawValue }
    package static func < (one: SegmentID, other: SegmentID) -> Bool { one.rawValue < other.rawValue }
}

/// A knowledge base's completed documents and its segments at one revision.
package struct SegmentManifest: Sendable {
    /// The knowledge base's revision.
    package var revision: Int64
    /// Every completed document that has chunks, in any order.
    package var documents: [CompletedDocument]
    /// Oldest first.
    package var segments: [KeptSegment]

    package init(revision: Int64, documents: [CompletedDocument], segments: [KeptSegment]) {
        self.revision = revision
        self.documents = documents
        self.segments = segments
    }
}

/// A document whose chunks count in searches.
package struct CompletedDocument: Hashable, Sendable {
    package var document: DocumentID
    /// As in `DocumentVectors`.
    package var revision: Int64
    package var chunkCount: Int

    package init(document: DocumentID, revision: Int64, chunkCount: Int) {
        self.document = document
        self.revision = revision
        self.chunkCount = chunkCount
    }
}

/// A segment as the store knows it.
package struct KeptSegment: Hashable, Sendable {
    package var id: SegmentID
    /// As in `NewSegment`.
    package var throughRevision: Int64
    package var format: Int
    package var rows: Int
    package var partCount: Int
    package var byteCount: Int

    package init(
        id: SegmentID, throughRevision: Int64, format: Int, rows: Int, partCount: Int, byteCount: Int
    ) {
        self.id = id
        self.throughRevision = throughRevision
        self.format = format
        self.rows = rows
        self.partCount = partCount
        self.byteCount = byteCount
    }
}

/// A segment to be kept.
package struct NewSegment: Sendable {
    /// Every document completed up to here is in this segment or in an older one, unless it has gone since. The greatest
    /// of a knowledge base's segments tells from where `VectorStore.changes` has to be asked.
    package var throughRevision: Int64
    /// Of the bytes. An index drops segments of formats that it does not read.
    package var format: Int
    package var rows: Int
    package var byteCount: Int
    package var partCount: Int
    /// A part by its number, from 0. Put together they are the segment's bytes. Each at most 4 MiB, and asked for one
    /// after the other, so that a segment is not in memory twice.
    package var part: @Sendable (Int) -> [UInt8]

    package init(
        throughRevision: Int64, format: Int, rows: Int, byteCount: Int, partCount: Int,
        part: @escaping @Sendable (Int) -> [UInt8]
    ) {
        self.throughRevision = throughRevision
        self.format = format
        self.rows = rows
        self.byteCount = byteCount
        self.partCount = partCount
        self.part = part
    }
}
