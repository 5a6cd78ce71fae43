import Knowledge
import Synchronization

/// A knowledge base's vectors at one revision. A value: searches keep theirs while a newer one takes its place.
///
/// New documents come as a new segment in memory, vectors included; neighbouring ones are joined while the older is not
/// at least twice as large, so that there are few and every row is encoded a logarithmic number of times. What has
/// gathered is sealed into a segment that the store keeps.
struct Snapshot: Sendable {
    /// Rows above which segments in memory are not joined any more, so that joining takes 0.1 s at most.
    static let maxJoinedRows = 16_384

    private(set) var revision: Int64 = 0
    /// How far the store was when this was begun: what was removed until then was never in here.
    private(set) var begun: Int64 = 0
    /// Of every vector; nil until there is one.
    private(set) var dimension: Int?
    private(set) var segments: [Segment] = []
    /// Segments that the store still keeps although nothing in them counts.
    private(set) var emptied: Set<SegmentID> = []
    /// Made anew with every change, since it knows rows by number.
    private(set) var filters = FilterCache()

    var rows: Int { segments.reduce(0) { $0 + $1.liveRows } }
    /// Memory held, dead rows included.
    var bytes: Int { segments.reduce(0) { $0 + $1.block.memory } }
    /// Rows that the store does not keep.
    var tailRows: Int { segments.reduce(0) { $0 + ($1.isSealed ? 0 : $1.liveRows) } }

    /// Empty.
    /// - Parameter begun: The store's revision, or an earlier one.
    init(begun: Int64 = 0) {
        self.begun = begun
    }

    /// What the store keeps, at the revision through which its segments reach.
    init(revision: Int64, begun: Int64, segments: [Segment]) {
        self.revision = revision
        self.begun = begun
        self.segments = segments.filter { $0.liveRows > 0 }
        emptied = Set(segments.filter { $0.liveRows == 0 }.compactMap(\.id))
        dimension = self.segments.first?.block.dimension
    }

    /// This snapshot after a step.
    ///
    /// - Throws: `VectorIndexError.malformedVectors`, with nothing applied.
    func applying(_ changes: VectorChanges, in base: KnowledgeBaseID) throws -> Snapshot {
        var next = self
        next.revision = changes.revision
        next.filters = FilterCache()
        // A document that a step names twice counts as its last mention.
        var latest: [DocumentID: Int] = [:]
        for (index, added) in changes.added.enumerated() { latest[added.document] = index }
        let added = changes.added.enumerated().filter { latest[$1.document] == $0 }.map(\.element)
        next.remove(Set(changes.removed).union(latest.keys))
        try next.append(added.filter { !$0.chunks.isEmpty }, in: base)
        return next
    }

    /// With segments that were made from some of this snapshot's documents, in place of others.
    ///
    /// Documents that have gone in the meantime or were completed anew do not come back.
    func replacing(_ replaced: Set<SegmentID>, with made: [Segment]) -> Snapshot {
        var next = self
        next.filters = FilterCache()
        // Whatever was made was made of these.
        let sources = segments.filter { $0.id.map(replaced.contains) ?? true }
        var live: [DocumentID: Int64] = [:]
        for document in sources.flatMap(\.documents) { live[document.document] = document.revision }
        let installed = made.map { segment in
            var segment = segment
            segment.keep { live[$0] == $1 }
            return segment
        }
        next.segments.removeAll { $0.id.map(replaced.contains) == true }
        next.remove(Set(installed.flatMap(\.documents).map(\.document))) { !$0.isSealed }
        next.emptied.subtract(replaced)
        next.emptied.formUnion(installed.filter { $0.liveRows == 0 }.compactMap(\.id))
        next.segments.insert(contentsOf: installed.filter { $0.liveRows > 0 }, at: 0)
        next.dimension = next.segments.first?.block.dimension
        return next
    }

    private mutating func remove(_ documents: Set<DocumentID>, from isConcerned: (Segment) -> Bool = { _ in true }) {
        guard !documents.isEmpty else { return }
        var rest = documents
        for index in segments.indices where !rest.isEmpty && isConcerned(segments[index]) { segments[index].remove(&rest) }
        emptied.formUnion(segments.filter { $0.liveRows == 0 }.compactMap(\.id))
        segments.removeAll { $0.liveRows == 0 }
        for index in segments.indices where segments[index].liveRows * 2 < segments[index].block.rows {
            rewrite(index...index)
        }
        join()
        if segments.isEmpty { dimension = nil }
    }

    private mutating func append(_ documents: [DocumentVectors], in base: KnowledgeBaseID) throws {
        guard let first = documents.first else { return }
        let dimension = dimension ?? first.vectors.count / first.chunks.count
        guard (1...SegmentLayout.maxDimension).contains(dimension) else {
            throw VectorIndexError.malformedVectors(base, first.document, reason: "\(dimension) dimensions")
        }
        for document in documents {
            guard document.vectors.count == document.chunks.count * dimension else {
                throw VectorIndexError.malformedVectors(
                    base, document.document,
                    reason: "\(document.vectors.count) floats for \(document.chunks.count) chunks of \(dimension)")
            }
        }
        self.dimension = dimension
        segments.append(Segment(.flat(VectorRows(documents, dimension: dimension), keepsFloats: true)))
        join()
    }

    /// From the newest to the oldest, so that one pass settles all pairs.
    private mutating func join() {
        var index = segments.count - 2
        while index >= 0 {
            let (older, newer) = (segments[index], segments[index + 1])
            if !older.isSealed, older.liveRows < newer.liveRows * 2,
                older.liveRows + newer.liveRows <= Self.maxJoinedRows
            {
                rewrite(index...index + 1)
            }
            index -= 1
        }
    }

    /// Segments whose vectors are in memory, as one; others are left for the store to replace.
    private mutating func rewrite(_ range: ClosedRange<Int>) {
        guard let dimension, segments[range].allSatisfy({ !$0.isSealed }) else { return }
        let vectors = segments[range].flatMap { segment in
            segment.documents.compactMap { segment.vectors(of: $0.document) }
        }
        segments.replaceSubrange(
            range, with: [Segment(.flat(VectorRows(vectors, dimension: dimension), keepsFloats: true))])
    }
}

/// The rows that filters leave of a snapshot, worked out once for each filter.
final class FilterCache: Sendable {
    private static let capacity = 16

    private struct Entry {
        var filter: DocumentFilter
        var selections: [RowSelection]
    }

    private let entries = Mutex<[Entry]>([])

    func selections(of filter: DocumentFilter?, in segments: [Segment]) -> [RowSelection] {
        guard let filter else { return segments.map(\.live) }
        if let known = entries.withLock({ $0.first { $0.filter === filter } }) { return known.selections }
        let selections = segments.map { $0.selection(of: filter.documents) }
        entries.withLock { entries in
            if entries.count == Self.capacity { entries.removeFirst() }
            entries.append(Entry(filter: filter, selections: selections))
        }
        return selections
    }
}
