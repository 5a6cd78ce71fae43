import CKernels

/// Unit vectors of which for many others the nearest is wanted: those that clusters lie around.
///
/// `@unchecked Sendable`: the memory is filled here and only read afterwards.
final class Directions: @unchecked Sendable {
    /// Rows whose products are worked out at a time: they stay in the first-level cache.
    private static let blockRows = 16

    let dimension: Int
    let count: Int
    private let padded: Int
    private let kernels: UnsafePointer<kern_table>
    private let packed: AlignedBytes
    private let bias: [Float]

    /// - Parameter vectors: Rows of `dimension` floats.
    init(_ vectors: [Float], dimension: Int) {
        self.dimension = dimension
        count = vectors.count / dimension
        padded = (count + 15) / 16 * 16
        kernels = kern_table_best()
        packed = AlignedBytes(count: kernels.pointee.packed_words(kern_float32, padded, dimension) * 4)
        // What is there only to fill up is the nearest to nothing.
        bias = (0..<padded).map { [count] in $0 < count ? 0 : -.greatestFiniteMagnitude }
        let weights = vectors + Array(repeating: 0, count: (padded - count) * dimension)
        weights.withUnsafeBufferPointer { weights in
            guard let base = weights.baseAddress else { return }
            var work = kern_pack(
                precision: kern_float32, weights: base, outputs: padded, inputs: dimension, factors: nil,
                output: packed.base)
            kernels.pointee.pack(&work)
        }
    }

    /// For each of some rows the number of the nearest direction; 0 where a row is no number.
    func nearest(to rows: UnsafeBufferPointer<Float>) -> [UInt32] {
        var nearest: [UInt32] = []
        nearest.reserveCapacity(rows.count / dimension)
        guard let base = rows.baseAddress else { return [] }
        withUnsafeTemporaryAllocation(of: Float.self, capacity: Self.blockRows * padded) { products in
            guard let place = products.baseAddress else { return }
            for first in stride(from: 0, to: rows.count / dimension, by: Self.blockRows) {
                let count = min(Self.blockRows, rows.count / dimension - first)
                multiply(base + first * dimension, count, place)
                for row in 0..<count { nearest.append(Self.greatest(place + row * padded, self.count)) }
            }
        }
        return nearest
    }

    private func multiply(_ rows: UnsafePointer<Float>, _ count: Int, _ products: UnsafeMutablePointer<Float>) {
        bias.withUnsafeBufferPointer { bias in
            guard let bias = bias.baseAddress else { return }
            var layer = kern_linear(
                precision: kern_float32, input: rows, rows: count, weights: packed.base, bias: bias, inputs: dimension,
                outputs: padded, activation: kern_activation_none, residual: nil, output_precision: kern_float32,
                output: products)
            kernels.pointee.linear(&layer)
        }
    }

    private static func greatest(_ products: UnsafePointer<Float>, _ count: Int) -> UInt32 {
        var best = 0
        for number in 1..<max(count, 1) where products[number] > products[best] { best = number }
        return UInt32(best)
    }
}

/// Makes every row of `dimension` floats as long as 1; what has no length, or too much, stays.
func normalise(_ vectors: inout [Float], dimension: Int) {
    vectors.withUnsafeMutableBufferPointer { vectors in
        for start in stride(from: 0, to: vectors.count, by: dimension) {
            var squares = 0.0
            for index in start..<start + dimension { squares += Double(vectors[index]) * Double(vectors[index]) }
            guard squares > 0, squares.isFinite else { continue }
            let scale = Float(1 / squares.squareRoot())
            for index in start..<start + dimension { vectors[index] *= scale }
        }
    }
}
