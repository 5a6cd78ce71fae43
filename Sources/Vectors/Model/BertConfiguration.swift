import FoundationEssentials

/// The numbers of a BERT encoder, from `config.json`.
struct BertConfiguration: Decodable {
    var modelType: String
    var activation: String
    var positionType: String?
    var hidden: Int
    var layers: Int
    var heads: Int
    var intermediate: Int
    var positions: Int
    var vocabulary: Int
    var tokenTypes: Int
    var epsilon: Float

    var headSize: Int { hidden / heads }

    private enum CodingKeys: String, CodingKey {
        case modelType = "model_type"
        case activation = "hidden_act"
        case positionType = "position_embedding_type"
        case hidden = "hidden_size"
        case layers = "num_hidden_layers"
        case heads = "num_attention_heads"
        case intermediate = "intermediate_size"
        case positions = "max_position_embeddings"
        case vocabulary = "vocab_size"
        case tokenTypes = "type_vocab_size"
        case epsilon = "layer_norm_eps"
    }

    /// Why these numbers cannot be run; nil if they can. Bounds keep every later product far from overflow.
    var problem: String? {
        if modelType != "bert" { return "model_type \(modelType)" }
        if activation != "gelu" { return "hidden_act \(activation)" }
        if let positionType, positionType != "absolute" { return "position_embedding_type \(positionType)" }
        if !(16...8192).contains(hidden) || hidden % 16 != 0 { return "hidden_size \(hidden)" }
        if !(1...256).contains(layers) { return "num_hidden_layers \(layers)" }
        if !(1...512).contains(heads) || hidden % heads != 0 || headSize % 16 != 0 {
            return "num_attention_heads \(heads) with hidden_size \(hidden)"
        }
        if !(16...65_536).contains(intermediate) || intermediate % 16 != 0 {
            return "intermediate_size \(intermediate)"
        }
        if !(2...65_536).contains(positions) { return "max_position_embeddings \(positions)" }
        if !(1...10_000_000).contains(vocabulary) { return "vocab_size \(vocabulary)" }
        if !(1...1_000).contains(tokenTypes) { return "type_vocab_size \(tokenTypes)" }
        if !(epsilon > 0 && epsilon < 1) { return "layer_norm_eps \(epsilon)" }
        return nil
    }
}

extension BertConfiguration {
    /// BERT as an encoder. Only for a configuration without a `problem`.
    var shape: EncoderShape {
        EncoderShape(
            hidden: hidden, layers: layers, heads: heads, intermediate: intermediate, vocabulary: vocabulary,
            positions: positions, tokenTypes: tokenTypes, epsilon: epsilon,
            activation: Activation(rawValue: activation) ?? .gelu, longestText: positions, names: EncoderNames())
    }
}
