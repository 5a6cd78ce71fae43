import CKernels
import Synchronization

/// A transformer encoder with pooling: token ids to unit vectors, as sentence-transformers computes them.
///
/// A text's vector does not depend on what else is in its batch.
final class Encoder: Sendable {
    let kernels: Kernels
    let precision: Precision
    /// The most tokens of one batch.
    let capacity: Int
    private let shape: EncoderShape
    private let pooling: Pooling
    /// What pooled vectors go through before they are scaled to unit length.
    private let projections: [Dense]
    private let weights: EncoderWeights
    /// What batches compute in; kept for the next.
    private let idle = Mutex<[ForwardPass]>([])

    /// - Parameters:
    ///   - capacity: The most tokens of one batch, at least as many as the longest text has.
    ///   - precision: nil: the fastest on this machine whose vectors are as good as float32's.
    /// - Throws: `ModelError` where the weights are not what the configuration says.
    convenience init(
        _ folder: ModelFolder, capacity: Int, kernels: Kernels = .best, precision: Precision? = nil
    ) throws {
        let tokenizer = folder.tokenizer
        let samples = Calibration.texts.map { text in
            [tokenizer.classID] + tokenizer.ids(of: text[...], limit: folder.maxTokens - 2) + [tokenizer.separatorID]
        }
        let file = try Safetensors(path: folder.weightsPath)
        try self.init(
            file, folder.configuration.shape(file, longestText: folder.maxTokens), pooling: folder.pooling,
            projections: folder.projections(), capacity: capacity, kernels: kernels,
            precision: precision ?? kernels.bestPrecision, samples: samples)
    }

    /// - Parameter samples: Ordinary texts as ids; without them int8 is less exact.
    init(
        _ file: Safetensors, _ shape: EncoderShape, pooling: Pooling, projections: [Dense] = [], capacity: Int,
        kernels: Kernels, precision: Precision = .float32, samples: [[Int32]] = []
    ) throws {
        self.kernels = kernels
        self.precision = precision
        self.capacity = capacity
        self.shape = shape
        self.pooling = pooling
        self.projections = projections
        weights = try EncoderWeights(file, shape, kernels, precision, samples: samples)
    }

    /// Embeds texts given as ids with special tokens. Computes on the calling thread.
    ///
    /// - Parameter texts: None empty, ids within the vocabulary, at most `capacity` ids together, none longer than the
    ///   model's positions.
    func encode(_ texts: ArraySlice<[Int32]>) -> [[Float]] {
        withHiddenStates(of: texts, secondStarts: nil) { pool(texts, $0) }
    }

    /// The last hidden state of each text's first token, `[CLS]`, as it is.
    ///
    /// - Parameters:
    ///   - texts: As for `encode`.
    ///   - secondStarts: Where in each text the second of a pair begins: from there on tokens are of type 1.
    func classStates(of texts: ArraySlice<[Int32]>, secondStarts: ArraySlice<Int>) -> [[Float]] {
        withHiddenStates(of: texts, secondStarts: secondStarts) { states in
            var row = states
            return texts.map { ids in
                defer { row += ids.count * shape.hidden }
                return Array(UnsafeBufferPointer(start: row, count: shape.hidden))
            }
        }
    }

    private func withHiddenStates<Result>(
        of texts: ArraySlice<[Int32]>, secondStarts: ArraySlice<Int>?, _ body: (UnsafePointer<Float>) -> Result
    ) -> Result {
        let pass = idle.withLock { $0.popLast() } ?? ForwardPass(shape, kernels, precision, capacity: capacity)
        defer { idle.withLock { $0.append(pass) } }
        pass.embed(texts, secondStarts: secondStarts, weights.embeddings)
        for layer in weights.layers { pass.run(layer, texts) }
        return body(pass.hidden.base)
    }

    private func pool(_ texts: ArraySlice<[Int32]>, _ states: UnsafePointer<Float>) -> [[Float]] {
        let hidden = shape.hidden
        var row = states
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
    private func project(_ row: UnsafePointer<Float>, rows: Int) -> [Float] {
        let mean = (0..<shape.hidden).map { column in
            (0..<rows).reduce(Float(0)) { $0 + row[$1 * shape.hidden + column] } / Float(rows)
        }
        let vector = projections.reduce(mean) { $1($0) }
        let length = vector.reduce(Float(0)) { $0 + $1 * $1 }.squareRoot()
        return length > 0 ? vector.map { $0 / length } : vector
    }
}
