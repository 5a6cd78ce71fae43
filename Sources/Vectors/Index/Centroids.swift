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

    /// The nearest, in no particular order.
    func nearest(
        _ wanted: Int, to query: PreparedQuery, kernels: IndexKernels
    ) -> [(similarity: Float, number: Int)] {
        guard wanted > 0 else { return [] }
        var digits = query.digits
        // A binary heap with the farthest on top.
        var best: [(similarity: Float, number: Int)] = []
        best.reserveCapacity(min(wanted, count))
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: count) { sums in
            guard let sums = sums.baseAddress else { return }
            kernels.codes.pointee.scan_nibbles(&digits, nibbles.array(of: UInt8.self, at: 0), count, sums)
            let bias = Int32(15 * query.upperSum)
            for number in 0..<count {
                let similarity = scales[number] * Float(2 * sums[number] - bias)
                if best.count < wanted {
                    best.append((similarity, number))
                    if best.count == wanted { best.sort { $0.similarity < $1.similarity } }
                } else if similarity > best[0].similarity {
                    best[0] = (similarity, number)
                    Self.sink(&best)
                }
            }
        }
        return best
    }

    private static func sink(_ heap: inout [(similarity: Float, number: Int)]) {
        var parent = 0
        while true {
            var least = parent
            for child in 2 * parent + 1...2 * parent + 2
            where child < heap.count && heap[child].similarity < heap[least].similarity { least = child }
            guard least != parent else { return }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}
