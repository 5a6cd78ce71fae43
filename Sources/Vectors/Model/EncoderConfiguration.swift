import Foundation

/// The numbers of an encoder, from `config.json`.
struct EncoderConfiguration: Decodable {
    /// Which encoder's weights and quirks these are.
    enum Family: Sendable {
        case bert
        /// RoBERTa, XLM-RoBERTa and CamemBERT: BERT whose positions begin behind the padding's.
        case roberta
        case mpnet
        case jina
    }

    var modelType: String
    var activation: String
    var positionType: String?
    var feedForward: String?
    var hidden: Int
    var layers: Int
    var heads: Int
    var intermediate: Int
    var positions: Int
    var vocabulary: Int
    var tokenTypes: Int?
    var epsilon: Float
    var padding: Int?
    var relativeBuckets: Int?
    private var code: RemoteCode?

    private enum CodingKeys: String, CodingKey {
        case modelType = "model_type"
        case activation = "hidden_act"
        case positionType = "position_embedding_type"
        case feedForward = "feed_forward_type"
        case hidden = "hidden_size"
        case layers = "num_hidden_layers"
        case heads = "num_attention_heads"
        case intermediate = "intermediate_size"
        case positions = "max_position_embeddings"
        case vocabulary = "vocab_size"
        case tokenTypes = "type_vocab_size"
        case epsilon = "layer_norm_eps"
        case padding = "pad_token_id"
        case relativeBuckets = "relative_attention_num_buckets"
        case code = "auto_map"
    }

    /// Which classes outside of transformers the model was made for.
    private struct RemoteCode: Decodable {
        var model: String?

        private enum CodingKeys: String, CodingKey { case model = "AutoModel" }
    }

    /// nil: none that Almanac runs.
    var family: Family? {
        switch modelType {
        case "bert": positionType == "alibi" ? .jina : .bert
        case "roberta", "xlm-roberta", "camembert": .roberta
        case "mpnet": .mpnet
        default: nil
        }
    }

    /// The row of the position table that a text's first token takes.
    var firstPosition: Int {
        switch family {
        case .roberta: (padding ?? 1) + 1
        // Its code has the padding's id for a constant.
        case .mpnet: 2
        default: 0
        }
    }

    /// The most tokens that one text may have.
    var longestText: Int { positions - firstPosition }

    var headSize: Int { hidden / heads }

    /// Why these numbers cannot be run; nil if they can. Bounds keep every later product far from overflow.
    var problem: String? {
        guard let family else { return "model_type \(modelType)" }
        if let strange = strangeParts(of: family) { return strange }
        if !(16...8192).contains(hidden) || hidden % 16 != 0 { return "hidden_size \(hidden)" }
        if !(1...256).contains(layers) { return "num_hidden_layers \(layers)" }
        if !(1...512).contains(heads) || hidden % heads != 0 || headSize % 16 != 0 {
            return "num_attention_heads \(heads) with hidden_size \(hidden)"
        }
        if !(16...65_536).contains(intermediate) || intermediate % 16 != 0 {
            return "intermediate_size \(intermediate)"
        }
        if !(2...65_536).contains(positions) { return "max_position_embeddings \(positions)" }
        if !(0..<positions).contains(padding ?? 0), family == .roberta { return "pad_token_id \(padding ?? 0)" }
        if longestText < 3 { return "max_position_embeddings \(positions)" }
        if !(1...10_000_000).contains(vocabulary) { return "vocab_size \(vocabulary)" }
        if !(1...1_000).contains(tokenTypes ?? 1) { return "type_vocab_size \(tokenTypes ?? 1)" }
        if !(epsilon > 0 && epsilon < 1) { return "layer_norm_eps \(epsilon)" }
        let buckets = relativeBuckets ?? 32
        // With 512, every distance below 128 would have a bucket of its own, and none were left to grow up to there.
        if !(4..<512).contains(buckets) || buckets % 4 != 0 { return "relative_attention_num_buckets \(buckets)" }
        return nil
    }

    private func strangeParts(of family: Family) -> String? {
        if Activation(rawValue: activation) == nil { return "hidden_act \(activation)" }
        if family != .jina, let positionType, positionType != "absolute" {
            return "position_embedding_type \(positionType)"
        }
        if family == .jina, feedForward != "geglu" { return "feed_forward_type \(feedForward ?? "of none")" }
        // Jina's models for code have other names and norms of queries and keys.
        if let model = code?.model, model.contains("qk-post-norm") { return "the variant \(model)" }
        return nil
    }
}

// MARK: - As an encoder

extension EncoderConfiguration {
    /// What the encoder computes. Only for a configuration without a `problem`.
    ///
    /// - Parameters:
    ///   - file: The weights; some families' biases of attention are read from them.
    ///   - longestText: The most tokens that a text will have.
    /// - Throws: `ModelError` where the file lacks these.
    func shape(_ file: Safetensors, longestText: Int) throws -> EncoderShape {
        var shape = EncoderShape(
            hidden: hidden, layers: layers, heads: heads, intermediate: intermediate, vocabulary: vocabulary,
            positions: positions, firstPosition: firstPosition, tokenTypes: tokenTypes ?? 2, epsilon: epsilon,
            activation: Activation(rawValue: activation) ?? .gelu, longestText: longestText, names: EncoderNames())
        if firstPosition > 0 { shape.paddingID = Int32(firstPosition - 1) }
        switch family {
        case .mpnet:
            shape.names = .mpnet
            shape.tokenTypes = 0
            shape.distanceBias = try relativeBias(file, longestText: longestText)
        case .jina:
            shape.names = .jina
            shape.positions = 0
            shape.feedForward = .gatedFirst
            let slopes = Self.slopes(heads: heads)
            shape.distanceBias = DistanceBias(heads: heads, longestText: longestText) { head, distance in
                -slopes[head] * Float(abs(distance))
            }
        case .bert, .roberta, nil: break
        }
        return shape
    }

    /// MPNet's bias: learnt for each head and each bucket of distances, which grow with the distance (Raffel et al.,
    /// Exploring the Limits of Transfer Learning, 2020; as in transformers' `MPNetEncoder`).
    private func relativeBias(_ file: Safetensors, longestText: Int) throws -> DistanceBias {
        let buckets = relativeBuckets ?? 32
        let name = "encoder.relative_attention_bias.weight"
        let values = try file.floats(file.name(endingIn: name), shape: [buckets, heads])
        return DistanceBias(heads: heads, longestText: longestText) { head, distance in
            values[Self.bucket(of: distance, in: buckets) * heads + head]
        }
    }

    /// Half of the buckets for each direction; of those, half for single distances, the others up to 128 and beyond.
    static func bucket(of distance: Int, in buckets: Int) -> Int {
        let half = buckets / 2
        let exact = half / 2
        let side = distance > 0 ? half : 0
        let length = abs(distance)
        if length < exact { return side + length }
        // In single precision, because the reference computes so.
        let share = log(Float(length) / Float(exact)) / Float(log(128 / Double(exact)))
        return side + min(half - 1, exact + Int(share * Float(half - exact)))
    }

    /// ALiBi's slopes (Press et al., Train Short, Test Long, 2022): a geometric series for a power of two heads, and
    /// for other numbers that of the power below, filled up from every other slope of the next power.
    static func slopes(heads: Int) -> [Float] {
        var power = 1
        while power * 2 <= heads { power *= 2 }
        func series(_ count: Int) -> [Float] { (1...count).map { Float(exp2(-8 * Double($0) / Double(count))) } }
        let more = series(2 * power).enumerated().filter { $0.offset % 2 == 0 }.map(\.element)
        return series(power) + more.prefix(heads - power)
    }
}

extension EncoderNames {
    static var mpnet: EncoderNames {
        var names = EncoderNames()
        names.query = "encoder.layer.#.attention.attn.q"
        names.key = "encoder.layer.#.attention.attn.k"
        names.value = "encoder.layer.#.attention.attn.v"
        names.attention = "encoder.layer.#.attention.attn.o"
        names.attentionNorm = "encoder.layer.#.attention.LayerNorm"
        return names
    }

    /// As in jinaai/jina-bert-implementation.
    static var jina: EncoderNames {
        var names = EncoderNames()
        names.up = "encoder.layer.#.mlp.gated_layers"
        names.upHasBias = false
        names.down = "encoder.layer.#.mlp.wo"
        names.outputNorm = "encoder.layer.#.mlp.layernorm"
        return names
    }
}
