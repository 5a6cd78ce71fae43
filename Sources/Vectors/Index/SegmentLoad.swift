import Knowledge

/// Brings up a knowledge base from the segments that the store keeps.
///
/// What counts is decided by the store's completed documents alone: a segment's document counts where it is completed at
/// the same revision. Documents that no readable segment has are encoded anew.
struct SegmentLoad: Sendable {
    /// Vectors asked from the store at a time.
    static let step = 16_384

    let base: KnowledgeBaseID
    let store: any SegmentStore
    let workers: Workers

    struct Opened: Sendable {
        /// The knowledge base at the revision through which its segments reach.
        var snapshot: Snapshot
        /// What should be in there and is not, oldest first.
        var missing: [CompletedDocument]
    }

    func run() async throws -> Opened {
        let manifest = try await store.manifest(of: base)
        var wanted = Dictionary(manifest.documents.map { ($0.document, $0) }, uniquingKeysWith: { $1 })
        var segments: [Segment] = []
        var damaged: [SegmentID] = []
        // The newest first: where two have the same document, as after a merge that was cut short, one counts.
        for kept in manifest.segments.reversed() {
            guard let block = try await block(of: kept) else {
                damaged.append(kept.id)
                continue
            }
            segments.append(try await workers.run { [wanted] in
                var segment = Segment(block, id: kept.id, throughRevision: kept.throughRevision)
                segment.keep { wanted[$0]?.revision == $1 }
                return segment
            })
            for document in segments[segments.count - 1].documents { wanted[document.document] = nil }
        }
        let reached = manifest.segments.filter { !damaged.contains($0.id) }.map(\.throughRevision).max() ?? 0
        // A damaged number would say that nothing is ever new.
        let through = min(max(0, reached), manifest.revision)
        let missing = wanted.values.filter { $0.revision <= through }.sorted { $0.revision < $1.revision }
        if !damaged.isEmpty { try await store.drop(damaged, in: base) }
        return Opened(
            snapshot: Snapshot(revision: through, begun: manifest.revision, segments: segments.reversed()),
            missing: missing)
    }

    /// nil where the bytes are not there or not what was written.
    private func block(of kept: KeptSegment) async throws -> CodeBlock? {
        guard kept.format == SegmentLayout.format, kept.byteCount >= SegmentLayout.headerBytes else { return nil }
        let bytes = AlignedBytes(count: kept.byteCount)
        var end = 0
        for number in 0..<kept.partCount {
            guard let part = try await store.part(number, of: kept.id, in: base), end + part.count <= bytes.count
            else { return nil }
            part.withUnsafeBytes { UnsafeMutableRawBufferPointer(start: bytes.base + end, count: $0.count).copyMemory(from: $0) }
            end += part.count
        }
        guard end == bytes.count else { return nil }
        return try await workers.run { CodeBlock(checking: bytes) }
    }

    /// Documents in portions of about `step` vectors.
    static func steps(of documents: [CompletedDocument]) -> [ArraySlice<CompletedDocument>] {
        var steps: [ArraySlice<CompletedDocument>] = []
        var start = 0
        var count = 0
        for (place, document) in documents.enumerated() {
            if place > start, count + document.chunkCount > step {
                steps.append(documents[start..<place])
                (start, count) = (place, 0)
            }
            count += document.chunkCount
        }
        if start < documents.count { steps.append(documents[start...]) }
        return steps
    }
}
