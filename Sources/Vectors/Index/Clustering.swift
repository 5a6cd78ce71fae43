import CKernels
import Knowledge

/// Rows in clusters around directions, kept in order while rows come and go: spherical k-means once, then splitting what
/// has grown and dissolving what has shrunk, each with a look at the neighbours only (LIRE: Xu et al., SPFresh,
/// arXiv 2410.14452).
struct Clustering: Sendable {
    /// Rounds of k-means after which clusters hardly change any more.
    private static let rounds = 6
    /// Rows of the sample for each cluster.
    private static let sampleRowsPerCluster = 16
    /// The number of a row that belongs to no cluster yet.
    private static let none = UInt32.max

    let rows: VectorRows
    /// How many rows a cluster should have.
    let size: Int
    /// Unit vectors, one a cluster.
    var directions: [Float]
    /// The cluster of each row.
    var groups: [UInt32]

    var dimension: Int { rows.dimension }
    var count: Int { directions.count / dimension }

    /// Rows of which nothing is known, by k-means on a sample of them.
    static func made(of rows: VectorRows, size: Int, on workers: Workers) async throws -> Clustering {
        let count = max(1, rows.count / size)
        let sample = Self.sample(of: rows, count * Self.sampleRowsPerCluster)
        let sampleRows = sample.count / rows.dimension
        // Rows spread over the sample to begin with; in the order of documents those are of different ones.
        var directions = (0..<count).flatMap { number -> ArraySlice<Float> in
            let row = number * sampleRows / count
            return sample[row * rows.dimension..<(row + 1) * rows.dimension]
        }
        normalise(&directions, dimension: rows.dimension)
        for _ in 0..<rounds {
            directions = try await moved(directions, among: sample, rows.dimension, on: workers)
        }
        var clustering = Clustering(
            rows: rows, size: size, directions: directions, groups: Array(repeating: none, count: rows.count))
        try await clustering.assign(on: workers)
        return clustering
    }

    /// Rows of which some were clustered before: those stay where they are, the others go to the clusters they are
    /// nearest to.
    ///
    /// - Parameter kept: A segment; its documents' rows are recognised where they are as many as they were.
    static func inherited(
        from kept: Segment, by rows: VectorRows, size: Int, on workers: Workers
    ) async throws -> Clustering {
        let block = kept.block
        var directions = Array(UnsafeBufferPointer(start: block.centres, count: block.layout.groups * rows.dimension))
        normalise(&directions, dimension: rows.dimension)
        var groups: [UInt32] = []
        groups.reserveCapacity(rows.count)
        for document in rows.documents {
            if let place = block.place(of: document.document), block.revisions[place] == document.revision,
                block.rowCount(ofDocumentAt: place) == document.chunkCount
            {
                block.eachRow(ofDocumentAt: place) { groups.append(UInt32(block.group(ofRow: $0))) }
            } else {
                groups += repeatElement(none, count: document.chunkCount)
            }
        }
        var clustering = Clustering(rows: rows, size: size, directions: directions, groups: groups)
        try await clustering.assign(on: workers)
        return clustering
    }

    private static func sample(of rows: VectorRows, _ wanted: Int) -> [Float] {
        let step = max(1, rows.count / wanted)
        var sample: [Float] = []
        for row in stride(from: 0, to: rows.count, by: step) {
            let vector = rows.vectors[row * rows.dimension..<(row + 1) * rows.dimension]
            if vector.allSatisfy(\.isFinite) { sample += vector }
        }
        return sample.isEmpty ? Array(repeating: 0, count: rows.dimension) : sample
    }

    /// One round of k-means.
    private static func moved(
        _ directions: [Float], among sample: [Float], _ dimension: Int, on workers: Workers
    ) async throws -> [Float] {
        let nearest = Directions(directions, dimension: dimension)
        let rows = sample.count / dimension
        let parts = try await workers.shares(of: rows) { range in
            sample.withUnsafeBufferPointer { sample in
                let some = UnsafeBufferPointer(rebasing: sample[range.lowerBound * dimension..<range.upperBound * dimension])
                return Sums(of: some, groups: nearest.nearest(to: some), count: nearest.count, dimension: dimension)
            }
        }
        var sums = Sums(count: nearest.count, dimension: dimension)
        for part in parts { sums.add(part) }
        // A direction that nobody is near begins anew at some row.
        for (number, group) in sums.sizes.indices.filter({ sums.sizes[$0] == 0 }).enumerated() {
            let row = (number * 7_919 + group) % rows
            for index in 0..<dimension { sums.totals[group * dimension + index] = sample[row * dimension + index] }
        }
        normalise(&sums.totals, dimension: dimension)
        return sums.totals
    }

    /// The clusters' means: what their rows' codes stand for the distance from.
    var centres: [Float] {
        var members = [[Int]](repeating: [], count: count)
        for (row, group) in groups.enumerated() { members[Int(group)].append(row) }
        return members.flatMap { rows.mean(of: $0) }
    }

    /// Finds the cluster of each row that has none.
    private mutating func assign(on workers: Workers) async throws {
        let nearest = Directions(directions, dimension: dimension)
        let (rows, groups, dimension) = (rows, groups, dimension)
        let parts = try await workers.shares(of: rows.count) { range in
            rows.vectors.withUnsafeBufferPointer { vectors in
                var found = Array(groups[range])
                for places in range.split(whereSeparator: { groups[$0] != Self.none }) {
                    let numbers = nearest.nearest(
                        to: UnsafeBufferPointer(
                            rebasing: vectors[places.lowerBound * dimension..<places.upperBound * dimension]))
                    for (place, number) in zip(places, numbers) { found[place - range.lowerBound] = number }
                }
                return found
            }
        }
        self.groups = parts.flatMap { $0 }
    }
}

/// What rows of clusters add up to.
private struct Sums: Sendable {
    var totals: [Float]
    var sizes: [Int]

    init(count: Int, dimension: Int) {
        totals = Array(repeating: 0, count: count * dimension)
        sizes = Array(repeating: 0, count: count)
    }

    init(of rows: UnsafeBufferPointer<Float>, groups: [UInt32], count: Int, dimension: Int) {
        self.init(count: count, dimension: dimension)
        totals.withUnsafeMutableBufferPointer { totals in
            for (row, group) in groups.enumerated() {
                sizes[Int(group)] += 1
                let start = Int(group) * dimension
                for index in 0..<dimension { totals[start + index] += rows[row * dimension + index] }
            }
        }
    }

    mutating func add(_ other: Sums) {
        for index in totals.indices { totals[index] += other.totals[index] }
        for index in sizes.indices { sizes[index] += other.sizes[index] }
    }
}
