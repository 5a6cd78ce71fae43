import CKernels

/// A linear layer's weights as the kernels take them, and its bias.
struct LinearWeights: Sendable {
    var precision: Precision
    var weights: FloatBuffer
    var bias: FloatBuffer
    /// What each input is multiplied with before it is rounded to int8; the weights are divided by it.
    var factors: FloatBuffer?
    var inputs: Int
    var outputs: Int
}

/// Gain and shift of a layer normalisation.
struct NormWeights: Sendable {
    var gain: FloatBuffer
    var shift: FloatBuffer
}

/// One layer of the encoder. Queries, keys and values are one matrix; queries are scaled by 1 / sqrt(head size), in
/// their normalisation where they have one.
struct LayerWeights: Sendable {
    var qkv: LinearWeights
    var queryNorm: NormWeights?
    var keyNorm: NormWeights?
    var attention: LinearWeights
    var attentionNorm: NormWeights
    var up: LinearWeights
    var down: LinearWeights
    var outputNorm: NormWeights
}

/// What turns ids into the first layer's input.
struct EmbeddingWeights: Sendable {
    var words: FloatBuffer
    var positions: FloatBuffer?
    /// A row for each token type; texts are of type 0, the second of a pair of type 1.
    var types: FloatBuffer?
    var norm: NormWeights
}

/// All weights of an encoder, packed once when the model is loaded; without a pooler, which only classifiers use.
struct EncoderWeights: Sendable {
    var embeddings: EmbeddingWeights
    var layers: [LayerWeights]

    /// One layer after the other, so that the file's float32 of only one is in memory at a time.
    ///
    /// - Parameter samples: Ordinary texts; int8 sees in them how large a layer's inputs are.
    /// - Throws: `ModelError` where the file is not sound, or lacks a tensor, or has it in another shape.
    init(
        _ file: Safetensors, _ shape: EncoderShape, _ kernels: Kernels, _ precision: Precision, samples: [[Int32]]
    ) throws {
        let loader = WeightLoader(file, shape)
        embeddings = try loader.embeddings()
        layers = []
        let calibration = precision == .int8 ? Calibration(samples, shape, kernels, embeddings) : nil
        for number in 0..<shape.layers {
            let plain = try loader.layer(number)
            layers.append(
                plain.packed(
                    kernels, precision, powers: calibration?.powers(of: plain), isLast: number == shape.layers - 1))
        }
    }
}
