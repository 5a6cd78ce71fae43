import Foundation

/// The files of a transformer as `transformers` saves it: configuration, tokenizer, lengths.
struct ModelFiles {
    let path: String

    /// No file but the weights is read that is larger. The largest published `tokenizer.json` has 33 MB.
    private static let maxBytes = 256 << 20

    // MARK: - Reading

    func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path + "/" + name) }

    func contents(_ name: String) throws -> Data {
        let path = path + "/" + name
        guard let file = FileHandle(forReadingAtPath: path) else { throw ModelError.missing(file: path) }
        do {
            let data = try file.read(upToCount: Self.maxBytes + 1) ?? Data()
            if data.count <= Self.maxBytes { return data }
        } catch {
            throw ModelError.missing(file: path)
        }
        throw ModelError.malformed(file: path, reason: "larger than \(Self.maxBytes >> 20) MiB")
    }

    func decode<Value: Decodable>(_ type: Value.Type, _ name: String) throws -> Value {
        let data = try contents(name)
        do {
            return try JSONDecoder().decode(type, from: data)
        } catch {
            throw ModelError.malformed(file: path + "/" + name, reason: "not the JSON that it should be: \(error)")
        }
    }

    func decodeIfPresent<Value: Decodable>(_ type: Value.Type, _ name: String) throws -> Value? {
        exists(name) ? try decode(type, name) : nil
    }

    // MARK: - What they say

    func configuration() throws -> EncoderConfiguration {
        let configuration = try decode(EncoderConfiguration.self, "config.json")
        if let problem = configuration.problem {
            throw ModelError.unsupported(file: path + "/config.json", reason: problem)
        }
        return configuration
    }

    private struct SentenceOptions: Decodable {
        var max_seq_length: Int?
        var do_lower_case: Bool?
    }

    private struct TokenizerOptions: Decodable {
        var do_lower_case: Bool?
        var strip_accents: Bool?
        var tokenize_chinese_chars: Bool?
        var model_max_length: Double?

        var rules: WordRules {
            let lowercases = do_lower_case ?? true
            return WordRules(
                lowercases: lowercases, stripsAccents: strip_accents ?? lowercases,
                isolatesIdeographs: tokenize_chinese_chars ?? true)
        }
    }

    /// The most tokens of a text: what sentence-transformers was told, or the tokenizer, or what the model can take.
    func maxTokens(_ configuration: EncoderConfiguration) throws -> Int {
        let name = "sentence_bert_config.json"
        if let limit = try decodeIfPresent(SentenceOptions.self, name)?.max_seq_length {
            guard (3...configuration.longestText).contains(limit) else {
                throw ModelError.malformed(file: path + "/" + name, reason: "max_seq_length \(limit)")
            }
            return limit
        }
        let options = try decodeIfPresent(TokenizerOptions.self, "tokenizer_config.json")
        // Some tokenizers say 1e30 for "no limit".
        guard let limit = options?.model_max_length, limit >= 3, limit < Double(configuration.longestText) else {
            return configuration.longestText
        }
        return Int(limit)
    }

    /// The tokenizer of `tokenizer.json`, or else of `vocab.txt`, and the bytes that define it.
    func tokenizer(_ configuration: EncoderConfiguration) throws -> (tokenizer: Tokenizer, definition: [UInt8]) {
        let lowercases = try decodeIfPresent(SentenceOptions.self, "sentence_bert_config.json")?.do_lower_case ?? false
        let name = "tokenizer.json"
        guard exists(name) else { return try wordPiece(configuration, lowercases: lowercases) }
        let bytes = [UInt8](try contents(name))
        let file = try TokenizerFile(
            bytes, path: path + "/" + name, limit: configuration.vocabulary, lowercases: lowercases)
        return (try file.tokenizer(), try file.uncasedLines() ?? (lowercases ? Array("lower-case\n".utf8) : []) + bytes)
    }

    private func wordPiece(
        _ configuration: EncoderConfiguration, lowercases: Bool
    ) throws -> (tokenizer: Tokenizer, definition: [UInt8]) {
        var rules = try decodeIfPresent(TokenizerOptions.self, "tokenizer_config.json")?.rules ?? WordRules()
        if lowercases { rules.lowercases = true }
        let file = path + "/vocab.txt"
        let lines = [UInt8](try contents("vocab.txt"))
        let tokens = Vocabulary.tokens(inLines: lines)
        let vocabulary = Vocabulary(tokens)
        guard vocabulary.count <= configuration.vocabulary else {
            throw ModelError.malformed(
                file: file, reason: "\(vocabulary.count) tokens, but vocab_size is \(configuration.vocabulary)")
        }
        guard let frame = Tokenizer.Frame(vocabulary.id), let unknownID = vocabulary.id(of: "[UNK]") else {
            throw ModelError.malformed(file: file, reason: "lacks [CLS], [SEP] or [UNK]")
        }
        let specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "<s>", "<pad>", "</s>", "<mask>"]
        let added = specials.compactMap { literal in
            vocabulary.id(of: literal).map {
                AddedTokens.Token(literal: Array(literal.utf8), id: $0, takesSpaceBefore: literal == "<mask>")
            }
        }
        let tokenizer = Tokenizer(
            WordPiece(vocabulary, unknownID: unknownID, rules: rules), frame: frame, added: AddedTokens(added),
            count: vocabulary.count, pieces: PieceTable(tokens, .continuations))
        let definition = rules == WordRules() ? lines : Array("\(rules)\n".utf8) + lines
        return (tokenizer, definition)
    }
}
