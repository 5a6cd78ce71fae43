import Foundation

/// The modules that a text goes through, from `modules.json`: Transformer, Pooling, any number of Dense, and perhaps
/// Normalize, which is always done.
struct ModuleChain {
    /// A Dense module's folder, described by its `config.json`.
    struct DenseFolder {
        fileprivate var path: String
        fileprivate var inputs: Int
        var outputs: Int
        fileprivate var hasBias: Bool
        fileprivate var activation: Dense.Activation

        var weightsPath: String { path + "/model.safetensors" }
        /// What decides vectors beside the weights.
        var fact: String { "dense \(activation.rawValue) \(hasBias)" }

        func load() throws -> Dense {
            try Dense(
                Safetensors(path: weightsPath), "linear", inputs: inputs, outputs: outputs, hasBias: hasBias,
                activation: activation)
        }
    }

    /// Where `config.json` and the weights are; differs from the model's folder if the transformer has its own.
    let transformer: String
    let dense: [DenseFolder]
    private let poolingFolder: String

    private struct Module: Decodable {
        var path: String
        var type: String
        /// The class name without its Python module, which has moved between versions.
        var kind: Substring { type.split(separator: ".").last ?? "" }
    }

    /// - Throws: `ModelError`.
    init(path: String) throws {
        let file = path + "/modules.json"
        let modules = try ModelFiles(path: path).decode([Module].self, "modules.json")
        for module in modules {
            if !["Transformer", "Pooling", "Dense", "Normalize"].contains(module.kind) {
                throw ModelError.unsupported(file: file, reason: "module \(module.type)")
            }
            if module.path.split(separator: "/").contains("..") || module.path.contains("\0") {
                throw ModelError.malformed(file: file, reason: "a module outside of the folder: \(module.path)")
            }
        }
        let kinds = modules.map { String($0.kind) }
        let count = kinds.count { $0 == "Dense" }
        let chain = ["Transformer", "Pooling"] + Array(repeating: "Dense", count: count)
        guard count <= 8, kinds == chain || kinds == chain + ["Normalize"] else {
            throw ModelError.unsupported(file: file, reason: "a chain of \(kinds)")
        }
        func folder(_ module: Module) -> String { module.path.isEmpty ? path : path + "/" + module.path }
        transformer = folder(modules[0])
        poolingFolder = folder(modules[1])
        dense = try modules.filter { $0.kind == "Dense" }.map { try Self.dense(folder($0)) }
    }

    /// Checks that each module's vectors fit into the next.
    func checkSizes(hidden: Int) throws {
        var size = hidden
        for dense in dense {
            guard dense.inputs == size else {
                throw ModelError.malformed(
                    file: dense.path + "/config.json", reason: "in_features \(dense.inputs), but vectors have \(size)")
            }
            size = dense.outputs
        }
    }

    // MARK: - Dense

    private struct DenseOptions: Decodable {
        var in_features: Int
        var out_features: Int
        var bias: Bool?
        var activation_function: String?
        var use_residual: Bool?
        var module_input_name: String?
        var module_output_name: String?
    }

    private static func dense(_ path: String) throws -> DenseFolder {
        let file = path + "/config.json"
        let options = try ModelFiles(path: path).decode(DenseOptions.self, "config.json")
        for (name, value) in [("in_features", options.in_features), ("out_features", options.out_features)]
        where !(1...65_536).contains(value) {
            throw ModelError.malformed(file: file, reason: "\(name) \(value)")
        }
        let function = options.activation_function ?? "Tanh"
        guard let activation = Dense.Activation(rawValue: String(function.split(separator: ".").last ?? "")) else {
            throw ModelError.unsupported(file: file, reason: "activation_function \(function)")
        }
        let usual = "sentence_embedding"
        if options.use_residual ?? false || options.module_input_name ?? usual != usual
            || options.module_output_name ?? usual != usual {
            throw ModelError.unsupported(file: file, reason: "a Dense module other than from vector to vector")
        }
        return DenseFolder(
            path: path, inputs: options.in_features, outputs: options.out_features, hasBias: options.bias ?? true,
            activation: activation)
    }

    // MARK: - Pooling

    /// `pooling_mode` in new files, one switch for each mode in older ones.
    func pooling(hidden: Int) throws -> Pooling {
        let path = poolingFolder + "/config.json"
        let fields = try ModelFiles(path: poolingFolder).decode([String: Field].self, "config.json")
        for name in ["word_embedding_dimension", "embedding_dimension"] {
            if let dimension = fields[name]?.number, dimension != hidden {
                throw ModelError.malformed(file: path, reason: "dimension \(dimension), but hidden_size is \(hidden)")
            }
        }
        if fields["include_prompt"]?.isOff == true {
            throw ModelError.unsupported(file: path, reason: "pooling without the prompt's tokens")
        }
        let switches = fields.filter { $0.key.hasPrefix("pooling_mode_") && $0.value.isOn }.map(\.key)
        switch fields["pooling_mode"]?.text.map({ [$0] }) ?? switches {
        case ["mean"], ["pooling_mode_mean_tokens"]: return .mean
        case ["cls"], ["pooling_mode_cls_token"]: return .classToken
        case let modes: throw ModelError.unsupported(file: path, reason: "pooling by \(modes.sorted())")
        }
    }

    /// A switch, a number, a word, or something that does not matter here.
    private struct Field: Decodable {
        var isOn = false
        var isOff = false
        var number: Int?
        var text: String?

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let isOn = try? container.decode(Bool.self) {
                self.isOn = isOn
                isOff = !isOn
            } else if let number = try? container.decode(Int.self) {
                self.number = number
            } else {
                text = try? container.decode(String.self)
            }
        }
    }
}
