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

/// All weights of an encoder, packed once when the model is loaded; without a pooler, which only classifiers use.
struct EncoderWeights: Sendable {
    var words: FloatBuffer
    var positions: FloatBuffer?
    /// A row for each token type; texts are of type 0, the second of a pair of type 1.
    var types: FloatBuffer?
    var norm: NormWeights
    var layers: [LayerWeights]

    /// - Throws: `ModelError` where the file is not sound, or lacks a tensor, or has it in another shape.
    init(_ file: Safetensors, _ shape: EncoderShape, _ kernels: Kernels) throws {
        let loader = WeightLoader(file: file, shape: shape, kernels: kernels)
        let (names, hidden) = (shape.names, shape.hidden)
        words = try loader.tensor(names.words + ".weight", [shape.vocabulary, hidden])
        positions = shape.positions == 0
            ? nil : try loader.tensor(names.positions + ".weight", [shape.positions, hidden])
        types = shape.tokenTypes == 0 ? nil : try loader.tensor(names.types + ".weight", [shape.tokenTypes, hidden])
        norm = try loader.norm(names.norm)
        layers = try (0..<shape.layers).map(loader.layer)
    }
}

/// Reads tensors under their names, whatever the file puts in front of all of them.
private struct WeightLoader {
    let file: Safetensors
    let shape: EncoderShape
    let kernels: Kernels
    let prefix: String

    init(file: Safetensors, shape: EncoderShape, kernels: Kernels) {
        self.file = file
        self.shape = shape
        self.kernels = kernels
        let words = shape.names.words + ".weight"
        prefix = file.tensors.keys.first { $0.hasSuffix("." + words) }.map { String($0.dropLast(words.count)) } ?? ""
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
            gain: try tensor(name + ".weight", [shape.hidden]), shift: try tensor(name + ".bias", [shape.hidden]))
    }

    func layer(_ number: Int) throws -> LayerWeights {
        let (names, hidden) = (shape.names, shape.hidden)
        func name(_ pattern: String) -> String { pattern.replacing("#", with: "\(number)") }
        let scale = 1 / Float(shape.headSize).squareRoot()
        let queryNorm = try names.queryNorm.map { try norm(name($0)) }
        queryNorm?.scale(by: scale, size: hidden)
        let qkv = try Plain(loader: self, parts: [names.query, names.key, names.value].map(name), inputs: hidden)
        if queryNorm == nil { qkv.scale(rows: hidden, by: scale) }
        return LayerWeights(
            qkv: qkv.packed(kernels),
            queryNorm: queryNorm,
            keyNorm: try names.keyNorm.map { try norm(name($0)) },
            attention: try linear(name(names.attention), inputs: hidden, outputs: hidden),
            attentionNorm: try norm(name(names.attentionNorm)),
            up: try linear(name(names.up), inputs: hidden, outputs: shape.upColumns, hasBias: names.upHasBias),
            down: try linear(name(names.down), inputs: shape.intermediate, outputs: hidden),
            outputNorm: try norm(name(names.outputNorm)))
    }

    private func linear(_ name: String, inputs: Int, outputs: Int, hasBias: Bool = true) throws -> LinearWeights {
        try Plain(loader: self, parts: [name], inputs: inputs, outputs: outputs, hasBias: hasBias).packed(kernels)
    }
}

extension NormWeights {
    fileprivate func scale(by factor: Float, size: Int) {
        for index in 0..<size {
            gain.base[index] *= factor
            shift.base[index] *= factor
        }
    }
}

/// A linear layer as the file has it, or several of the same inputs below each other.
private struct Plain {
    let inputs: Int
    let outputs: Int
    let weights: FloatBuffer
    let bias: FloatBuffer

    /// - Parameter outputs: Of each part; as many as inputs if not given.
    init(
        loader: WeightLoader, parts: [String], inputs: Int, outputs: Int? = nil, hasBias: Bool = true
    ) throws {
        let rows = outputs ?? inputs
        let (file, names) = (loader.file, parts.map { loader.prefix + $0 })
        for name in names { try file.tensor(name + ".weight", shape: [rows, inputs]) }
        self.inputs = inputs
        self.outputs = rows * parts.count
        weights = FloatBuffer(count: self.outputs * inputs)
        bias = FloatBuffer(count: self.outputs)
        for (index, name) in names.enumerated() {
            let part = bias.base + index * rows
            try file.read(name + ".weight", shape: [rows, inputs], into: weights.base + index * rows * inputs)
            if hasBias {
                try file.read(name + ".bias", shape: [rows], into: part)
            } else {
                part.initialize(repeating: 0, count: rows)
            }
        }
    }

    func scale(rows: Int, by factor: Float) {
        for index in 0..<rows * inputs { weights.base[index] *= factor }
        for index in 0..<rows { bias.base[index] *= factor }
    }

    func packed(_ kernels: Kernels) -> LinearWeights {
        let packed = FloatBuffer(count: kern_packed_size(kernels.table, outputs, inputs))
        kernels.table.pointee.pack(weights.base, outputs, inputs, packed.base)
        return LinearWeights(weights: packed, bias: bias, inputs: inputs, outputs: outputs)
    }
}
