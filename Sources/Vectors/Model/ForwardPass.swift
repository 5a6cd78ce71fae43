import CKernels

/// One batch's way through an encoder, and the memory that it takes; for one thread at a time.
///
/// The tokens of all texts are packed into one matrix without padding; linear layers run over tiles of its rows and
/// attention over each text's own rows, so that a text's vector does not depend on what else is in the batch.
final class ForwardPass: Sendable {
    /// Rows that the feed-forward block takes at a time: its widened rows (1536 floats in MiniLM) then stay in the
    /// second-level cache.
    private static let tileRows = 64

    let shape: EncoderShape
    let kernels: Kernels
    /// `[tokens, hidden]`: the state after the last layer that ran.
    let hidden: FloatBuffer
    /// `[tokens, 3 * hidden]`
    private let qkv: FloatBuffer
    /// `[tokens, hidden]`
    private let context: FloatBuffer
    /// `[tileRows, upColumns]`
    private let wide: FloatBuffer
    /// Rows as a product takes them.
    private let factor: FloatBuffer
    private let scratch: FloatBuffer
    private let attentionPrecision: Precision

    /// - Parameter capacity: The most tokens of a batch.
    init(_ shape: EncoderShape, _ kernels: Kernels, _ precision: Precision, capacity: Int) {
        self.shape = shape
        self.kernels = kernels
        // Attention has no bytes; and normalised queries and keys come in float32.
        let isCoarse = precision != .float32 && kernels.table.pointee.has_bfloat16 && shape.names.queryNorm == nil
        attentionPrecision = isCoarse ? .bfloat16 : .float32
        hidden = FloatBuffer(count: capacity * shape.hidden)
        qkv = FloatBuffer(count: capacity * shape.hidden * 3)
        context = FloatBuffer(count: capacity * shape.hidden)
        wide = FloatBuffer(count: Self.tileRows * shape.upColumns)
        let words = kernels.table.pointee.row_words
        // With int8, some matrices are bfloat16.
        func longest(_ size: Int) -> Int { max(words(precision.kernel, size), words(kern_bfloat16, size)) }
        factor = FloatBuffer(
            count: precision == .float32
                ? 0 : max(capacity * longest(shape.hidden), Self.tileRows * longest(shape.intermediate)))
        scratch = FloatBuffer(
            count: kern_attention_scratch(kernels.table, min(capacity, shape.longestText), shape.headSize))
    }

    /// Puts the texts' embeddings into `hidden`.
    ///
    /// - Parameter secondStarts: Where in each text tokens begin to be of type 1; nil: nowhere.
    func embed(_ texts: ArraySlice<[Int32]>, secondStarts: ArraySlice<Int>?, _ weights: EmbeddingWeights) {
        let size = shape.hidden
        var row = hidden.base
        for (ids, second) in zip(texts, secondStarts ?? ArraySlice(texts.map(\.count))) {
            let parts = [(0..<second, 0), (second..<ids.count, 1)]
            for (range, type) in parts where !range.isEmpty {
                for (part, position) in positions(of: ids, in: range) {
                    kernels.table.pointee.embed(
                        Array(ids[part]), part.count, size, weights.words.base,
                        weights.positions.map { $0.base + position * size }, weights.types.map { $0.base + type * size },
                        row + part.lowerBound * size)
                }
            }
            normalise(row, rows: ids.count, weights.norm)
            row += ids.count * size
        }
    }

    /// Parts of a text whose tokens take consecutive rows of the position table, and the first of these.
    private func positions(of ids: [Int32], in range: Range<Int>) -> [(part: Range<Int>, position: Int)] {
        guard let padding = shape.paddingID, ids.contains(padding) else {
            return [(range, shape.firstPosition + range.lowerBound)]
        }
        var position = shape.firstPosition + ids[..<range.lowerBound].count { $0 != padding }
        return range.map { index in
            guard ids[index] != padding else { return (index..<index + 1, shape.firstPosition - 1) }
            defer { position += 1 }
            return (index..<index + 1, position)
        }
    }

    /// Takes `hidden` through a layer.
    ///
    /// - Parameter observer: Is told how large the numbers are on the way.
    func run(_ layer: LayerWeights, _ texts: ArraySlice<[Int32]>, observer: LayerPowers? = nil) {
        let size = shape.hidden
        let total = texts.reduce(0) { $0 + $1.count }
        if let observer { kernels.table.pointee.squares(hidden.base, total, size, observer.qkv.base) }
        apply(layer.qkv, hidden.base, rows: total, to: qkv.base, as: attentionPrecision)
        if let norm = layer.queryNorm { normalise(qkv.base, rows: total, norm, stride: 3 * size) }
        if let norm = layer.keyNorm { normalise(qkv.base + size, rows: total, norm, stride: 3 * size) }
        attend(texts)
        for first in stride(from: 0, to: total, by: Self.tileRows) {
            let rows = min(Self.tileRows, total - first)
            let state = hidden.base + first * size
            apply(layer.attention, context.base + first * size, rows: rows, adding: state, to: state)
            normalise(state, rows: rows, layer.attentionNorm)
            if let observer { kernels.table.pointee.squares(state, rows, size, observer.up.base) }
            widen(state, rows: rows, layer.up)
            apply(layer.down, wide.base, rows: rows, adding: state, to: state)
            normalise(state, rows: rows, layer.outputNorm)
        }
    }

    private func attend(_ texts: ArraySlice<[Int32]>) {
        let size = shape.hidden
        // In 32-bit words, of which bfloat16 has two numbers.
        let width = attentionPrecision == .bfloat16 ? 3 * size / 2 : 3 * size
        var row = 0
        for ids in texts {
            var work = kern_attention(
                precision: attentionPrecision.kernel, qkv: qkv.base + row * width, tokens: ids.count,
                heads: shape.heads, head_size: shape.headSize, bias: shape.distanceBias?.origin,
                bias_stride: shape.distanceBias?.stride ?? 0, output: context.base + row * size,
                scratch: scratch.base)
            kernels.table.pointee.attention(&work)
            row += ids.count
        }
    }

    /// The first half of the feed-forward block, into `wide`.
    private func widen(_ state: UnsafeMutablePointer<Float>, rows: Int, _ layer: LinearWeights) {
        let activation = shape.activation.kernel
        guard let activated = shape.feedForward.activatedHalf else {
            return apply(layer, state, rows: rows, activation: activation, to: wide.base)
        }
        apply(layer, state, rows: rows, to: wide.base)
        var work = kern_gate(
            input: wide.base, rows: rows, size: shape.intermediate, activation: activation, activated: activated,
            output: wide.base)
        kernels.table.pointee.gate(&work)
    }

    private func apply(
        _ layer: LinearWeights, _ input: UnsafeMutablePointer<Float>, rows: Int,
        activation: kern_activation = kern_activation_none, adding residual: UnsafeMutablePointer<Float>? = nil,
        to output: UnsafeMutablePointer<Float>, as outputPrecision: Precision = .float32
    ) {
        if layer.precision != .float32 {
            var work = kern_quantise(
                precision: layer.precision.kernel, rows: input, count: rows, size: layer.inputs,
                factors: layer.factors?.base, output: factor.base)
            kernels.table.pointee.quantise(&work)
        }
        var work = kern_linear(
            precision: layer.precision.kernel, input: layer.precision == .float32 ? input : factor.base, rows: rows,
            weights: layer.weights.base, bias: layer.bias.base, inputs: layer.inputs, outputs: layer.outputs,
            activation: activation, residual: residual, output_precision: outputPrecision.kernel, output: output)
        kernels.table.pointee.linear(&work)
    }

    private func normalise(
        _ rows: UnsafeMutablePointer<Float>, rows count: Int, _ norm: NormWeights, stride: Int? = nil
    ) {
        var work = kern_layer_norm(
            gain: norm.gain.base, shift: norm.shift.base, size: shape.hidden, stride: stride ?? shape.hidden,
            epsilon: shape.epsilon)
        kernels.table.pointee.layer_norm(&work, rows, count)
    }
}
