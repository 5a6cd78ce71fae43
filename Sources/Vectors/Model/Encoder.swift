import CKernels
import Synchronization

/// A transformer encoder with pooling: token ids to unit vectors, as sentence-transformers computes them.
///
/// The tokens of all texts of a batch are packed into one matrix without padding; linear layers run over tiles of its
/// rows and attention over each text's own rows, so that a text's vector does not depend on what else is in the batch.
final class Encoder: Sendable {
    /// Rows that the feed-forward block takes at a time: its widened rows (1536 floats in MiniLM) then stay in the
    /// second-level cache.
    private static let tileRows = 64

    let kernels: Kernels
    /// The most tokens of one batch.
    let capacity: Int
    private let shape: EncoderShape
    private let pooling: Pooling
    /// What pooled vectors go through before they are scaled to unit length.
    private let projections: [Dense]
    private let weights: EncoderWeights
    private let workspaces = Mutex<[Workspace]>([])

    /// - Parameter capacity: The most tokens of one batch, at least as many as the longest text has.
    /// - Throws: `ModelError` where the weights are not what the configuration says.
    convenience init(_ folder: ModelFolder, capacity: Int, kernels: Kernels = .best) throws {
        let file = try Safetensors(path: folder.weightsPath)
        try self.init(
            file, folder.configuration.shape(file, longestText: folder.maxTokens), pooling: folder.pooling,
            projections: folder.projections(), capacity: capacity, kernels: kernels)
    }

    init(
        _ file: Safetensors, _ shape: EncoderShape, pooling: Pooling, projections: [Dense] = [], capacity: Int,
        kernels: Kernels
    ) throws {
        self.kernels = kernels
        self.capacity = capacity
        self.shape = shape
        self.pooling = pooling
        self.projections = projections
        weights = try EncoderWeights(file, shape, kernels)
    }

    /// Embeds texts given as ids with special tokens. Computes on the calling thread.
    ///
    /// - Parameter texts: None empty, ids within the vocabulary, at most `capacity` ids together, none longer than the
    ///   model's positions.
    func encode(_ texts: ArraySlice<[Int32]>) -> [[Float]] {
        withHiddenStates(of: texts) { pool(texts, $0) }
    }

    /// The last hidden state of each text's first token, `[CLS]`, as it is.
    ///
    /// - Parameters:
    ///   - texts: As for `encode`.
    ///   - secondStarts: Where in each text the second of a pair begins: from there on tokens are of type 1.
    func classStates(of texts: ArraySlice<[Int32]>, secondStarts: ArraySlice<Int>) -> [[Float]] {
        withHiddenStates(of: texts, secondStarts: secondStarts) { workspace in
            var row = workspace.hidden.base
            return texts.map { ids in
                defer { row += ids.count * shape.hidden }
                return Array(UnsafeBufferPointer(start: row, count: shape.hidden))
            }
        }
    }

    private func withHiddenStates<Result>(
        of texts: ArraySlice<[Int32]>, secondStarts: ArraySlice<Int>? = nil, _ body: (Workspace) -> Result
    ) -> Result {
        let workspace = workspaces.withLock { $0.popLast() } ?? Workspace(self)
        defer { workspaces.withLock { $0.append(workspace) } }
        embed(texts, secondStarts ?? ArraySlice(texts.map(\.count)), workspace)
        let total = texts.reduce(0) { $0 + $1.count }
        for layer in weights.layers { run(layer, texts, total: total, workspace) }
        return body(workspace)
    }

    // MARK: - The forward pass

    private func embed(_ texts: ArraySlice<[Int32]>, _ secondStarts: ArraySlice<Int>, _ workspace: Workspace) {
        let hidden = shape.hidden
        var row = workspace.hidden.base
        for (ids, second) in zip(texts, secondStarts) {
            let parts = [(0..<second, 0), (second..<ids.count, 1)]
            for (range, type) in parts where !range.isEmpty {
                for (part, position) in positions(of: ids, in: range) {
                    kernels.table.pointee.embed(
                        Array(ids[part]), part.count, hidden, weights.words.base,
                        weights.positions.map { $0.base + position * hidden },
                        weights.types.map { $0.base + type * hidden }, row + part.lowerBound * hidden)
                }
            }
            normalise(row, rows: ids.count, weights.norm)
            row += ids.count * hidden
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

    private func run(_ layer: LayerWeights, _ texts: ArraySlice<[Int32]>, total: Int, _ workspace: Workspace) {
        let hidden = shape.hidden
        apply(layer.qkv, workspace.hidden.base, rows: total, to: workspace.qkv.base)
        if let norm = layer.queryNorm { normalise(workspace.qkv.base, rows: total, norm, stride: 3 * hidden) }
        if let norm = layer.keyNorm { normalise(workspace.qkv.base + hidden, rows: total, norm, stride: 3 * hidden) }
        attend(texts, workspace)
        for first in stride(from: 0, to: total, by: Self.tileRows) {
            let rows = min(Self.tileRows, total - first)
            let state = workspace.hidden.base + first * hidden
            apply(layer.attention, workspace.context.base + first * hidden, rows: rows, adding: state, to: state)
            normalise(state, rows: rows, layer.attentionNorm)
            widen(state, rows: rows, layer.up, to: workspace.wide.base)
            apply(layer.down, workspace.wide.base, rows: rows, adding: state, to: state)
            normalise(state, rows: rows, layer.outputNorm)
        }
    }

    private func attend(_ texts: ArraySlice<[Int32]>, _ workspace: Workspace) {
        var row = 0
        for ids in texts {
            var work = kern_attention(
                qkv: workspace.qkv.base + row * 3 * shape.hidden, tokens: ids.count, heads: shape.heads,
                head_size: shape.headSize, bias: shape.distanceBias?.origin,
                bias_stride: shape.distanceBias?.stride ?? 0, output: workspace.context.base + row * shape.hidden,
                scratch: workspace.scratch.base)
            kernels.table.pointee.attention(&work)
            row += ids.count
        }
    }

    /// The first half of the feed-forward block: what goes into its second matrix.
    private func widen(
        _ state: UnsafeMutablePointer<Float>, rows: Int, _ layer: LinearWeights, to wide: UnsafeMutablePointer<Float>
    ) {
        let activation = shape.activation.kernel
        guard let activated = shape.feedForward.activatedHalf else {
            return apply(layer, state, rows: rows, activation: activation, to: wide)
        }
        apply(layer, state, rows: rows, to: wide)
        var work = kern_gate(
            input: wide, rows: rows, size: shape.intermediate, activation: activation, activated: activated,
            output: wide)
        kernels.table.pointee.gate(&work)
    }

    private func apply(
        _ layer: LinearWeights, _ input: UnsafeMutablePointer<Float>, rows: Int,
        activation: kern_activation = kern_activation_none, adding residual: UnsafeMutablePointer<Float>? = nil,
        to output: UnsafeMutablePointer<Float>
    ) {
        var work = kern_linear(
            input: input, input_stride: layer.inputs, rows: rows, weights: layer.weights.base, bias: layer.bias.base,
            inputs: layer.inputs, outputs: layer.outputs, activation: activation, residual: residual, output: output,
            output_stride: layer.outputs)
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

    private func pool(_ texts: ArraySlice<[Int32]>, _ workspace: Workspace) -> [[Float]] {
        let hidden = shape.hidden
        var row = workspace.hidden.base
        return texts.map { ids in
            defer { row += ids.count * hidden }
            let rows = pooling == .mean ? ids.count : 1
            if !projections.isEmpty { return project(row, rows: rows) }
            return [Float](unsafeUninitializedCapacity: hidden) { vector, count in
                guard let base = vector.baseAddress else { return }
                kernels.table.pointee.mean_unit(row, rows, hidden, base)
                count = hidden
            }
        }
    }

    /// The mean of the rows through the projections, scaled to unit length.
    private func project(_ row: UnsafeMutablePointer<Float>, rows: Int) -> [Float] {
        let mean = (0..<shape.hidden).map { column in
            (0..<rows).reduce(Float(0)) { $0 + row[$1 * shape.hidden + column] } / Float(rows)
        }
        let vector = projections.reduce(mean) { $1($0) }
        let length = vector.reduce(Float(0)) { $0 + $1 * $1 }.squareRoot()
        return length > 0 ? vector.map { $0 / length } : vector
    }

    /// What one batch at a time computes in; kept for the next.
    private final class Workspace: Sendable {
        /// `[tokens, hidden]`
        let hidden: FloatBuffer
        /// `[tokens, 3 * hidden]`
        let qkv: FloatBuffer
        /// `[tokens, hidden]`
        let context: FloatBuffer
        /// `[tileRows, upColumns]`
        let wide: FloatBuffer
        let scratch: FloatBuffer

        init(_ encoder: Encoder) {
            let shape = encoder.shape
            hidden = FloatBuffer(count: encoder.capacity * shape.hidden)
            qkv = FloatBuffer(count: encoder.capacity * shape.hidden * 3)
            context = FloatBuffer(count: encoder.capacity * shape.hidden)
            wide = FloatBuffer(count: Encoder.tileRows * shape.upColumns)
            scratch = FloatBuffer(
                count: kern_attention_scratch(
                    encoder.kernels.table, min(encoder.capacity, shape.longestText), shape.headSize))
        }
    }
}
