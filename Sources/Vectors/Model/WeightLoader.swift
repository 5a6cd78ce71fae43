import CKernels

/// Reads an encoder's tensors from its file, whatever the file puts in front of all their names.
struct WeightLoader {
    let file: Safetensors
    let shape: EncoderShape
    private let prefix: String

    init(_ file: Safetensors, _ shape: EncoderShape) {
        self.file = file
        self.shape = shape
        let words = shape.names.words + ".weight"
        prefix = file.tensors.keys.first { $0.hasSuffix("." + words) }.map { String($0.dropLast(words.count)) } ?? ""
    }

    /// - Throws: `ModelError` where the file is not sound, or lacks a tensor, or has it in another shape.
    func embeddings() throws -> EmbeddingWeights {
        let (names, hidden) = (shape.names, shape.hidden)
        return EmbeddingWeights(
            words: try tensor(names.words + ".weight", [shape.vocabulary, hidden]),
            positions: shape.positions == 0
                ? nil : try tensor(names.positions + ".weight", [shape.positions, hidden]),
            types: shape.tokenTypes == 0 ? nil : try tensor(names.types + ".weight", [shape.tokenTypes, hidden]),
            norm: try norm(names.norm))
    }

    /// - Throws: As `embeddings`.
    func layer(_ number: Int) throws -> PlainLayer {
        let (names, hidden) = (shape.names, shape.hidden)
        func name(_ pattern: String) -> String { pattern.replacing("#", with: "\(number)") }
        let scale = 1 / Float(shape.headSize).squareRoot()
        let queryNorm = try names.queryNorm.map { try norm(name($0)) }
        queryNorm?.scale(by: scale, size: hidden)
        let qkv = try linear([names.query, names.key, names.value].map(name), inputs: hidden, outputs: hidden)
        if queryNorm == nil { qkv.scale(rows: hidden, by: scale) }
        return PlainLayer(
            qkv: qkv,
            queryNorm: queryNorm,
            keyNorm: try names.keyNorm.map { try norm(name($0)) },
            attention: try linear([name(names.attention)], inputs: hidden, outputs: hidden),
            attentionNorm: try norm(name(names.attentionNorm)),
            up: try linear([name(names.up)], inputs: hidden, outputs: shape.upColumns, hasBias: names.upHasBias),
            down: try linear([name(names.down)], inputs: shape.intermediate, outputs: hidden),
            outputNorm: try norm(name(names.outputNorm)))
    }

    private func tensor(_ name: String, _ shape: [Int]) throws -> FloatBuffer {
        // Before memory is taken: the shape comes from config.json, which may ask for any amount.
        try file.tensor(prefix + name, shape: shape)
        let buffer = FloatBuffer(count: shape.reduce(1, *))
        try file.read(prefix + name, shape: shape, into: buffer.base)
        return buffer
    }

    private func norm(_ name: String) throws -> NormWeights {
        NormWeights(
            gain: try tensor(name + ".weight", [shape.hidden]), shift: try tensor(name + ".bias", [shape.hidden]))
    }

    /// Several matrices of the same inputs below each other.
    private func linear(_ parts: [String], inputs: Int, outputs: Int, hasBias: Bool = true) throws -> PlainLinear {
        let names = parts.map { prefix + $0 }
        for name in names { try file.tensor(name + ".weight", shape: [outputs, inputs]) }
        let linear = PlainLinear(inputs: inputs, outputs: outputs * parts.count)
        for (index, name) in names.enumerated() {
            let weights = linear.weights.base + index * outputs * inputs
            let bias = linear.bias.base + index * outputs
            try file.read(name + ".weight", shape: [outputs, inputs], into: weights)
            if hasBias {
                try file.read(name + ".bias", shape: [outputs], into: bias)
            } else {
                bias.initialize(repeating: 0, count: outputs)
            }
        }
        return linear
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

/// A layer as its file has it, before it is packed.
struct PlainLayer {
    var qkv: PlainLinear
    var queryNorm: NormWeights?
    var keyNorm: NormWeights?
    var attention: PlainLinear
    var attentionNorm: NormWeights
    var up: PlainLinear
    var down: PlainLinear
    var outputNorm: NormWeights

    /// - Parameters:
    ///   - powers: How large the numbers are that go into the first matrices of both blocks; nil: not known.
    ///   - isLast: Whether no other layer follows.
    ///
    /// Where bfloat16 is fast, the matrices behind attention and activation have it instead of int8: their inputs are
    /// the hardest to round. So have the last layer's queries, keys and values, which in int8 would add as much error
    /// as those of three other layers.
    func packed(
        _ kernels: Kernels, _ precision: Precision, powers: LayerPowers? = nil, isLast: Bool = false
    ) -> LayerWeights {
        let careful = precision == .int8 && kernels.table.pointee.has_bfloat16 ? .bfloat16 : precision
        return LayerWeights(
            qkv: qkv.packed(kernels, isLast ? careful : precision, powers: powers?.qkv),
            queryNorm: queryNorm,
            keyNorm: keyNorm,
            attention: attention.packed(kernels, careful),
            attentionNorm: attentionNorm,
            up: up.packed(kernels, precision, powers: powers?.up),
            down: down.packed(kernels, careful),
            outputNorm: outputNorm)
    }
}

/// A linear layer as its file has it.
struct PlainLinear {
    let inputs: Int
    let outputs: Int
    /// `[outputs, inputs]`
    let weights: FloatBuffer
    let bias: FloatBuffer

    /// With no values yet.
    init(inputs: Int, outputs: Int) {
        self.inputs = inputs
        self.outputs = outputs
        weights = FloatBuffer(count: outputs * inputs)
        bias = FloatBuffer(count: outputs)
    }

    func scale(rows: Int, by factor: Float) {
        for index in 0..<rows * inputs { weights.base[index] *= factor }
        for index in 0..<rows { bias.base[index] *= factor }
    }

    /// - Parameter powers: The sum of each input's squares; nil: not known.
    func packed(_ kernels: Kernels, _ precision: Precision, powers: FloatBuffer? = nil) -> LinearWeights {
        let table = kernels.table.pointee
        let factors = precision == .int8 ? powers.map { balance($0, kernels) } : nil
        let packed = FloatBuffer(count: table.packed_words(precision.kernel, outputs, inputs))
        var work = kern_pack(
            precision: precision.kernel, weights: weights.base, outputs: outputs, inputs: inputs,
            factors: factors?.base, output: packed.base)
        table.pack(&work)
        return LinearWeights(
            precision: precision, weights: packed, bias: bias, factors: factors, inputs: inputs, outputs: outputs)
    }

    /// Factors that make an input's numbers as large as its weights.
    ///
    /// A few inputs of a transformer are many times larger than the others, which then would share few of int8's 256
    /// values; their weights have room. (Xiao et al., SmoothQuant, 2023, with alpha = 0.5, but of root mean
    /// squares in place of peaks: what is rounded is turned, and no longer has the inputs' peaks.)
    private func balance(_ powers: FloatBuffer, _ kernels: Kernels) -> FloatBuffer {
        let factors = FloatBuffer(count: inputs)
        factors.base.initialize(repeating: 1e-16, count: inputs)
        kernels.table.pointee.squares(weights.base, outputs, inputs, factors.base)
        for index in 0..<inputs {
            factors.base[index] = (factors.base[index] / max(powers.base[index], 1e-10)).squareRoot().squareRoot()
        }
        return factors
    }
}
