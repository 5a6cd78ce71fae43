import Knowledge

extension Upkeep {
    /// Rows of a cluster on average at a million rows; there are 4 * sqrt(rows) clusters.
    private static func clusterCount(_ rows: Int) -> Int { max(1, min(Int(4 * Double(rows).squareRoot()), rows / 32)) }

    /// Whether so much is kept that a search should look at the clusters near it only, and too little of it is clustered.
    func isClusteringDue(for snapshot: Snapshot) -> Bool {
        let sealed = snapshot.segments.filter(\.isSealed)
        // Too much for a segment without clusters, and space to be given back.
        let isDead = sealed.contains { $0.isClustered && $0.isMostlyDead && $0.liveRows > limits.segmentRows }
        if isDead { return true }
        let rows = sealed.reduce(0) { $0 + $1.liveRows }
        let flat = sealed.reduce(0) { $0 + ($1.isClustered ? $1.block.rows - $1.liveRows : $1.liveRows) }
        return rows >= limits.clusterRows && flat * 4 > rows
    }

    /// All that is kept as one segment, its rows in the order of clusters.
    ///
    /// The vectors are read three times: some to find the clusters, all to find each row's, and all to be encoded.
    func clustered(_ snapshot: Snapshot) async throws -> Renewal? {
        let segments = snapshot.segments.filter(\.isSealed)
        let documents = segments.flatMap(\.documents)
        let rows = documents.reduce(0) { $0 + $1.chunkCount }
        guard let dimension = snapshot.dimension, rows > 0 else { return nil }
        let clustering = Clustering(
            dimension: dimension, count: Self.clusterCount(rows), workers: workers, kernels: .best)
        let directions = try await clustering.directions(of: sample(of: documents, rows, clustering))
        let (groups, centres) = try await assigned(documents, to: directions, clustering)
        let builder = SegmentBuilder(
            documents: documents, dimension: dimension, centres: centres,
            placement: SegmentBuilder.Placement(groups: groups, count: clustering.count), keepsFloats: false)
        try await encode(documents, into: builder)
        let block = try await workers.run(.background) { builder.finish() }
        let replaced = segments.compactMap(\.id)
        guard let id = try await keep(block, through: nil, replacing: replaced) else { return nil }
        return Renewal(made: [Segment(block, id: id)], replaced: Set(replaced))
    }

    private func sample(
        of documents: [CompletedDocument], _ rows: Int, _ clustering: Clustering
    ) async throws -> [Float] {
        let step = max(1, rows / (clustering.count * Clustering.sampleRowsPerCluster))
        let some = documents.indices.filter { $0 % step == 0 }.map { documents[$0] }
        var sample: [Float] = []
        for step in SegmentLoad.steps(of: some) {
            for document in try await store.vectors(of: step.map(\.document), in: base) {
                let isFinite = document.vectors.allSatisfy(\.isFinite)
                if isFinite, document.vectors.count == document.chunks.count * clustering.dimension {
                    sample += document.vectors
                }
            }
        }
        let zero = [Float](repeating: 0, count: clustering.dimension)
        return sample.isEmpty ? zero : sample
    }

    /// Every row's cluster in the order of documents, and the clusters' means.
    private func assigned(
        _ documents: [CompletedDocument], to directions: [Float], _ clustering: Clustering
    ) async throws -> (groups: [UInt32], centres: [Float]) {
        let dimension = clustering.dimension
        var groups: [UInt32] = []
        var sums = [Float](repeating: 0, count: clustering.count * dimension)
        var sizes = [Float](repeating: 0, count: clustering.count)
        for step in SegmentLoad.steps(of: documents) {
            let found = try await found(step)
            var vectors: [Float] = []
            for document in step {
                // What has gone meanwhile takes its place all the same.
                let count = document.chunkCount * dimension
                let known = found[document.document]?.vectors ?? []
                vectors += known.count == count ? known : Array(repeating: 0, count: count)
            }
            let nearest = try await clustering.nearest(to: vectors, among: directions)
            for (row, group) in nearest.enumerated() {
                let start = Int(group) * dimension
                sizes[Int(group)] += 1
                for index in 0..<dimension { sums[start + index] += vectors[row * dimension + index] }
            }
            groups += nearest
        }
        for group in sizes.indices where sizes[group] > 0 {
            for index in group * dimension..<(group + 1) * dimension { sums[index] /= sizes[group] }
        }
        // A mean that is no number would make every bound useless.
        return (groups, sums.map { abs($0) < 1e6 ? $0 : 0 })
    }
}
