import CKernels

/// Many vectors of which the nearest few to a query are wanted again and again: the centres of clusters. Found by
/// four-bit codes alone, since a cluster more or less does not matter.
///
/// `@unchecked Sendable`: the memory is filled here and only read afterwards.
final class Centroids: @unchecked Sendable {
    let count: Int
    private let nibbles: AlignedBytes
    private let scales: [Float]

    /// - Parameter vectors: `count` rows of `dimension` floats.
    init(_ vectors: UnsafePointer<Float>, count: Int, dimension: Int) {
        self.count = count
        let half = SegmentLayout.padded(dimension) / 2
        nibbles = AlignedBytes(count: count * half)
        var coder = RowCoder(dimension: dimension)
        var scales: [Float] = []
        let zero = [Float](repeating: 0, count: dimension)
        for row in 0..<count {
            coder.encode(vectors + row * dimension, centre: zero)
            nibbles.array(of: UInt8.self, at: row * half).update(from: coder.high, count: half)
            scales.append(coder.factors.scale)
        }
        self.scales = scales
    }

    /// The nearest, best first.
    func nearest(
        _ wanted: Int, to query: PreparedQuery, kernels: IndexKernels
    ) -> [(similarity: Float, number: Int)] {
        var digits = query.digits
        var best: [(similarity: Float, number: Int)] = []
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: count) { sums in
            guard let sums = sums.baseAddress else { return }
            kernels.codes.pointee.scan_nibbles(&digits, nibbles.array(of: UInt8.self, at: 0), count, sums)
            let bias = Int32(15 * query.upperSum)
            var least = -Float.infinity
            for number in 0..<count {
                let similarity = scales[number] * Float(2 * sums[number] - bias)
                guard similarity > least else { continue }
                best.append((similarity, number))
                // Sorted now and then, so that the order costs little.
                guard best.count >= 2 * wanted + 16 else { continue }
                best.sort { $0.similarity > $1.similarity }
                best.removeLast(best.count - wanted)
                least = best.last?.similarity ?? least
            }
        }
        return Array(best.sorted { $0.similarity > $1.similarity }.prefix(wanted))
    }
}
