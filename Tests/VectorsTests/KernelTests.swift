import CKernels
import Foundation
import Testing

@testable import Vectors

/// Every instruction set that this machine has, against plain loops in double precision.
@Suite("Kernels compute what plain loops do")
struct KernelTests {
    private static let names = Kernels.all.map(\.name)

    private func table(_ name: String) throws -> kern_table {
        try #require(Kernels.all.first { $0.name == name }).table.pointee
    }

    @Test("for dot products of every length", arguments: names)
    func dots(_ name: String) throws {
        let table = try table(name)
        var generator = SeededGenerator(1)
        for dim in 0...67 {
            for rows in [0, 1, 3, 4, 5, 9] {
                // One float off any alignment.
                let matrix = [Float].random(rows * dim + 1, using: &generator)
                let query = [Float].random(dim + 1, using: &generator)
                var scores = [Float](repeating: .nan, count: rows + 1)
                matrix.withUnsafeBufferPointer { matrix in
                    query.withUnsafeBufferPointer { query in
                        table.dot_rows(query.baseAddress! + 1, matrix.baseAddress! + 1, rows, dim, &scores)
                    }
                }
                for row in 0..<rows {
                    let truth = (0..<dim).reduce(0.0) {
                        $0 + Double(query[$1 + 1]) * Double(matrix[row * dim + $1 + 1])
                    }
                    #expect(abs(Double(scores[row]) - truth) < 1e-5)
                }
                #expect(scores[rows].isNaN, "writes behind the end")
            }
        }
    }

    @Test("for linear layers of every shape", arguments: names)
    func products(_ name: String) throws {
        let table = try table(name)
        var generator = SeededGenerator(2)
        for shape in 0..<60 {
            let rows = shape < 20 ? shape : Int.random(in: 1...40, using: &generator)
            let inputs = Int.random(in: 1...130, using: &generator)
            let outputs = 16 * Int.random(in: 1...10, using: &generator)
            let weights = [Float].random(outputs * inputs, using: &generator)
            let input = [Float].random(max(1, rows * inputs), using: &generator)
            let bias = [Float].random(outputs, using: &generator)
            let residual = shape % 2 == 0 ? nil : [Float].random(max(1, rows * outputs), using: &generator)
            let isGELU = shape % 3 == 0
            let output = run(
                table, input, rows, weights, bias, inputs, outputs,
                isGELU ? kern_activation_gelu : kern_activation_none, residual)
            for row in 0..<rows {
                for column in 0..<outputs {
                    var truth = (0..<inputs).reduce(Double(bias[column])) {
                        $0 + Double(input[row * inputs + $1]) * Double(weights[column * inputs + $1])
                    }
                    if isGELU { truth *= 0.5 * erfc(-truth / 2.0.squareRoot()) }
                    truth += Double(residual?[row * outputs + column] ?? 0)
                    #expect(abs(Double(output[row * outputs + column]) - truth) < 1e-4 * max(1, abs(truth)))
                }
            }
        }
    }

    private func run(
        _ table: kern_table, _ input: [Float], _ rows: Int, _ weights: [Float], _ bias: [Float], _ inputs: Int,
        _ outputs: Int, _ activation: kern_activation, _ residual: [Float]?
    ) -> [Float] {
        let panels = (outputs + table.panel - 1) / table.panel * table.panel
        var packed = [Float](repeating: 0, count: panels * inputs)
        table.pack(weights, outputs, inputs, &packed)
        var output = residual ?? [Float](repeating: 0, count: max(1, rows * outputs))
        input.withUnsafeBufferPointer { input in
            packed.withUnsafeBufferPointer { packed in
                bias.withUnsafeBufferPointer { bias in
                    output.withUnsafeMutableBufferPointer { output in
                        var layer = kern_linear(
                            input: input.baseAddress!, input_stride: inputs, rows: rows, weights: packed.baseAddress!,
                            bias: bias.baseAddress!, inputs: inputs, outputs: outputs, activation: activation,
                            residual: residual == nil ? nil : UnsafePointer(output.baseAddress!),
                            output: output.baseAddress!, output_stride: outputs)
                        table.linear(&layer)
                    }
                }
            }
        }
        return output
    }

    @Test("for GELU over its whole range, to 4e-7", arguments: names)
    func activates(_ name: String) throws {
        let table = try table(name)
        var identity = [Float](repeating: 0, count: 256)
        for index in 0..<16 { identity[index * 17] = 1 }
        let bias = [Float](repeating: 0, count: 16)
        let edges: [Float] = [-1e4, 1e4, -87, 87, -1e-30, 1e-30, -14, 14] + [Float](repeating: 0, count: 8)
        let points = (0..<16 * 400).map { Float($0 - 3_200) / 400 } + edges
        let output = run(table, points, points.count / 16, identity, bias, 16, 16, kern_activation_gelu, nil)
        for (x, y) in zip(points, output) {
            let truth = Double(x) * 0.5 * erfc(-Double(x) / 2.0.squareRoot())
            #expect(abs(Double(y) - truth) <= 4e-7 * max(1, abs(truth)))
        }
    }

    @Test("for attention over sequences of any length", arguments: names)
    func attends(_ name: String) throws {
        let table = try table(name)
        var generator = SeededGenerator(3)
        let shapes = [(1, 1, 16), (2, 3, 32), (7, 2, 32), (16, 1, 64), (33, 2, 48), (50, 2, 32), (97, 1, 32)]
        for (tokens, heads, size) in shapes {
            let hidden = heads * size
            let qkv = [Float].random(tokens * 3 * hidden, using: &generator).map { $0 * 3 }
            var output = [Float](repeating: .nan, count: tokens * hidden)
            let padded = (tokens + table.panel - 1) / table.panel * table.panel
            var scratch = [Float](repeating: .nan, count: padded * (size + 8))
            qkv.withUnsafeBufferPointer { qkv in
                output.withUnsafeMutableBufferPointer { output in
                    scratch.withUnsafeMutableBufferPointer { scratch in
                        var work = kern_attention(
                            qkv: qkv.baseAddress!, tokens: tokens, heads: heads, head_size: size,
                            output: output.baseAddress!, scratch: scratch.baseAddress!)
                        table.attention(&work)
                    }
                }
            }
            let truth = attention(qkv.map { Double($0) }, tokens, heads, size)
            for (found, expected) in zip(output, truth) { #expect(abs(Double(found) - expected) < 2e-5) }
        }
    }

    /// The definition: softmax(Q K^T) V per head.
    private func attention(_ qkv: [Double], _ tokens: Int, _ heads: Int, _ size: Int) -> [Double] {
        let hidden = heads * size
        var output = [Double](repeating: 0, count: tokens * hidden)
        for head in 0..<heads {
            for query in 0..<tokens {
                let q = query * 3 * hidden + head * size
                let scores = (0..<tokens).map { key in
                    (0..<size).reduce(0.0) { $0 + qkv[q + $1] * qkv[key * 3 * hidden + hidden + head * size + $1] }
                }
                let top = scores.max() ?? 0
                let weights = scores.map { exp($0 - top) }
                let sum = weights.reduce(0, +)
                for column in 0..<size {
                    output[query * hidden + head * size + column] = (0..<tokens).reduce(0.0) {
                        $0 + weights[$1] / sum * qkv[$1 * 3 * hidden + 2 * hidden + head * size + column]
                    }
                }
            }
        }
        return output
    }

    @Test("for layer normalisation, embedding and pooling", arguments: names)
    func rows(_ name: String) throws {
        let table = try table(name)
        var generator = SeededGenerator(4)
        for size in [16, 48, 384] {
            let words = [Float].random(5 * size, using: &generator)
            let positions = [Float].random(3 * size, using: &generator)
            let type = [Float].random(size, using: &generator)
            let (gain, shift) = ([Float].random(size, using: &generator), [Float].random(size, using: &generator))
            var rows = [Float](repeating: 0, count: 3 * size)
            table.embed([4, 0, 2], 3, size, words, positions, type, &rows)
            let sums = zip([4, 0, 2], 0..<3).flatMap { word, position in
                (0..<size).map { words[word * size + $0] + type[$0] + positions[position * size + $0] }
            }
            #expect(rows == sums)
            gain.withUnsafeBufferPointer { gain in
                shift.withUnsafeBufferPointer { shift in
                    var norm = kern_layer_norm(
                        gain: gain.baseAddress!, shift: shift.baseAddress!, size: size, epsilon: 1e-12)
                    table.layer_norm(&norm, &rows, 3)
                }
            }
            for row in 0..<3 {
                let x = sums[row * size..<(row + 1) * size].map { Double($0) }
                let mean = x.reduce(0, +) / Double(size)
                let deviation = (x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(size)).squareRoot()
                for i in 0..<size {
                    let truth = (x[i] - mean) / deviation * Double(gain[i]) + Double(shift[i])
                    #expect(abs(Double(rows[row * size + i]) - truth) < 1e-5)
                }
            }
            var unit = [Float](repeating: 0, count: size)
            table.mean_unit(rows, 3, size, &unit)
            let mean = (0..<size).map { rows[$0] + rows[size + $0] + rows[2 * size + $0] }
            #expect(zip(unit, mean.unit).allSatisfy { abs($0 - $1) < 1e-6 })
            table.mean_unit([Float](repeating: 0, count: size), 1, size, &unit)
            #expect(unit.allSatisfy { $0 == 0 })
        }
    }
}
