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
            let isGELU = shape % 3 == 0
            let hasResidual = !isGELU && shape % 2 == 0
            let residual = hasResidual ? [Float].random(max(1, rows * outputs), using: &generator) : nil
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
        Product(table: table, rows: rows, inputs: inputs, outputs: outputs)
            .output(input, weights, bias, activation: activation, residual: residual)
    }

    /// Activations as they are defined, in double precision.
    private static let activations: [(kern_activation, @Sendable (Double) -> Double)] = [
        (kern_activation_gelu, { $0 * 0.5 * erfc(-$0 / 2.0.squareRoot()) }),
        (kern_activation_gelu_tanh, { x in
            let z: Double = (2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)
            return x / (1 + exp(-2 * z))
        }),
        (kern_activation_relu, { max($0, 0) }),
        (kern_activation_silu, { $0 / (1 + exp(-$0)) }),
    ]

    /// Numbers over the range that matters, and far beyond it.
    private static let points: [Float] =
        (0..<16 * 400).map { Float($0 - 3_200) / 400 }
        + [-1e4, 1e4, -87, 87, -1e-30, 1e-30, -14, 14] + [Float](repeating: 0, count: 8)

    @Test("for activations over their whole range, to 4e-7", arguments: names)
    func activates(_ name: String) throws {
        let table = try table(name)
        var identity = [Float](repeating: 0, count: 256)
        for index in 0..<16 { identity[index * 17] = 1 }
        let bias = [Float](repeating: 0, count: 16)
        for (activation, definition) in Self.activations {
            let output = run(table, Self.points, Self.points.count / 16, identity, bias, 16, 16, activation, nil)
            for (x, y) in zip(Self.points, output) {
                let truth = definition(Double(x))
                #expect(abs(Double(y) - truth) <= 4e-7 * max(1, abs(truth)), "\(activation) of \(x)")
            }
        }
    }

    @Test("for gated linear units, whichever half is the gate", arguments: names)
    func gates(_ name: String) throws {
        let table = try table(name)
        var generator = SeededGenerator(5)
        let (rows, size) = (3, 48)
        for (activation, definition) in Self.activations {
            for half in 0..<2 {
                let input = [Float].random(rows * 2 * size, using: &generator)
                var output = input
                output.withUnsafeMutableBufferPointer { output in
                    var work = kern_gate(
                        input: output.baseAddress!, rows: rows, size: size, activation: activation,
                        activated: UInt32(half), output: output.baseAddress!)
                    table.gate(&work)
                }
                for index in 0..<rows * size {
                    let first = index / size * 2 * size + index % size
                    let other = Double(input[first + (1 - half) * size])
                    let truth = definition(Double(input[first + half * size])) * other
                    #expect(abs(Double(output[index]) - truth) < 1e-6)
                }
            }
        }
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
                        gain: gain.baseAddress!, shift: shift.baseAddress!, size: size, stride: size, epsilon: 1e-12)
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
