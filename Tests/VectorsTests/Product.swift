import CKernels

/// A linear layer of one precision, run by one instruction set's kernels.
struct Product {
    var table: kern_table
    var precision = kern_float32
    var rows: Int
    var inputs: Int
    var outputs: Int
    var factors: [Float]?

    /// Rows as the product takes them, in words.
    func quantised(_ input: [Float]) -> [Int32] {
        var words = [Int32](repeating: 0, count: max(1, rows * table.row_words(precision, inputs)))
        input.withUnsafeBufferPointer { input in
            withFactors { factors in
                words.withUnsafeMutableBufferPointer { words in
                    var work = kern_quantise(
                        precision: precision, rows: input.baseAddress!, count: rows, size: inputs, factors: factors,
                        output: words.baseAddress!)
                    table.quantise(&work)
                }
            }
        }
        return words
    }

    func packed(_ weights: [Float]) -> [Int32] {
        var words = [Int32](repeating: -1, count: table.packed_words(precision, outputs, inputs))
        weights.withUnsafeBufferPointer { weights in
            withFactors { factors in
                words.withUnsafeMutableBufferPointer { words in
                    var work = kern_pack(
                        precision: precision, weights: weights.baseAddress!, outputs: outputs, inputs: inputs,
                        factors: factors, output: words.baseAddress!)
                    table.pack(&work)
                }
            }
        }
        return words
    }

    func output(
        _ input: [Float], _ weights: [Float], _ bias: [Float], activation: kern_activation = kern_activation_none,
        residual: [Float]? = nil
    ) -> [Float] {
        let (first, second) = (quantised(input), packed(weights))
        var output = residual ?? [Float](repeating: .nan, count: max(1, rows * outputs))
        first.withUnsafeBufferPointer { first in
            second.withUnsafeBufferPointer { second in
                bias.withUnsafeBufferPointer { bias in
                    output.withUnsafeMutableBufferPointer { output in
                        var layer = kern_linear(
                            precision: precision, input: first.baseAddress!, rows: rows, weights: second.baseAddress!,
                            bias: bias.baseAddress!, inputs: inputs, outputs: outputs, activation: activation,
                            residual: residual == nil ? nil : UnsafePointer(output.baseAddress!),
                            output_precision: kern_float32, output: output.baseAddress!)
                        table.linear(&layer)
                    }
                }
            }
        }
        return output
    }

    private func withFactors<Result>(_ body: (UnsafePointer<Float>?) -> Result) -> Result {
        factors.map { $0.withUnsafeBufferPointer { body($0.baseAddress) } } ?? body(nil)
    }
}
