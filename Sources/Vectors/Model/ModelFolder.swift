import Crypto
import Foundation

/// How the tokens' vectors become one.
enum Pooling: String {
    case mean
    case classToken = "cls"
}

/// A sentence-transformers model folder: everything read and checked except the weights' values.
///
/// Cheap enough to describe a model to its owner. The truncation and padding in `tokenizer.json` are ignored, as
/// sentence-transformers does: the published MiniLM carries 128 there, and 256 is right.
package struct ModelFolder {
    package let path: String
    /// Of the vectors.
    package var dimension: Int { modules.dense.last?.outputs ?? configuration.hidden }
    package var layers: Int { configuration.layers }
    /// Tokens of one text including the special ones around it.
    package let maxTokens: Int
    let configuration: EncoderConfiguration
    let pooling: Pooling
    /// What is put in front of a text, by `query`, `passage` or `document`.
    let prompts: [String: String]
    let tokenizer: Tokenizer
    /// The bytes that define the tokenizer.
    private let vocabulary: [UInt8]
    private let modules: ModuleChain

    var weightsPath: String { modules.transformer + "/model.safetensors" }

    /// - Throws: `ModelError` naming the file and what is wrong with it.
    package init(path: String) throws {
        self.path = path
        modules = try ModuleChain(path: path)
        let files = ModelFiles(path: modules.transformer)
        configuration = try files.configuration()
        pooling = try modules.pooling(hidden: configuration.hidden)
        try modules.checkSizes(hidden: configuration.hidden)
        maxTokens = try files.maxTokens(configuration)
        prompts = try Prompts.read(path)
        (tokenizer, vocabulary) = try files.tokenizer(configuration)
    }

    /// The layers that pooled vectors go through.
    func projections() throws -> [Dense] { try modules.dense.map { try $0.load() } }

    /// SHA-256 in hex over everything that decides what vectors come out. Reads the weights once: 0.1 s for 90 MB.
    package func fingerprint() throws -> String {
        var hash = SHA256()
        let prompts = prompts.sorted { $0.key < $1.key }.map { name, prompt in
            "\(name.utf8.count) \(name) \(prompt.utf8.count) \(prompt)"
        }
        let facts = [
            configuration.modelType, "\(configuration.heads)", "\(configuration.epsilon)", pooling.rawValue,
            "\(maxTokens)",
        ]
        hash.update(data: Data((facts + configuration.unusualFacts + modules.dense.map(\.fact) + prompts).joined(separator: "\n").utf8))
        hash.update(data: Data("\n\(vocabulary.count)\n".utf8))
        hash.update(data: vocabulary)
        for path in [weightsPath] + modules.dense.map(\.weightsPath) {
            let file = try ModelFile(path: path)
            try file.forEachBlock(of: 0..<file.size) { hash.update(bufferPointer: $0) }
        }
        return hash.finalize().map { byte in
            (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }.joined()
    }
}

extension EncoderConfiguration {
    /// What decides vectors beside the weights and does not have BERT's usual value.
    fileprivate var unusualFacts: [String] {
        (activation == "gelu" ? [] : ["activation \(activation)"])
            + (positionType ?? "absolute" == "absolute" ? [] : ["positions \(positionType ?? "")"])
            + (firstPosition == 0 ? [] : ["first position \(firstPosition)"])
    }
}
