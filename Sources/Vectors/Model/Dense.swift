import Foundation

/// A small linear layer with its activation, one row at a time: heads of classifiers, and sentence-transformers' Dense.
struct Dense: Sendable {
    enum Activation: String, Sendable {
        case identity = "Identity"
        case tanh = "Tanh"
    }

    let outputs: Int
    private let weights: [Float]
    private let bias: [Float]
    private let activation: Activation

    /// - Parameter name: Without `.weight` and `.bias`, and without what the file puts in front of all names.
    /// - Throws: `ModelError` where the file has no such tensors, or in other shapes.
    init(
        _ file: Safetensors, _ name: String, inputs: Int, outputs: Int, hasBias: Bool = true,
        activation: Activation = .identity
    ) throws {
        weights = try file.floats(file.name(endingIn: name + ".weight"), shape: [outputs, inputs])
        bias = hasBias
            ? try file.floats(file.name(endingIn: name + ".bias"), shape: [outputs]) : Array(repeating: 0, count: outputs)
        self.outputs = outputs
        self.activation = activation
    }

    func callAsFunction(_ input: [Float]) -> [Float] {
        (0..<outputs).map { row in
            var sum = bias[row]
            for column in input.indices { sum += weights[row * input.count + column] * input[column] }
            return activation == .tanh ? tanh(sum) : sum
        }
    }
}
