import CKernels
import Foundation
import Testing

@testable import Vectors

/// Attention of one sequence, by kernels and by definition.
struct Attention {
    var table: kern_table
    var tokens: Int
    var heads: Int
    var headSize: Int

    private var hidden: Int { heads * headSize }
    private var biasStride: Int { 2 * tokens + 3 }
    /// Numbers of a bias by distance.
    var biasCount: Int { heads * biasStride }

    func output(_ qkv: [Float], _ bias: [Float]?, precision: kern_precision) -> [Float] {
        let product = Product(table: table, precision: precision, rows: tokens, inputs: 3 * hidden, outputs: 0)
        let words = product.quantised(qkv)
        var output = [Float](repeating: .nan, count: tokens * hidden)
        var scratch = withUnsafePointer(to: table) {
            [Float](repeating: .nan, count: kern_attention_scratch($0, tokens, headSize))
        }
        words.withUnsafeBufferPointer { words in
            output.withUnsafeMutableBufferPointer { output in
                scratch.withUnsafeMutableBufferPointer { scratch in
                    (bias ?? []).withUnsafeBufferPointer { origin in
                        var work = kern_attention(
                            precision: precision, qkv: words.baseAddress!, tokens: tokens, heads: heads,
                            head_size: headSize, bias: bias == nil ? nil : origin.baseAddress! + tokens,
                            bias_stride: biasStride, output: output.baseAddress!, scratch: scratch.baseAddress!)
                        table.attention(&work)
                    }
                }
            }
        }
        return output
    }

    /// softmax(Q K^T + bias) V per head.
    func definition(_ qkv: [Float], _ bias: [Float]?) -> [Double] {
        let numbers = qkv.map { Double($0) }
        var output = [Double](repeating: 0, count: tokens * hidden)
        for head in 0..<heads {
            for query in 0..<tokens {
                let q = query * 3 * hidden + head * headSize
                let scores = (0..<tokens).map { key in
                    let start = Double(bias?[head * biasStride + tokens + key - query] ?? 0)
                    return (0..<headSize).reduce(start) {
                        $0 + numbers[q + $1] * numbers[key * 3 * hidden + hidden + head * headSize + $1]
                    }
                }
                let top = scores.max() ?? 0
                let weights = scores.map { exp($0 - top) }
                let sum = weights.reduce(0, +)
                for column in 0..<headSize {
                    output[query * hidden + head * headSize + column] = (0..<tokens).reduce(0.0) {
                        $0 + weights[$1] / sum * numbers[$1 * 3 * hidden + 2 * hidden + head * headSize + column]
                    }
                }
            }
        }
        return output
    }
}

@Suite("Attention")
struct AttentionTests {
    @Test(
        "is what its definition says for sequences of any length, with and without a bias by distance",
        arguments: Kernels.all.map(\.name))
    func attends(_ name: String) throws {
        let table = try #require(Kernels.named(name)).table.pointee
        var generator = SeededGenerator(3)
        let shapes = [(1, 1, 16), (2, 3, 32), (7, 2, 32), (16, 1, 64), (33, 2, 48), (50, 2, 32), (97, 1, 32)]
        for (tokens, heads, size) in shapes {
            let attention = Attention(table: table, tokens: tokens, heads: heads, headSize: size)
            let qkv = [Float].random(tokens * 3 * heads * size, using: &generator).map { $0 * 3 }
            let bias = tokens % 2 == 0 ? nil : [Float].random(attention.biasCount, using: &generator)
            let output = attention.output(qkv, bias, precision: kern_float32)
            for (found, expected) in zip(output, attention.definition(qkv, bias)) {
                #expect(abs(Double(found) - expected) < 2e-5)
            }
        }
    }
}
