import Knowledge

/// Segments newly kept by the store, and those in whose place they came.
struct Renewal: Sendable {
    var made: [Segment]
    var replaced: Set<SegmentID>

    func applied(to snapshot: Snapshot) -> Snapshot { snapshot.replacing(replaced, with: made) }
}

/// Seals what has gathered in memory and merges segments that are small or mostly dead. Nothing here changes what an
/// exact search finds.
///
/// Each step makes segments of at most `IndexLimits.segmentRows(dimension:)` rows, one after the other, and holds no more
/// than one of them with its vectors in memory, however large the knowledge base is.
struct Upkeep: Sendable {
    /// Bytes in a part of a segment, as the store wants them.
    private static let partBytes = 4 << 20
    /// From how many small segments of like size on they are merged: with each merge a row comes into a segment of about
    /// four times the size, and is rewritten three times on its way into one of a million.
    private static let tooMany = 4

    let base: KnowledgeBaseID
    let store: any SegmentStore
    let workers: Workers
    let limits: IndexLimits

    func isDue(for snapshot: Snapshot) -> Bool {
        !snapshot.emptied.isEmpty || isSealingDue(for: snapshot) || !mergeable(snapshot).isEmpty
    }

    private func isSealingDue(for snapshot: Snapshot) -> Bool { snapshot.tailRows >= limits.sealRows }

    /// One step of what is due; nil where the store would not have it, since the knowledge base or its segments are gone.
    func run(_ snapshot: Snapshot) async throws -> Renewal? {
        if !snapshot.emptied.isEmpty {
            try await store.drop(snapshot.emptied.sorted(), in: base)
            return Renewal(made: [], replaced: snapshot.emptied)
        }
        return isSealingDue(for: snapshot) ? try await sealed(snapshot) : try await merged(snapshot)
    }

    // MARK: - Sealing

    /// All that is in memory only, as segments that the store keeps.
    func sealed(_ snapshot: Snapshot) async throws -> Renewal? {
        guard let dimension = snapshot.dimension else { return Renewal(made: [], replaced: []) }
        let tail = snapshot.segments.filter { !$0.isSealed }
        let documents = tail.flatMap { segment in segment.documents.map { (segment, $0) } }
        var renewal = Renewal(made: [], replaced: [])
        for portion in Self.portions(of: documents.map(\.1), rows: limits.segmentRows(dimension: dimension)) {
            let rows = try await workers.run {
                VectorRows(documents[portion].compactMap { $0.vectors(of: $1.document) }, dimension: dimension)
            }
            // Only with the last portion is everything up to this revision in segments.
            let through = portion.upperBound == documents.count ? snapshot.revision : 0
            let block = try await block(of: rows, beside: snapshot)
            guard let id = try await keep(block, through: through, replacing: []) else { return nil }
            renewal.made.append(Segment(block, id: id, throughRevision: through))
        }
        return renewal
    }

    // MARK: - Merging

    /// Segments to be written anew together; none where it does not pay.
    private func mergeable(_ snapshot: Snapshot) -> [Segment] {
        guard let dimension = snapshot.dimension else { return [] }
        let most = limits.segmentRows(dimension: dimension)
        let sealed = snapshot.segments.filter(\.isSealed)
        var chosen = alike(sealed.filter { $0.liveRows < most / 2 })
        if chosen.isEmpty { chosen = sealed.filter(\.isMostlyDead) }
        // Versions before this one kept rows that were in no clusters.
        let flat = sealed.first { !$0.isClustered && $0.block.rows >= 2 * limits.clusterSize }
        if chosen.isEmpty, let flat { chosen = [flat] }
        chosen.sort { $0.liveRows < $1.liveRows }
        var rows = 0
        return Array(
            chosen.prefix { segment in
                rows += segment.liveRows
                return rows == segment.liveRows || rows <= most
            })
    }

    /// The smallest of which there are too many: each of less than four times the rows of another.
    private func alike(_ segments: [Segment]) -> [Segment] {
        let rising = segments.sorted { $0.liveRows < $1.liveRows }
        for first in rising.indices {
            let like = rising[first...].prefix { $0.liveRows < 4 * max(rising[first].liveRows, limits.sealRows) }
            if like.count >= Self.tooMany { return Array(like) }
        }
        return []
    }

    /// Read from the store again, so that what is written is as true as the rows are.
    private func merged(_ snapshot: Snapshot) async throws -> Renewal? {
        let segments = mergeable(snapshot)
        guard let dimension = snapshot.dimension, !segments.isEmpty else { return Renewal(made: [], replaced: []) }
        let replaced = segments.compactMap(\.id)
        let documents = segments.flatMap(\.documents)
        var renewal = Renewal(made: [], replaced: Set(replaced))
        for portion in Self.portions(of: documents, rows: limits.segmentRows(dimension: dimension)) {
            let rows = try await read(documents[portion], dimension)
            let isLast = portion.upperBound == documents.count
            // Where all are damaged or gone meanwhile, nothing takes their place.
            guard rows.count > 0 else {
                if isLast { try await store.drop(replaced, in: base) }
                continue
            }
            let block = try await block(of: rows, inheriting: heir(of: segments, rows.count), beside: snapshot)
            // Until the last is kept, what they replace counts, too: whoever opens takes the newest of each document.
            let through = isLast ? segments.map(\.throughRevision).max() ?? 0 : 0
            guard let id = try await keep(block, through: through, replacing: isLast ? replaced : []) else {
                try await store.drop(renewal.made.compactMap(\.id), in: base)
                return nil
            }
            renewal.made.append(Segment(block, id: id, throughRevision: through))
        }
        return renewal
    }

    private func read(_ documents: ArraySlice<CompletedDocument>, _ dimension: Int) async throws -> VectorRows {
        var rows = VectorRows(dimension: dimension)
        for step in SegmentLoad.steps(of: Array(documents)) {
            for document in try await store.vectors(of: step.map(\.document), in: base) { rows.append(document) }
        }
        return rows
    }

    /// The segment whose clusters the others' rows go into, where it has most of them.
    private func heir(of segments: [Segment], _ rows: Int) -> Segment? {
        segments.filter(\.isClustered).max { $0.liveRows < $1.liveRows }.flatMap { $0.liveRows * 2 >= rows ? $0 : nil }
    }

    /// Documents in portions of at most so many rows, or of one document.
    private static func portions(of documents: [CompletedDocument], rows most: Int) -> [Range<Int>] {
        var portions: [Range<Int>] = []
        var (start, rows) = (0, 0)
        for (place, document) in documents.enumerated() {
            if place > start, rows + document.chunkCount > most {
                portions.append(start..<place)
                (start, rows) = (place, 0)
            }
            rows += document.chunkCount
        }
        return documents.isEmpty ? [] : portions + [start..<documents.count]
    }

    // MARK: - Writing

    private func block(
        of rows: VectorRows, inheriting heir: Segment? = nil, beside snapshot: Snapshot
    ) async throws -> CodeBlock {
        let builder: SegmentBuilder
        let keepsFloats = keepsFloats(rows, beside: snapshot)
        if rows.count >= 2 * limits.clusterSize {
            let clustering = try await clustering(of: rows, inheriting: heir)
            builder = try await workers.run {
                SegmentBuilder(
                    rows, centres: clustering.centres,
                    placement: SegmentBuilder.Placement(groups: clustering.groups, count: clustering.count),
                    keepsFloats: keepsFloats)
            }
        } else {
            builder = try await workers.run {
                SegmentBuilder(rows, centres: rows.mean(of: 0..<rows.count), keepsFloats: keepsFloats)
            }
        }
        _ = try await workers.shares(of: rows.count) { builder.encode($0) }
        return try await workers.run { builder.finish() }
    }

    private func clustering(of rows: VectorRows, inheriting heir: Segment?) async throws -> Clustering {
        let size = limits.clusterSize
        // What k-means finds is as good as it can be, whatever the sizes; what came to it since has to be looked at.
        guard let heir else { return try await Clustering.made(of: rows, size: size, on: workers) }
        let inherited = try await Clustering.inherited(from: heir, by: rows, size: size, on: workers)
        return try await workers.run {
            var clustering = inherited
            clustering.balance()
            return clustering
        }
    }

    private func keepsFloats(_ rows: VectorRows, beside snapshot: Snapshot) -> Bool {
        let held = snapshot.segments.reduce(0) { $0 + ($1.isSealed ? $1.block.floats?.count ?? 0 : 0) }
        return (held + rows.vectors.count) * 4 <= limits.floatBytes
    }

    private func keep(
        _ block: CodeBlock, through revision: Int64, replacing replaced: [SegmentID]
    ) async throws -> SegmentID? {
        let count = block.bytes.count
        let segment = NewSegment(
            throughRevision: revision, format: SegmentLayout.format, rows: block.rows, byteCount: count,
            partCount: (count + Self.partBytes - 1) / Self.partBytes
        ) { number in
            let start = number * Self.partBytes
            return Array(
                UnsafeRawBufferPointer(start: block.bytes.base + start, count: min(Self.partBytes, count - start)))
        }
        return try await store.keep(segment, replacing: replaced, in: base)
    }
}
