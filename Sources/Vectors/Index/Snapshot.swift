import CKernels
import Knowledge

/// A knowledge base's vectors at one revision. A value: searches keep theirs while a newer one takes its place.
///
/// New documents come as a new segment; neighbouring segments are joined while the older one is not at least twice as
/// large, so that there are few and every row is copied a logarithmic number of times. A segment of which half is gone
/// is written anew.
struct Snapshot: Sendable {
    /// Rows above which segments are not joined any more: 100 MB of 384 floats, the most that a step holds twice.
    private static let maxJoinedRows = 65_536

    private(set) var revision: Int64 = 0
    /// Of every vector; nil until there is one.
    private(set) var dimension: Int?
    private(set) var segments: [Segment] = []

    var rows: Int { segments.reduce(0) { $0 + $1.liveRows } }
    /// Memory held by vectors, dead rows included.
    var bytes: Int { segments.reduce(0) { $0 + $1.block.rows * $1.block.dimension * 4 } }

    /// This snapshot after a step.
    ///
    /// - Throws: `VectorIndexError.malformedVectors`, with nothing applied.
    func applying(_ changes: VectorChanges, in base: KnowledgeBaseID) throws -> Snapshot {
        var next = self
        next.revision = changes.revision
        for document in changes.removed { next.remove(document) }
        // A document that a step names twice counts as its last mention.
        var latest: [DocumentID: Int] = [:]
        for (index, added) in changes.added.enumerated() { latest[added.document] = index }
        let added = changes.added.enumerated().filter { latest[$1.document] == $0 }.map(\.element)
        for document in added { next.remove(document.document) }
        next.dropDead()
        try next.append(added.filter { !$0.chunks.isEmpty }, in: base)
        return next
    }

    private mutating func remove(_ document: DocumentID) {
        for index in segments.indices where segments[index].remove(document) { return }
    }

    private mutating func dropDead() {
        segments.removeAll { $0.liveRows == 0 }
        for index in segments.indices where segments[index].liveRows * 2 < segments[index].block.rows {
            segments[index] = Self.rewritten(segments[index...index])
        }
        join()
        if segments.isEmpty { dimension = nil }
    }

    private mutating func append(_ documents: [DocumentVectors], in base: KnowledgeBaseID) throws {
        guard let first = documents.first else { return }
        let dimension = dimension ?? first.vectors.count / first.chunks.count
        for document in documents {
            guard dimension > 0, document.vectors.count == document.chunks.count * dimension else {
                throw VectorIndexError.malformedVectors(
                    base, document.document,
                    reason: "\(document.vectors.count) floats for \(document.chunks.count) chunks of \(dimension)")
            }
        }
        self.dimension = dimension
        segments.append(Segment(VectorBlock(documents, dimension: dimension)))
        join()
    }

    /// From the newest to the oldest, so that one pass settles all pairs.
    private mutating func join() {
        var index = segments.count - 2
        while index >= 0 {
            let (older, newer) = (segments[index].liveRows, segments[index + 1].liveRows)
            if older < newer * 2, older + newer <= Self.maxJoinedRows {
                segments.replaceSubrange(index...index + 1, with: [Self.rewritten(segments[index...index + 1])])
            }
            index -= 1
        }
    }

    private static func rewritten(_ segments: ArraySlice<Segment>) -> Segment {
        Segment(VectorBlock(livePartsOf: segments, dimension: segments[segments.startIndex].block.dimension))
    }
}
