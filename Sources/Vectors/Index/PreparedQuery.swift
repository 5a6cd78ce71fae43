import CKernels

/// A query as codes are compared with it: turned like them, and rounded to small numbers whose error is known.
///
/// `@unchecked Sendable`: the memory is filled here and only read afterwards.
final class PreparedQuery: @unchecked Sendable {
    let vector: FloatBuffer
    let dimension: Int
    /// For `kern_index_table`.
    let digits: kern_index_query
    private let memory: AlignedBytes

    /// The length, never too small.
    let length: Double
    /// The turned query is about `step` times (128 * upper digit + lower digit).
    let step: Double
    /// How far it is from the upper digits alone, and from both.
    let upperRest: Double
    let bothRest: Double
    /// The sum of the upper digits, and of 128 * upper + lower.
    let upperSum: Int
    let bothSum: Int
    /// It is also about `planeStep` times the numbers in the planes, which have this sum.
    let planeStep: Double
    let planeSum: Int

    init(_ query: [Float]) {
        dimension = query.count
        let padded = SegmentLayout.padded(query.count)
        vector = FloatBuffer(count: query.count)
        vector.base.update(from: query, count: query.count)
        var rotated = [Float](repeating: 0, count: padded)
        kern_index_rotate(query, query.count, padded, &rotated)
        // A millionth covers the rounding of sums in double precision many times.
        length = query.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot() * (1 + 1e-6)
        let largest = rotated.reduce(0) { max($0, abs(Double($1))) }
        let isSane = largest > 1e-30 && length < 1e15
        step = isSane ? largest / (127 * 128) : 0
        planeStep = isSane ? largest / 7 : 0

        memory = AlignedBytes(count: padded * 2 + padded / 2)
        let upper = memory.array(of: Int8.self, at: 0), lower = upper + padded
        let planes = memory.array(of: UInt64.self, at: padded * 2)
        var (upperSquares, bothSquares, upperTotal, bothTotal, planeTotal) = (0.0, 0.0, 0, 0, 0)
        for index in 0..<padded {
            let x = Double(rotated[index])
            let both = step > 0 ? Int((x / step).rounded()) : 0
            let high = (both + 64) >> 7
            upper[index] = Int8(high)
            lower[index] = Int8(both - high << 7)
            upperTotal += high
            bothTotal += both
            upperSquares += (x - step * 128 * Double(high)) * (x - step * 128 * Double(high))
            bothSquares += (x - step * Double(both)) * (x - step * Double(both))
            let small = step > 0 ? Int((x / planeStep).rounded()) : 0
            planeTotal += small
            for plane in 0..<4 where small >> plane & 1 == 1 {
                planes[plane * (padded / 64) + index / 64] |= 1 << UInt64(index % 64)
            }
        }
        upperRest = upperSquares.squareRoot() * (1 + 1e-6)
        bothRest = bothSquares.squareRoot() * (1 + 1e-6)
        (upperSum, bothSum, planeSum) = (upperTotal, bothTotal, planeTotal)
        digits = kern_index_query(upper: upper, lower: lower, planes: planes, padded: padded)
    }

    /// How far rounding can take a similarity computed in float32, by whatever way, from the exact one.
    ///
    /// In units of 2^-24 times both lengths: for the two dot products (with the row and with the centre) an addition for
    /// every sixteenth dimension and 24 more, for rotating query and row four transforms each, and 16 for the rest. Rows
    /// too short to be encoded, and products too small for a float, are covered by two constants.
    /// - Parameter reach: The length of rows from their centre and of the centre, together.
    func slack(reach: Double) -> Double {
        let stages = Double(Int.bitWidth - digits.padded.leadingZeroBitCount)
        return (Double(dimension) / 8 + 8 * (stages + 2) + 64) * 0x1p-24 * length * reach + 1e-22 * length + 1e-38
    }
}
