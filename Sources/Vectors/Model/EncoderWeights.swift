import CKernels

/// A linear layer's weights in the kernels' panels, and its bias.
struct LinearWeights: Sendable {
    var weights: FloatBuffer
    var bias: FloatBuffer
    var inputs: Int
    var outputs: Int
}

/// Gain and shift of a layer normalisation.
struct NormWeights: Sendable {
    var gain: FloatBuffer
    var shift: FloatBuffer
}

/// One layer of the encoder. Queries, keys and values are one matrix; queries are scaled by 1 / sqrt(head size).
struct LayerWeights: Sendable {
    var qkv: LinearWeights
    var attention: LinearWeights
    var attentionNorm: NormWeights
    var up: LinearWeights
    var down: LinearWeights
    var outputNorm: NormWeights
}

/// All weights of a BERT encoder, packed once when the model is loaded; without the pooler, which only classifiers use.
struct EncoderWeights: Sendable {
    var words: FloatBuffer
    var positions: FloatBuffer
    /// A row for each token type; texts are of type 0, the second of a pair of type 1.
    var types: FloatBuffer
    var norm: NormWeights
    var layers: [LayerWeights]

    /// - Throws: `ModelError` where the file is not sound, or lacks a tensor, or has it in another shape.
    init(_ file: Safetensors, _ configuration: BertConfiguration, _ kernels: Kernels) throws {
        let loader = WeightLoader(file: file, configuration: configuration, kernels: kernels)
        let hidden = configuration.hidden
        words = try loader.tensor("embeddings.word_embeddings.weight", [configuration.vocabulary, hidden])
        positions = try loader.tensor("embeddings.position_embeddings.weight", [configuration.positions, hidden])
        types = try loader.tensor("embeddings.token_type_embeddings.weight", [configuration.tokenTypes, hidden])
        norm = try loader.norm("embeddings.LayerNorm")
        layers = try (0..<configuration.layers).map(loader.layer)
    }
}

/// Reads tensors under the names that BERT has given them, with or without `bert.` in front.
private struct WeightLoader {
    let file: Safetensors
    let configuration: BertConfiguration
    let kernels: Kernels
    let prefix: String

    init(file: Safetensors, configuration: BertConfiguration, kernels: Kernels) {
        self.file = file
        self.configuration = configuration
        self.kernels = kernels
        prefix = file.tensors.keys.contains("bert.embeddings.word_embeddings.weight") ? "bert." : ""
    }

    func tensor(_ name: String, _ shape: [Int]) throws -> FloatBuffer {
        // Before memory is taken: the shape comes from config.json, which may ask for any amount.
        try file.tensor(prefix + name, shape: shape)
        let buffer = FloatBuffer(count: shape.reduce(1, *))
        try file.read(prefix + name, shape: shape, into: buffer.base)
        return buffer
    }

    func norm(_ name: String) throws -> NormWeights {
        NormWeights(
            gain: try tensor(name + ".weight", [configuration.hidden]),
            shift: try tensor(name + ".bias", [configuration.hidden]))
    }

    func linear(_ name: String, inputs: Int, outputs: Int) throws -> LinearWeights {
        let plain = try tensor(name + ".weight", [outputs, inputs])
        let bias = try tensor(name + ".bias", [outputs])
        return LinearWeights(
            weights: pack(plain, inputs: inputs, outputs: outputs), bias: bias, inputs: inputs, outputs: outputs)
    }

    func layer(_ number: Int) throws -> LayerWeights {
        let name = "encoder.layer.\(number)"
        let (hidden, intermediate) = (configuration.hidden, configuration.intermediate)
        return LayerWeights(
            qkv: try queriesKeysValues(name + ".attention.self"),
            attention: try linear(name + ".attention.output.dense", inputs: hidden, outputs: hidden),
            attentionNorm: try norm(name + ".attention.output.LayerNorm"),
            up: try linear(name + ".intermediate.dense", inputs: hidden, outputs: intermediate),
            down: try linear(name + ".output.dense", inputs: intermediate, outputs: hidden),
            outputNorm: try norm(name + ".output.LayerNorm"))
    }

    private func queriesKeysValues(_ name: String) throws -> LinearWeights {
        let hidden = configuration.hidden
        let plain = FloatBuffer(count: 3 * hidden * hidden)
        let bias = FloatBuffer(count: 3 * hidden)
        for (index, part) in ["query", "key", "value"].enumerated() {
            let weights = plain.base + index * hidden * hidden
            try file.read("\(prefix)\(name).\(part).weight", shape: [hidden, hidden], into: weights)
            try file.read("\(prefix)\(name).\(part).bias", shape: [hidden], into: bias.base + index * hidden)
        }
        let scale = 1 / Float(configuration.headSize).squareRoot()
        for index in 0..<hidden * hidden { plain.base[index] *= scale }
        for index in 0..<hidden { bias.base[index] *= scale }
        return LinearWeights(
            weights: pack(plain, inputs: hidden, outputs: 3 * hidden), bias: bias, inputs: hidden, outputs: 3 * hidden)
    }

    private func pack(_ plain: FloatBuffer, inputs: Int, outputs: Int) -> FloatBuffer {
        let packed = FloatBuffer(count: kern_packed_size(kernels.table, outputs, inputs))
        kernels.table.pointee.pack(plain.base, outputs, inputs, packed.base)
        return packed
    }
}
