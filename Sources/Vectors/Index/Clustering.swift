import Knowledge

/// Spherical k-means: directions such that every vector is near one of them.
struct Clustering: Sendable {
    /// Rounds after which clusters hardly change any more.
    private static let rounds = 6
    /// Rows of the sample for each cluster.
    static let sampleRowsPerCluster = 32

    let dimension: Int
    let count: Int
    let workers: Workers
    let kernels: IndexKernels

    /// - Parameter sample: Rows of `dimension` floats, at least as many as clusters.
    /// - Returns: Unit vectors, one a cluster.
    func directions(of sample: [Float]) async throws -> [Float] {
        let rows = sample.count / dimension
        // Rows spread over the sample to begin with; in the order of documents those are of different ones.
        var directions = (0..<count).flatMap { number -> ArraySlice<Float> in
            let row = number * rows / count
            return sample[row * dimension..<(row + 1) * dimension]
        }
        normalise(&directions)
        for _ in 0..<Self.rounds {
            let groups = try await nearest(to: sample, among: directions)
            var sums = [Float](repeating: 0, count: count * dimension)
            var sizes = [Int](repeating: 0, count: count)
            for (row, group) in groups.enumerated() {
                sizes[Int(group)] += 1
                for index in 0..<dimension { sums[Int(group) * dimension + index] += sample[row * dimension + index] }
            }
            // A direction that nobody is near begins anew at some row.
            for (number, group) in sizes.indices.filter({ sizes[$0] == 0 }).enumerated() {
                let row = (number * 7_919 + group) % rows
                for index in 0..<dimension { sums[group * dimension + index] = sample[row * dimension + index] }
            }
            normalise(&sums)
            directions = sums
        }
        return directions
    }

    /// The cluster of each row, on all threads.
    func nearest(to vectors: [Float], among directions: [Float]) async throws -> [UInt32] {
        let centroids = Centroids(directions, count: count, dimension: dimension)
        let rows = vectors.count / dimension
        let share = max(1, (rows + workers.count - 1) / workers.count)
        return try await withThrowingTaskGroup(of: (Int, [UInt32]).self) { group in
            for start in stride(from: 0, to: rows, by: share) {
                group.addTask {
                    try await workers.run(.background) {
                        let found = (start..<min(start + share, rows)).map { row in
                            nearest(to: Array(vectors[row * dimension..<(row + 1) * dimension]), centroids, directions)
                        }
                        return (start, found)
                    }
                }
            }
            var groups = [UInt32](repeating: 0, count: rows)
            for try await (start, found) in group { groups.replaceSubrange(start..<start + found.count, with: found) }
            return groups
        }
    }

    /// The best of those that codes say are near.
    private func nearest(to vector: [Float], _ centroids: Centroids, _ directions: [Float]) -> UInt32 {
        let near = centroids.nearest(4, to: PreparedQuery(vector), kernels: kernels)
        let products = directions.withUnsafeBufferPointer { directions in
            near.map { number in
                directions.baseAddress.map { kernels.dot(vector, $0 + number * dimension, dimension) } ?? 0
            }
        }
        let best = near.indices.max { products[$0] < products[$1] }
        return UInt32(best.map { near[$0] } ?? 0)
    }

    private func normalise(_ vectors: inout [Float]) {
        for start in stride(from: 0, to: vectors.count, by: dimension) {
            let squares = vectors[start..<start + dimension].reduce(0.0) { $0 + Double($1) * Double($1) }
            guard squares > 0, squares.isFinite else { continue }
            let scale = Float(1 / squares.squareRoot())
            for index in start..<start + dimension { vectors[index] *= scale }
        }
    }
}
