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
    package var dimension: Int { bert.hidden }
    package var layers: Int { bert.layers }
    /// Tokens of one text including `[CLS]` and `[SEP]`.
    package let maxTokens: Int
    let bert: BertConfiguration
    let pooling: Pooling
    /// What is put in front of a text, by `query`, `passage` or `document`.
    let prompts: [String: String]
    let tokenizer: WordPiece
    /// The bytes that define the tokenizer.
    private let vocabulary: [UInt8]
    /// Where `config.json` and the weights are; differs from `path` if the transformer has its own folder.
    private let transformer: String

    var weightsPath: String { transformer + "/model.safetensors" }

    /// - Throws: `ModelError` naming the file and what is wrong with it.
    package init(path: String) throws {
        self.path = path
        let modules = try Self.decode([Module].self, path + "/modules.json")
        let poolingPath = try Self.poolingFolder(modules, in: path)
        let transformer = Self.join(path, modules.first { $0.kind == "Transformer" }?.path ?? "")
        let bert = try Self.bert(transformer + "/config.json")
        pooling = try Self.pooling(Self.join(path, poolingPath) + "/config.json", hidden: bert.hidden)
        let options = try Self.uncasedOptions(transformer)
        maxTokens = try Self.maxTokens(transformer, options, bert)
        prompts = try Self.decodeIfPresent(Settings.self, path + "/config_sentence_transformers.json")?.prompts ?? [:]
        (tokenizer, vocabulary) = try Self.tokenizer(transformer, bert)
        self.bert = bert
        self.transformer = transformer
    }

    /// SHA-256 in hex over everything that decides what vectors come out. Reads the weights once: 0.1 s for 90 MB.
    package func fingerprint() throws -> String {
        var hash = SHA256()
        let prompts = prompts.sorted { $0.key < $1.key }.map { name, prompt in
            "\(name.utf8.count) \(name) \(prompt.utf8.count) \(prompt)"
        }
        let facts = ["bert", "\(bert.heads)", "\(bert.epsilon)", pooling.rawValue, "\(maxTokens)"] + prompts
        hash.update(data: Data(facts.joined(separator: "\n").utf8))
        hash.update(data: Data("\n\(vocabulary.count)\n".utf8))
        hash.update(data: vocabulary)
        guard let file = FileHandle(forReadingAtPath: weightsPath) else { throw ModelError.missing(file: weightsPath) }
        do {
            while let data = try file.read(upToCount: 4 << 20), !data.isEmpty { hash.update(data: data) }
        } catch {
            throw ModelError.malformed(file: weightsPath, reason: "cannot be read: \(error)")
        }
        return hash.finalize().map { byte in
            (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }.joined()
    }
}

// MARK: - The files

extension ModelFolder {
    private struct Module: Decodable {
        var path: String
        var type: String
        /// The class name without its Python module, which has moved between versions.
        var kind: Substring { type.split(separator: ".").last ?? "" }
    }

    struct TokenizerOptions: Decodable {
        var do_lower_case: Bool?
        var strip_accents: Bool?
        var tokenize_chinese_chars: Bool?
        var model_max_length: Double?

        var isUncased: Bool {
            do_lower_case ?? true && strip_accents ?? true && tokenize_chinese_chars ?? true
        }
    }

    private struct Settings: Decodable { var prompts: [String: String]? }

    private struct SentenceLimit: Decodable { var max_seq_length: Int? }

    private struct FastTokenizer: Decodable {
        struct Normalizer: Decodable {
            var type: String
            var lowercase: Bool?
            var strip_accents: Bool?
            var handle_chinese_chars: Bool?
            var clean_text: Bool?
        }

        struct Model: Decodable {
            var type: String?
            var vocab: [String: Int]
        }

        var normalizer: Normalizer?
        var model: Model

        var isUncasedBert: Bool {
            guard model.type ?? "WordPiece" == "WordPiece", let normalizer else { return false }
            return normalizer.type == "BertNormalizer" && normalizer.lowercase ?? true
                && normalizer.strip_accents ?? true && normalizer.handle_chinese_chars ?? true
                && normalizer.clean_text ?? true
        }
    }

    private static func join(_ folder: String, _ name: String) -> String { name.isEmpty ? folder : folder + "/" + name }

    static func uncasedOptions(_ transformer: String) throws -> TokenizerOptions? {
        let path = transformer + "/tokenizer_config.json"
        let options = try decodeIfPresent(TokenizerOptions.self, path)
        if options?.isUncased == false { throw ModelError.unsupported(file: path, reason: "a cased tokenizer") }
        return options
    }

    /// The chain must be Transformer, Pooling and perhaps Normalize: vectors are always scaled to unit length.
    private static func poolingFolder(_ modules: [Module], in path: String) throws -> String {
        for module in modules where !["Transformer", "Pooling", "Normalize"].contains(module.kind) {
            throw ModelError.unsupported(file: path + "/modules.json", reason: "module \(module.type)")
        }
        guard let pooling = modules.first(where: { $0.kind == "Pooling" }) else {
            throw ModelError.unsupported(file: path + "/modules.json", reason: "no Pooling module")
        }
        return pooling.path
    }

    static func bert(_ path: String) throws -> BertConfiguration {
        let bert = try decode(BertConfiguration.self, path)
        if let problem = bert.problem { throw ModelError.unsupported(file: path, reason: problem) }
        return bert
    }

    private static func pooling(_ path: String, hidden: Int) throws -> Pooling {
        let fields = try decode([String: PoolingField].self, path)
        let modes = fields.filter { $0.key.hasPrefix("pooling_mode_") && $0.value.isOn }.map(\.key)
        if let dimension = fields["word_embedding_dimension"]?.number, dimension != hidden {
            throw ModelError.malformed(file: path, reason: "dimension \(dimension), but hidden_size is \(hidden)")
        }
        switch modes {
        case ["pooling_mode_mean_tokens"]: return .mean
        case ["pooling_mode_cls_token"]: return .classToken
        default: throw ModelError.unsupported(file: path, reason: "pooling by \(modes.sorted())")
        }
    }

    /// A switch, a number, or something that does not matter here.
    private struct PoolingField: Decodable {
        var isOn = false
        var number: Int?

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let isOn = try? container.decode(Bool.self) {
                self.isOn = isOn
            } else {
                number = try? container.decode(Int.self)
            }
        }
    }

    static func maxTokens(
        _ transformer: String, _ options: TokenizerOptions?, _ bert: BertConfiguration
    ) throws -> Int {
        let path = transformer + "/sentence_bert_config.json"
        if let limit = try decodeIfPresent(SentenceLimit.self, path)?.max_seq_length {
            guard (3...bert.positions).contains(limit) else {
                throw ModelError.malformed(file: path, reason: "max_seq_length \(limit)")
            }
            return limit
        }
        // Some tokenizers say 1e30 for "no limit".
        guard let limit = options?.model_max_length, limit >= 3, limit < Double(bert.positions) else {
            return bert.positions
        }
        return Int(limit)
    }

    static func tokenizer(
        _ transformer: String, _ bert: BertConfiguration
    ) throws -> (tokenizer: WordPiece, bytes: [UInt8]) {
        let lines = transformer + "/vocab.txt"
        let hasLines = FileManager.default.fileExists(atPath: lines)
        let path = hasLines ? lines : transformer + "/tokenizer.json"
        let bytes = hasLines ? [UInt8](try contents(path)) : try vocabularyLines(path, limit: bert.vocabulary)
        let vocabulary = Vocabulary(lines: bytes)
        guard vocabulary.count <= bert.vocabulary else {
            throw ModelError.malformed(
                file: path, reason: "\(vocabulary.count) tokens, but vocab_size is \(bert.vocabulary)")
        }
        guard let tokenizer = WordPiece(vocabulary) else {
            throw ModelError.malformed(file: path, reason: "lacks [CLS], [SEP] or [UNK]")
        }
        return (tokenizer, bytes)
    }

    /// The vocabulary of a `tokenizer.json`, as `vocab.txt` would have it.
    private static func vocabularyLines(_ path: String, limit: Int) throws -> [UInt8] {
        let file = try decode(FastTokenizer.self, path)
        guard file.isUncasedBert else {
            throw ModelError.unsupported(file: path, reason: "anything but an uncased WordPiece tokenizer")
        }
        var tokens = [String](repeating: "", count: (file.model.vocab.values.max() ?? -1) < limit
            ? file.model.vocab.count : 0)
        for (token, id) in file.model.vocab {
            guard tokens.indices.contains(id) else {
                throw ModelError.malformed(file: path, reason: "id \(id) of \(token) is out of order")
            }
            tokens[id] = token
        }
        return Array((tokens.joined(separator: "\n") + "\n").utf8)
    }

    private static func contents(_ path: String) throws -> Data {
        guard let data = FileManager.default.contents(atPath: path) else { throw ModelError.missing(file: path) }
        return data
    }

    private static func decode<Value: Decodable>(_ type: Value.Type, _ path: String) throws -> Value {
        let data = try contents(path)
        do {
            return try JSONDecoder().decode(type, from: data)
        } catch {
            throw ModelError.malformed(file: path, reason: "not the JSON that it should be: \(error)")
        }
    }

    private static func decodeIfPresent<Value: Decodable>(_ type: Value.Type, _ path: String) throws -> Value? {
        FileManager.default.fileExists(atPath: path) ? try decode(type, path) : nil
    }
}
