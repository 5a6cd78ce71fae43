import CKernels

/// What an encoder computes, whatever family its weights come from: its sizes, the few places where families differ,
/// and what its tensors are called.
struct EncoderShape: Sendable {
    /// What a layer's feed-forward block does between its two matrices.
    enum FeedForward: Sendable {
        /// activation(x W)
        case plain
        /// W has twice the columns: activation(first half) * second half.
        case gatedFirst
        /// W has twice the columns: first half * activation(second half).
        case gatedSecond

        var activatedHalf: UInt32? {
            switch self {
            case .plain: nil
            case .gatedFirst: 0
            case .gatedSecond: 1
            }
        }
    }

    var hidden: Int
    var layers: Int
    var heads: Int
    var intermediate: Int
    var vocabulary: Int
    /// Rows of the position table; the longest text has `positions - firstPosition` tokens. 0: there is no table.
    var positions: Int
    /// The row that a text's first token takes: RoBERTa and MPNet leave some out in front.
    var firstPosition = 0
    /// A token that takes the row before the first and is not counted, wherever it stands; nil: there is none.
    var paddingID: Int32?
    /// Rows of the token type table; 0: there is none.
    var tokenTypes: Int
    var epsilon: Float
    var activation: Activation
    var feedForward = FeedForward.plain
    /// The most tokens that one text may have.
    var longestText: Int
    /// Added to the scores of attention, the same in every layer.
    var distanceBias: DistanceBias?
    var names: EncoderNames

    var headSize: Int { hidden / heads }
    /// Columns of the first matrix of the feed-forward block.
    var upColumns: Int { feedForward.activatedHalf == nil ? intermediate : 2 * intermediate }
}

/// The activations that encoders use, by the names of `hidden_act`.
enum Activation: String, Sendable {
    case gelu
    case geluNew = "gelu_new"
    case geluTanh = "gelu_pytorch_tanh"
    case relu
    case silu

    var kernel: kern_activation {
        switch self {
        case .gelu: kern_activation_gelu
        case .geluNew, .geluTanh: kern_activation_gelu_tanh
        case .relu: kern_activation_relu
        case .silu: kern_activation_silu
        }
    }
}

/// A number for each head and each distance between a query and a key: ALiBi's slopes, or MPNet's buckets.
struct DistanceBias: Sendable {
    /// For each head the distances `1 - longestText ... longestText - 1`.
    let values: FloatBuffer
    let longestText: Int

    /// - Parameter value: The bias of a head at a key's position less the query's.
    init(heads: Int, longestText: Int, value: (_ head: Int, _ distance: Int) -> Float) {
        self.longestText = longestText
        values = FloatBuffer(count: heads * (2 * longestText - 1))
        for head in 0..<heads {
            for distance in 1 - longestText..<longestText {
                values.base[head * stride + longestText - 1 + distance] = value(head, distance)
            }
        }
    }

    /// From head to head.
    var stride: Int { 2 * longestText - 1 }
    /// Distance 0 of the first head.
    var origin: UnsafePointer<Float> { UnsafePointer(values.base + longestText - 1) }
}

/// What an encoder's tensors are called in its file, without `.weight` and `.bias`.
///
/// A `#` stands for the layer's number. Whatever the file puts in front of all names ("bert.") is found out.
struct EncoderNames: Sendable {
    var words = "embeddings.word_embeddings"
    var positions = "embeddings.position_embeddings"
    var types = "embeddings.token_type_embeddings"
    var norm = "embeddings.LayerNorm"
    var query = "encoder.layer.#.attention.self.query"
    var key = "encoder.layer.#.attention.self.key"
    var value = "encoder.layer.#.attention.self.value"
    /// Layer normalisation of whole rows of queries and of keys; nil: there is none.
    var queryNorm: String?
    var keyNorm: String?
    var attention = "encoder.layer.#.attention.output.dense"
    var attentionNorm = "encoder.layer.#.attention.output.LayerNorm"
    var up = "encoder.layer.#.intermediate.dense"
    /// Whether the first matrix of the feed-forward block has a bias.
    var upHasBias = true
    var down = "encoder.layer.#.output.dense"
    var outputNorm = "encoder.layer.#.output.LayerNorm"
}
