import Knowledge

/// Segments newly kept by the store, and those in whose place they came.
struct Renewal: Sendable {
    var made: [Segment]
    var replaced: Set<SegmentID>

    func applied(to snapshot: Snapshot) -> Snapshot { snapshot.replacing(replaced, with: made) }
}

/// Seals what has gathered in memory and merges segments that are small or mostly dead. Nothing here changes what a
/// search finds.
struct Upkeep: Sendable {
    /// Bytes in a part of a segment, as the store wants them.
    private static let partBytes = 4 << 20
    /// From how many small segments on they are merged: every row is then rewritten a few times in its life.
    private static let tooMany = 4

    let base: KnowledgeBaseID
    let store: any SegmentStore
    let workers: Workers
    let limits: IndexLimits

    func isDue(for snapshot: Snapshot) -> Bool {
        !snapshot.emptied.isEmpty || snapshot.tailRows >= limits.sealRows || isClusteringDue(for: snapshot)
            || !mergeable(snapshot).isEmpty
    }

    /// One step of what is due; nil where the store would not have it.
    func run(_ snapshot: Snapshot) async throws -> Renewal? {
        if !snapshot.emptied.isEmpty {
            try await store.drop(snapshot.emptied.sorted(), in: base)
            return Renewal(made: [], replaced: snapshot.emptied)
        }
        if snapshot.tailRows >= limits.sealRows {
            let renewal = try await sealed(snapshot)
            return renewal.made.isEmpty ? nil : renewal
        }
        if isClusteringDue(for: snapshot) { return try await clustered(snapshot) }
        return try await merged(mergeable(snapshot), of: snapshot)
    }

    // MARK: - Sealing

    /// All that is in memory only, as segments that the store keeps.
    func sealed(_ snapshot: Snapshot) async throws -> Renewal {
        var renewal = Renewal(made: [], replaced: [])
        let tail = snapshot.segments.filter { !$0.isSealed }
        var portions: [[DocumentVectors]] = [[]]
        var rows = 0
        for segment in tail {
            for document in segment.documents {
                if rows > 0, rows + document.chunkCount > limits.segmentRows {
                    portions.append([])
                    rows = 0
                }
                rows += document.chunkCount
                portions[portions.count - 1] += segment.vectors(of: document.document).map { [$0] } ?? []
            }
        }
        for portion in portions {
            guard let dimension = snapshot.dimension, !portion.isEmpty else { continue }
            let documents = portion.map {
                CompletedDocument(document: $0.document, revision: $0.revision, chunkCount: $0.chunks.count)
            }
            let builder = SegmentBuilder(
                documents: documents, dimension: dimension, centres: meanVector(portion, dimension: dimension),
                keepsFloats: keepsFloats(documents, dimension, beside: snapshot))
            try await encode(portion.map(Optional.some), from: 0, into: builder)
            let isLast = portion[portion.count - 1].document == portions.last?.last?.document
            let block = try await workers.run(.background) { builder.finish() }
            // Only with the last portion is everything up to this revision in segments.
            let through = isLast ? snapshot.revision : 0
            guard let id = try await keep(block, through: through, replacing: []) else { break }
            renewal.made.append(Segment(block, id: id))
        }
        return renewal
    }

    private func keepsFloats(_ documents: [CompletedDocument], _ dimension: Int, beside snapshot: Snapshot) -> Bool {
        let held = snapshot.segments.reduce(0) { $0 + ($1.isSealed ? $1.block.floats?.count ?? 0 : 0) }
        let more = documents.reduce(0) { $0 + $1.chunkCount } * dimension
        return (held + more) * 4 <= limits.floatBytes
    }

    // MARK: - Merging

    /// Segments to be written anew together; none where it does not pay.
    private func mergeable(_ snapshot: Snapshot) -> [Segment] {
        let sealed = snapshot.segments.filter(\.isSealed)
        let small = sealed.filter { !$0.isClustered && $0.liveRows < limits.segmentRows / 2 }
        var chosen = small.count >= Self.tooMany ? small : sealed.filter(\.isMostlyDead)
        chosen.sort { $0.liveRows < $1.liveRows }
        var rows = 0
        return Array(
            chosen.prefix { segment in
                rows += segment.liveRows
                return rows == segment.liveRows || rows <= limits.segmentRows
            })
    }

    /// Read from the store again, so that what is written is as true as the rows are.
    private func merged(_ segments: [Segment], of snapshot: Snapshot) async throws -> Renewal? {
        guard let dimension = snapshot.dimension, !segments.isEmpty else { return nil }
        let documents = segments.flatMap(\.documents)
        let builder = SegmentBuilder(
            documents: documents, dimension: dimension, centres: Self.centre(of: segments, dimension: dimension),
            keepsFloats: keepsFloats(documents, dimension, beside: snapshot))
        try await encode(documents, into: builder)
        let block = try await workers.run(.background) { builder.finish() }
        let replaced = segments.compactMap(\.id)
        guard let id = try await keep(block, through: nil, replacing: replaced) else { return nil }
        return Renewal(made: [Segment(block, id: id)], replaced: Set(replaced))
    }

    /// The mean of the segments' centres by their rows: as good as the rows' own.
    private static func centre(of segments: [Segment], dimension: Int) -> [Float] {
        var sums = [Double](repeating: 0, count: dimension)
        var total = 0.0
        for block in segments.map(\.block) {
            for group in 0..<block.layout.groups {
                let weight = Double(block.rows(ofGroup: group).count)
                total += weight
                for index in 0..<dimension {
                    sums[index] += weight * Double(block.centres[group * dimension + index])
                }
            }
        }
        return sums.map { Float($0 / max(total, 1)) }
    }

    // MARK: - Writing

    /// The vectors of documents that are still there.
    func found(_ documents: ArraySlice<CompletedDocument>) async throws -> [DocumentID: DocumentVectors] {
        Dictionary(
            try await store.vectors(of: documents.map(\.document), in: base).map { ($0.document, $0) },
            uniquingKeysWith: { $1 })
    }

    /// Reads documents and encodes them, some at a time.
    func encode(_ documents: [CompletedDocument], into builder: SegmentBuilder) async throws {
        var place = 0
        for step in SegmentLoad.steps(of: documents) {
            let found = try await found(step)
            try await encode(step.map { found[$0.document] }, from: place, into: builder)
            place += step.count
        }
    }

    /// On all threads, each some documents.
    private func encode(_ vectors: [DocumentVectors?], from first: Int, into builder: SegmentBuilder) async throws {
        let share = max(1, (vectors.count + workers.count - 1) / workers.count)
        try await withThrowingTaskGroup { group in
            for start in stride(from: 0, to: vectors.count, by: share) {
                group.addTask {
                    try await workers.run(.background) {
                        for place in start..<min(start + share, vectors.count) {
                            builder.encode(vectors[place], at: first + place)
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    /// - Parameter revision: nil: that of the newest segment replaced.
    func keep(
        _ block: CodeBlock, through revision: Int64?, replacing replaced: [SegmentID]
    ) async throws -> SegmentID? {
        var through = revision ?? 0
        if revision == nil {
            let kept = try await store.manifest(of: base).segments.filter { replaced.contains($0.id) }
            through = kept.map(\.throughRevision).max() ?? 0
        }
        let parts = stride(from: 0, to: block.bytes.count, by: Self.partBytes).map { start in
            Array(
                UnsafeRawBufferPointer(
                    start: block.bytes.base + start, count: min(Self.partBytes, block.bytes.count - start)))
        }
        let segment = NewSegment(
            throughRevision: through, format: SegmentLayout.format, rows: block.rows, parts: parts)
        return try await store.keep(segment, replacing: replaced, in: base)
    }
}
