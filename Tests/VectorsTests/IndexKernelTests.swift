import CKernels
import Foundation
import Testing

@testable import Vectors

@Suite("Index kernels of every instruction set")
struct IndexKernelTests {
    static let paddedSizes = [128, 256, 384, 512, 640, 768, 1_024, 1_536, 4_096]

    @Test("sum codes to the same integers as plain loops", arguments: IndexKernels.all.map(\.name), paddedSizes)
    func sums(_ name: String, _ padded: Int) throws {
        let kernels = try #require(IndexKernels.named(name)).codes.pointee
        let portable = try #require(IndexKernels.named("portable")).codes.pointee
        var generator = SeededGenerator(UInt64(padded))
        for round in 0..<6 {
            // The extremes first: nothing overflows.
            let extreme = round < 2
            func byte() -> UInt8 { extreme ? 255 : UInt8.random(in: 0...255, using: &generator) }
            let rows = [0, 1, 3, 8, 17, 32][round]
            let high = (0..<rows * padded / 2 + 1).map { _ in byte() }
            let low = (0..<rows * padded / 2 + 1).map { _ in byte() }
            let upper = (0..<padded).map { _ in extreme ? (round == 0 ? 127 : -127) : Int8.random(in: -127...127) }
            let lower = (0..<padded).map { _ in extreme ? -64 : Int8.random(in: -64...64, using: &generator) }
            let planes = (0..<padded / 16).map { _ in extreme ? UInt64.max : .random(in: 0 ... .max, using: &generator) }
            let blocks = (rows + 7) / 8
            let signs = (0..<blocks * padded / 8 + 1).map { _ in
                extreme ? UInt64.max : .random(in: 0 ... .max, using: &generator)
            }
            upper.withUnsafeBufferPointer { upper in
                lower.withUnsafeBufferPointer { lower in
                    planes.withUnsafeBufferPointer { planes in
                        var query = kern_index_query(
                            upper: upper.baseAddress!, lower: lower.baseAddress!, planes: planes.baseAddress!,
                            padded: padded)
                        var found = [Int32](repeating: 7, count: blocks * 8 + 1), expected = found
                        kernels.scan_nibbles(&query, high, rows, &found)
                        portable.scan_nibbles(&query, high, rows, &expected)
                        #expect(found == expected)
                        kernels.scan_signs(&query, signs, blocks, &found)
                        portable.scan_signs(&query, signs, blocks, &expected)
                        #expect(found == expected)
                        guard rows > 0 else { return }
                        let numbers = (0..<rows).filter { $0 % 3 != 1 }.map { UInt32($0) }
                        var one = [Int32](repeating: 7, count: 2 * numbers.count + 1), other = one
                        kernels.dot_bytes(&query, high, low, numbers, numbers.count, &one)
                        portable.dot_bytes(&query, high, low, numbers, numbers.count, &other)
                        #expect(one == other)
                    }
                }
            }
        }
    }

    @Test("leave out the same rows", arguments: IndexKernels.all.map(\.name))
    func selects(_ name: String) throws {
        let kernels = try #require(IndexKernels.named(name)).codes.pointee
        let portable = try #require(IndexKernels.named("portable")).codes.pointee
        var generator = SeededGenerator(5)
        for count in [0, 1, 15, 16, 17, 100, 1_024] {
            let sums = (0..<count).map { _ in Int32.random(in: -90_000...90_000, using: &generator) }
            var scales = (0..<count).map { _ in Float.random(in: 0...1e-3, using: &generator) }
            var radii = (0..<count).map { _ in Float.random(in: 0...1, using: &generator) }
            for index in stride(from: 0, to: count, by: 9) {
                scales[index] = 0
                radii[index] = [.infinity, .nan][index % 2]
            }
            for threshold in [-Float.infinity, -3, 0, 1, 40, .infinity] {
                var bound = kern_index_bound(slope: 0.3, bias: 11, base: 0.1, reach: 1.3, threshold: threshold)
                var found = [UInt32](repeating: .max, count: count + 16), expected = found
                let size = kernels.select(&bound, sums, scales, radii, count, &found)
                #expect(size == portable.select(&bound, sums, scales, radii, count, &expected))
                #expect(found.prefix(size) == expected.prefix(size))
            }
        }
    }

    @Test("hash as XXH64 is published to")
    func hashes() {
        #expect(kern_hash([], 0) == 0xEF46_DB37_51D8_E999)
        let text = Array("Call me Ishmael. Some years ago--never mind how long precisely-".utf8)
        #expect(kern_hash(text, text.count) == 0x02A2_E854_70D6_FD96)
    }

    @Test("rotate without changing lengths and products", arguments: [1, 3, 100, 128, 200, 384, 1_000, 4_096])
    func rotates(_ dimension: Int) {
        var generator = SeededGenerator(UInt64(dimension))
        let padded = SegmentLayout.padded(dimension)
        let vectors = (0..<2).map { _ in [Float].random(dimension, using: &generator).unit }
        let rotated = vectors.map { vector in
            var result = [Float](repeating: .nan, count: padded)
            kern_index_rotate(vector, dimension, padded, &result)
            return result
        }
        #expect(abs(cosine(rotated[0], rotated[1]) - cosine(vectors[0], vectors[1])) < 1e-5)
        #expect(abs(rotated[0].reduce(0) { $0 + $1 * $1 } - 1) < 1e-5)
        // Spread out: no dimension keeps much of a vector that had everything in one.
        var peak = [Float](repeating: 0, count: dimension), spread = [Float](repeating: 0, count: padded)
        peak[0] = 1
        kern_index_rotate(peak, dimension, padded, &spread)
        #expect(spread.map(abs).max()! < 0.5)
    }
}
