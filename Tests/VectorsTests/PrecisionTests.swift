import CKernels
import Foundation
import Testing

@testable import Vectors

@Suite("Kernels of lower precision")
struct PrecisionTests {
    private static let names = Kernels.all.map(\.name)

    private func table(_ name: String) throws -> kern_table {
        try #require(Kernels.named(name)).table.pointee
    }

    /// The nearest bfloat16, ties to even.
    private func rounded(_ x: Float) -> Float {
        let bits = x.bitPattern
        return Float(bitPattern: (bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF_0000)
    }

    @Test("multiply what was rounded to bfloat16, and lose nothing else", arguments: names)
    func multipliesBfloats(_ name: String) throws {
        var generator = SeededGenerator(11)
        // One in two shapes is made of whole tiles, for those who have them.
        for rows in [1, 3, 7, 8, 13, 16, 17, 29, 32, 33, 79] {
            let inputs = 16 * Int.random(in: 1...20, using: &generator)
            let outputs = 16 * Int.random(in: 1...9, using: &generator)
            let product = Product(
                table: try table(name), precision: kern_bfloat16, rows: rows, inputs: inputs, outputs: outputs)
            let weights = [Float].random(outputs * inputs, using: &generator)
            let input = [Float].random(rows * inputs, using: &generator)
            let bias = [Float].random(outputs, using: &generator)
            let output = product.output(input, weights, bias)
            for row in 0..<rows {
                for column in 0..<outputs {
                    let truth = (0..<inputs).reduce(Double(bias[column])) {
                        $0 + Double(rounded(input[row * inputs + $1])) * Double(rounded(weights[column * inputs + $1]))
                    }
                    #expect(abs(Double(output[row * outputs + column]) - truth) < 1e-4)
                }
            }
        }
    }

    /// Rows whose whole groups are multiplied with the Hadamard matrix and a number.
    private func turned(_ rows: [Float], width: Int, scale: Float = 1) -> [Float] {
        var rows = rows
        for start in stride(from: 0, to: rows.count, by: width) {
            for group in stride(from: start, through: start + width - kern_group, by: kern_group) {
                let numbers = Array(rows[group..<group + kern_group])
                for i in 0..<kern_group {
                    rows[group + i] = (0..<kern_group).reduce(0) {
                        $0 + scale * ((i & $1).nonzeroBitCount % 2 == 0 ? numbers[$1] : -numbers[$1])
                    }
                }
            }
        }
        return rows
    }

    @Test("add up small integers exactly, with every instruction set", arguments: names)
    func multipliesIntegersExactly(_ name: String) throws {
        var generator = SeededGenerator(12)
        for (number, rows) in [1, 2, 5, 8, 11, 16, 19, 31, 32, 50, 70].enumerated() {
            // Every other shape is made of whole tiles, for those who have them.
            let inputs = (number % 2 == 0 ? 16 : 64) * Int.random(in: 1...12, using: &generator)
            let outputs = 16 * Int.random(in: 1...9, using: &generator)
            let product = Product(
                table: try table(name), precision: kern_int8, rows: rows, inputs: inputs, outputs: outputs)
            // With 0 and 255, and with 127, in each group, all scales are 1, and the integers, turned back here, stay
            // as they are.
            let input = (0..<rows * inputs).map { index in
                let place = index % inputs % kern_group
                return place == 0 ? 0 : place == 1 ? 255 : Int.random(in: 0...255, using: &generator)
            }
            let weights = (0..<outputs * inputs).map { index in
                index % inputs % kern_group == 2 ? -127 : Int.random(in: -127...127, using: &generator)
            }
            let output = product.output(
                turned(input.map { Float($0) }, width: inputs, scale: 1 / Float(kern_group)),
                turned(weights.map { Float($0) }, width: inputs), [Float](repeating: 0, count: outputs))
            for row in 0..<rows {
                for column in 0..<outputs {
                    var truth = 0
                    for k in 0..<inputs { truth += input[row * inputs + k] * weights[column * inputs + k] }
                    // Sums of a group are below 2^24, and exact in float; together they may round once a group.
                    let error = abs(Int(output[row * outputs + column]) - truth)
                    #expect(Double(error) <= Double(abs(truth)) * 3e-7)
                }
            }
        }
    }

    @Test("round rows to 256 steps a group, wherever its numbers lie", arguments: names)
    func rounds(_ name: String) throws {
        var generator = SeededGenerator(13)
        let (rows, inputs, outputs) = (9, 272, 16)
        let factors = (0..<inputs).map { _ in Float.random(in: 0.2...5, using: &generator) }
        let product = Product(
            table: try table(name), precision: kern_int8, rows: rows, inputs: inputs, outputs: outputs,
            factors: factors)
        // All the same, only negative, only positive, one far off, tiny, huge, ordinary.
        let kinds: [(Int) -> Float] = [
            { _ in 0 }, { _ in 3 }, { _ in -3 }, { Float($0 % 7) - 9 }, { Float($0 % 7) + 1 },
            { $0 % 128 == 5 ? 100 : Float($0 % 5) - 2 }, { Float($0 % 9) * 1e-20 }, { Float($0 % 9) * 1e20 },
            { Float($0 % 11) - 5 },
        ]
        let input = kinds.flatMap { kind in (0..<inputs).map(kind) }
        // Each output picks one input of the first, second or last group.
        let picked = (0..<outputs).map { $0 * 17 + 1 }
        var weights = [Float](repeating: 0, count: outputs * inputs)
        for (column, input) in picked.enumerated() { weights[column * inputs + input] = 1 }
        let output = product.output(input, weights, [Float](repeating: 0, count: outputs))
        for row in 0..<rows {
            for (column, place) in picked.enumerated() {
                let group = place / 128 * 128..<min(inputs, place / 128 * 128 + 128)
                let scaled = turned(group.map { input[row * inputs + $0] * factors[$0] }, width: group.count)
                let step = (max(scaled.max() ?? 0, 0) - min(scaled.min() ?? 0, 0)) / 255 / factors[place]
                let error = abs(output[row * outputs + column] - input[row * inputs + place])
                #expect(error <= step * 0.51 + 1e-30)
            }
        }
    }

    @Test("attend like float32, to bfloat16's rounding", arguments: names)
    func attends(_ name: String) throws {
        let table = try table(name)
        var generator = SeededGenerator(14)
        for (tokens, heads, size) in [(1, 1, 16), (2, 3, 32), (7, 2, 32), (33, 2, 48), (50, 2, 64), (97, 1, 32)] {
            let attention = Attention(table: table, tokens: tokens, heads: heads, headSize: size)
            let qkv = [Float].random(tokens * 3 * heads * size, using: &generator).map { rounded($0 * 2) }
            let bias = tokens % 2 == 0 ? nil : [Float].random(attention.biasCount, using: &generator)
            let output = attention.output(qkv, bias, precision: kern_bfloat16)
            let truth = attention.definition(qkv, bias)
            for (found, expected) in zip(output, truth) { #expect(abs(Double(found) - expected) < 0.01) }
        }
    }

    @Test("activate to 2e-4", arguments: names)
    func activates(_ name: String) throws {
        let product = Product(table: try table(name), precision: kern_bfloat16, rows: 401, inputs: 16, outputs: 16)
        let input = (0..<401 * 16).map { rounded(Float($0 - 3_208) / 300) }
        var identity = [Float](repeating: 0, count: 256)
        for index in 0..<16 { identity[index * 17] = 1 }
        let output = product.output(
            input, identity, [Float](repeating: 0, count: 16), activation: kern_activation_gelu)
        for (x, y) in zip(input, output) {
            let truth = Double(x) * 0.5 * erfc(-Double(x) / 2.0.squareRoot())
            #expect(abs(Double(y) - truth) < 2e-4)
        }
    }
}
