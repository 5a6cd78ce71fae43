import CKernels

/// How large the numbers are that go into a layer's queries, keys and values, and into its feed-forward block: of each,
/// the sum of its squares over all tokens.
struct LayerPowers {
    let qkv: FloatBuffer
    let up: FloatBuffer

    /// All zero.
    init(hidden: Int) {
        qkv = FloatBuffer(count: hidden)
        up = FloatBuffer(count: hidden)
        for buffer in [qkv, up] { buffer.base.initialize(repeating: 0, count: hidden) }
    }
}

/// Sample texts on their way through the layers in float32, while those are loaded.
final class Calibration {
    private let samples: [[Int32]]
    private let pass: ForwardPass
    private let total: Int

    init?(_ samples: [[Int32]], _ shape: EncoderShape, _ kernels: Kernels, _ embeddings: EmbeddingWeights) {
        if samples.isEmpty { return nil }
        self.samples = samples
        total = samples.reduce(0) { $0 + $1.count }
        pass = ForwardPass(shape, kernels, .float32, capacity: total)
        pass.embed(samples[...], secondStarts: nil, embeddings)
    }

    /// What the next layer sees. To be called for every layer in order.
    func powers(of layer: PlainLayer) -> LayerPowers {
        let powers = LayerPowers(hidden: pass.shape.hidden)
        pass.run(layer.packed(pass.kernels, .float32), samples[...], observer: powers)
        return powers
    }

    /// Enough of everything that texts are made of to see which numbers of a hidden state are large: plain prose, a
    /// list, code, other scripts, and the empty text, which is all special tokens.
    static let texts = [
        "",
        "The tenant shall pay the rent monthly in advance, at the latest by the third working day of each month.",
        "Revenue grew 12.5 % to $4,310 million in 2023; see table 7 and note (b).",
        "Die Kündigungsfrist beträgt drei Monate. Änderungen bedürfen der Schriftform (§ 126 BGB).",
        "for (int i = 0; i < n; i++) { sum += a[i] * b[i]; }",
        "Москва является столицей России. 東京は日本の首都です。 القاهرة عاصمة مصر",
        "what is the capital of france?",
        "yes",
    ]
}
