import Foundation

/// Reads `tokenizer.json`, the file of Hugging Face's `tokenizers`, as far as encoders' tokenizers need it.
///
/// Its `truncation` and `padding` are ignored, as sentence-transformers does. Whatever would give other ids than the
/// reference and is not implemented is refused by name.
struct TokenizerFile {
    let path: String
    private let root: JSONTree
    /// Ids are below.
    private let limit: Int
    private let lowercases: Bool

    /// - Parameters:
    ///   - bytes: The file's.
    ///   - limit: How many tokens the model has vectors for.
    ///   - lowercases: Whether text is made lower-case whatever the file says.
    /// - Throws: `ModelError` where it is not JSON.
    init(_ bytes: [UInt8], path: String, limit: Int, lowercases: Bool = false) throws {
        self.path = path
        self.limit = limit
        self.lowercases = lowercases
        do {
            root = try JSONTree(parsing: bytes)
        } catch {
            throw ModelError.malformed(file: path, reason: error.reason)
        }
    }

    /// - Throws: `ModelError`.
    func tokenizer() throws -> Tokenizer {
        switch root["model"]?["type"]?.text ?? "WordPiece" {
        case "WordPiece": try wordPiece()
        case "Unigram": try unigram()
        case "BPE": try bytePairs()
        case let type: throw unsupported("a tokenizer of type \(type)")
        }
    }

    // MARK: - Models

    /// The vocabulary of an uncased WordPiece tokenizer as `vocab.txt` would have it; nil for every other tokenizer.
    func uncasedLines() throws -> [UInt8]? {
        let isWordPiece = root["model"]?["type"]?.text ?? "WordPiece" == "WordPiece"
        guard isWordPiece, try wordRules() == WordRules() else { return nil }
        return Array(try tokensByID().joined(separator: [0x0A])) + [0x0A]
    }

    private func wordPiece() throws -> Tokenizer {
        let model = root["model"]
        if let prefix = model?["continuing_subword_prefix"]?.text, prefix != "##" {
            throw unsupported("continuing_subword_prefix \(prefix)")
        }
        if let longest = model?["max_input_chars_per_word"]?.int, longest != WordScanner.maxScalars {
            throw unsupported("max_input_chars_per_word \(longest)")
        }
        if let type = root["pre_tokenizer"]?["type"]?.text, type != "BertPreTokenizer" {
            throw unsupported("pre_tokenizer \(type) with a WordPiece vocabulary")
        }
        let tokens = try tokensByID()
        let unknown = model?["unk_token"]?.bytes ?? Array("[UNK]".utf8)
        guard let unknownID = tokens.lastIndex(of: unknown) else { throw malformed("lacks its unk_token") }
        var cutter = WordPiece(Vocabulary(tokens), unknownID: Int32(unknownID), rules: try wordRules())
        let (raw, normalised) = try addedTokens(cutter.normalised)
        cutter.specials = normalised
        return try tokenizer(cutter, PieceTable(tokens, .continuations), tokens, raw)
    }

    private func unigram() throws -> Tokenizer {
        guard let entries = root["model"]?["vocab"]?.array else { throw malformed("has no vocabulary") }
        guard entries.count <= limit else { throw tooMany(entries.count) }
        let tokens = try entries.map { entry in
            guard let pair = entry.array, pair.count == 2, let bytes = pair[0].bytes, let score = pair[1].double else {
                throw malformed("an entry of the vocabulary is not a token and a score")
            }
            return (bytes: bytes, score: score)
        }
        guard let unknownID = root["model"]?["unk_id"]?.int, tokens.indices.contains(unknownID) else {
            throw malformed("unk_id is not in the vocabulary")
        }
        let model = Unigram(
            tokens, unknownID: unknownID, fallsBackToBytes: root["model"]?["byte_fallback"]?.bool ?? false)
        let normalizer = try normalizer()
        let (raw, normalised) = try addedTokens(normalizer.callAsFunction)
        var cutter = try metaspace(model)
        cutter.normalizer = normalizer
        cutter.specials = normalised
        let pieces = tokens.map(\.bytes)
        return try tokenizer(cutter, PieceTable(pieces, .marks), pieces, raw)
    }

    private func bytePairs() throws -> Tokenizer {
        let model = root["model"]
        for affix in [model?["continuing_subword_prefix"], model?["end_of_word_suffix"]] {
            if let text = affix?.text, !text.isEmpty {
                throw unsupported("a BPE vocabulary with \(text) at its tokens")
            }
        }
        let settings = try byteLevelSettings()
        let tokens = try tokensByID()
        let ids = Dictionary(zip(tokens, 0...).filter { !$0.0.isEmpty }.map { ($0.0, Int32($0.1)) }) { $1 }
        let byteIDs = ByteAlphabet.characters.map { ids[$0] ?? -1 }
        let merges = try (model?["merges"]?.array ?? []).map { merge in
            guard let (left, right) = Self.pair(merge), let first = ids[left], let second = ids[right],
                let result = ids[left + right]
            else { throw malformed("a merge is not of tokens") }
            return BytePairs.Merge(left: first, right: second, result: result)
        }
        var cutter = BytePairs(byteIDs: byteIDs, merges: merges)
        cutter.addsPrefixSpace = settings["add_prefix_space"]?.bool ?? true
        cutter.cutsWords = settings["use_regex"]?.bool ?? true
        cutter.unknownID = model?["unk_token"]?.bytes.flatMap { ids[$0] }
        cutter.fusesUnknown = model?["fuse_unk"]?.bool ?? false
        if model?["ignore_merges"]?.bool == true {
            cutter.words = Dictionary(ids.map { (ByteAlphabet.bytes(of: $0), $1) }) { $1 }
        }
        cutter.normalizer = try normalizer()
        let (raw, normalised) = try addedTokens(cutter.normalizer.callAsFunction)
        cutter.specials = normalised
        return try tokenizer(cutter, PieceTable(tokens, .bytes), tokens, raw)
    }

    /// `"a b"` in older files, `["a", "b"]` in newer ones.
    private static func pair(_ merge: JSONTree) -> (left: [UInt8], right: [UInt8])? {
        if let parts = merge.array, parts.count == 2, let left = parts[0].bytes, let right = parts[1].bytes {
            return (left, right)
        }
        guard let parts = merge.bytes?.split(separator: 0x20), parts.count == 2 else { return nil }
        return (Array(parts[0]), Array(parts[1]))
    }

    /// The tokens of a vocabulary that is an object, at the places of their ids; empty where an id is free.
    private func tokensByID() throws -> [[UInt8]] {
        guard let members = root["model"]?["vocab"]?.members else { throw malformed("has no vocabulary") }
        guard members.count <= limit else { throw tooMany(members.count) }
        var tokens: [[UInt8]] = Array(repeating: [], count: members.count)
        for (token, value) in members {
            guard let id = value.int, (0..<limit).contains(id) else {
                throw malformed("the id of \(String(decoding: token, as: UTF8.self)) is not below \(limit)")
            }
            while tokens.count <= id { tokens.append([]) }
            tokens[id] = token
        }
        return tokens
    }

    // MARK: - What surrounds them

    private func tokenizer(
        _ cutter: any TextCutter, _ pieces: PieceTable, _ tokens: [[UInt8]], _ added: [AddedTokens.Token]
    ) throws -> Tokenizer {
        let count = max(tokens.count, Int(allAdded().map(\.id).max() ?? -1) + 1)
        guard count <= limit else { throw tooMany(count) }
        let frame = try FrameReader(root: root, tokens: tokens, path: path).frame()
        for id in [frame.classID, frame.separatorID] where !(0..<count).contains(Int(id)) {
            throw malformed("the post_processor's id \(id) is not in the vocabulary")
        }
        return Tokenizer(cutter, frame: frame, added: AddedTokens(added), count: count, pieces: pieces)
    }

    private func wordRules() throws -> WordRules {
        guard let normalizer = root["normalizer"], normalizer["type"]?.text == "BertNormalizer" else {
            throw unsupported("normalizer \(root["normalizer"]?["type"]?.text ?? "null") with a WordPiece vocabulary")
        }
        if normalizer["clean_text"]?.bool == false { throw unsupported("clean_text false") }
        let lowercases = normalizer["lowercase"]?.bool ?? true
        return WordRules(
            lowercases: lowercases || self.lowercases, stripsAccents: normalizer["strip_accents"]?.bool ?? lowercases,
            isolatesIdeographs: normalizer["handle_chinese_chars"]?.bool ?? true)
    }

    private func normalizer() throws -> TextNormalizer {
        TextNormalizer(steps: (lowercases ? [.lowercase] : []) + (try normalizerSteps(root["normalizer"])))
    }

    private func metaspace(_ model: Unigram) throws -> Metaspace {
        let whole = root["pre_tokenizer"]
        let chain = whole?["type"]?.text == "Sequence" ? whole?["pretokenizers"]?.array ?? [] : [whole ?? .null]
        let splits = chain.first?["type"]?.text == "WhitespaceSplit"
        guard chain.count == (splits ? 2 : 1), let last = chain.last, last["type"]?.text == "Metaspace",
            last["replacement"]?.text ?? "▁" == "▁"
        else {
            throw unsupported("pre_tokenizer \(chain.map { $0["type"]?.text ?? "null" }) with a Unigram vocabulary")
        }
        let old: Metaspace.Prefix = last["add_prefix_space"]?.bool ?? true ? .always : .never
        let scheme = last["prepend_scheme"]?.text
        guard let prefix = scheme.map({ Metaspace.Prefix(rawValue: $0) }) ?? old else {
            throw unsupported("prepend_scheme \(scheme ?? "")")
        }
        return Metaspace(
            splitsAtWhitespace: splits, prefix: prefix, cutsBeforeMarks: last["split"]?.bool ?? true, model: model)
    }

    private func byteLevelSettings() throws -> JSONTree {
        let whole = root["pre_tokenizer"]
        let chain = whole?["type"]?.text == "Sequence" ? whole?["pretokenizers"]?.array ?? [] : [whole ?? .null]
        guard chain.count == 1, chain[0]["type"]?.text == "ByteLevel" else {
            throw unsupported("pre_tokenizer \(chain.map { $0["type"]?.text ?? "null" }) with a BPE vocabulary")
        }
        return chain[0]
    }

    private func normalizerSteps(_ value: JSONTree?) throws -> [TextNormalizer.Step] {
        guard let value, !value.isNull else { return [] }
        switch value["type"]?.text {
        case "Sequence": return try (value["normalizers"]?.array ?? []).flatMap(normalizerSteps)
        case "Precompiled":
            guard let text = value["precompiled_charsmap"]?.text, let blob = Data(base64Encoded: text),
                let map = CharacterMap(Array(blob))
            else { throw malformed("its precompiled_charsmap is none") }
            return [.map(map)]
        case "Strip":
            return [.strip(left: value["strip_left"]?.bool ?? true, right: value["strip_right"]?.bool ?? true)]
        case "Replace": return [try replacement(value)]
        case "Prepend": return [.prepend(value["prepend"]?.bytes ?? [])]
        case "Lowercase": return [.lowercase]
        case "NFC": return [.composed]
        case "NFD": return [.decomposed]
        case "NFKC": return [.compatiblyComposed]
        case "NFKD": return [.compatiblyDecomposed]
        case let type: throw unsupported("normalizer \(type ?? "null")")
        }
    }

    /// A string, or a pattern such as ` {2,}` of one character and how often it must be there at least.
    private func replacement(_ value: JSONTree) throws -> TextNormalizer.Step {
        guard let content = value["content"]?.bytes else { throw malformed("a Replace without content") }
        if let literal = value["pattern"]?["String"]?.bytes, !literal.isEmpty {
            return .replace(literal, least: nil, with: content)
        }
        let pattern = value["pattern"]?["Regex"]?.text ?? ""
        let parts = pattern.wholeMatch(of: /([^\\\[\](){}.*+?^$|])(?:\{(\d{1,3}),\}|(\+))/)
        guard let parts, let least = parts.3 != nil ? 1 : parts.2.flatMap({ Int($0) }), least > 0 else {
            throw unsupported("a Replace of the pattern \(pattern)")
        }
        return .replace(Array(parts.1.utf8), least: least, with: content)
    }

    private func allAdded() -> [(token: AddedTokens.Token, isNormalised: Bool, id: Int)] {
        (root["added_tokens"]?.array ?? []).compactMap { entry in
            guard let literal = entry["content"]?.bytes, let id = entry["id"]?.int, let small = Int32(exactly: id)
            else { return nil }
            let token = AddedTokens.Token(
                literal: literal, id: small, takesSpaceBefore: entry["lstrip"]?.bool ?? false,
                takesSpaceBehind: entry["rstrip"]?.bool ?? false, isWholeWord: entry["single_word"]?.bool ?? false)
            return (token, entry["normalized"]?.bool ?? true, id)
        }
    }

    /// The tokens to look for in the raw text, and those to look for in the normalised one.
    private func addedTokens(
        _ normalise: (UnsafeBufferPointer<UInt8>) -> [UInt8]
    ) throws -> (raw: [AddedTokens.Token], normalised: AddedTokens) {
        let all = allAdded()
        for (token, _, id) in all where !(0..<limit).contains(id) {
            throw malformed("the id of \(String(decoding: token.literal, as: UTF8.self)) is not below \(limit)")
        }
        let normalised = all.filter(\.isNormalised).map { entry in
            var token = entry.token
            token.literal = token.literal.withUnsafeBufferPointer(normalise)
            return token
        }
        return (all.filter { !$0.isNormalised }.map(\.token), AddedTokens(normalised))
    }

    // MARK: - Errors

    private func malformed(_ reason: String) -> ModelError { .malformed(file: path, reason: reason) }
    private func unsupported(_ reason: String) -> ModelError { .unsupported(file: path, reason: reason) }
    private func tooMany(_ count: Int) -> ModelError {
        malformed("\(count) tokens, but vocab_size is \(limit)")
    }
}

/// Reads which ids go around a text.
private struct FrameReader {
    let root: JSONTree
    let tokens: [[UInt8]]
    let path: String

    func frame() throws -> Tokenizer.Frame { try frame(root["post_processor"]) }

    private func frame(_ processor: JSONTree?) throws -> Tokenizer.Frame {
        guard let processor, !processor.isNull else { return try frameByNames() }
        switch processor["type"]?.text {
        case "TemplateProcessing": return try template(processor)
        case "BertProcessing": return try fixed(processor, separatorsBetween: 1, secondType: 1)
        case "RobertaProcessing": return try fixed(processor, separatorsBetween: 2, secondType: 0)
        case "Sequence":
            // ByteLevel changes offsets only.
            let others = (processor["processors"]?.array ?? []).filter { $0["type"]?.text != "ByteLevel" }
            if others.count == 1 { return try frame(others[0]) }
        case "ByteLevel": return try frameByNames()
        default: break
        }
        throw ModelError.unsupported(file: path, reason: "post_processor \(processor["type"]?.text ?? "null")")
    }

    private func fixed(_ processor: JSONTree, separatorsBetween: Int, secondType: Int) throws -> Tokenizer.Frame {
        guard let first = processor["cls"]?.array?.last?.int.flatMap(Int32.init(exactly:)),
            let last = processor["sep"]?.array?.last?.int.flatMap(Int32.init(exactly:))
        else { throw ModelError.malformed(file: path, reason: "its post_processor lacks cls or sep") }
        return Tokenizer.Frame(
            classID: first, separatorID: last, separatorsBetween: separatorsBetween, secondType: secondType)
    }

    /// One token before and one behind a text; between the texts of a pair the one behind, once or twice.
    private func template(_ processor: JSONTree) throws -> Tokenizer.Frame {
        let single = try (processor["single"]?.array ?? []).map { try piece($0, processor) }
        guard single.count == 3, let first = single[0].id, single[1].id == nil, let last = single[2].id else {
            throw ModelError.unsupported(file: path, reason: "a template of other than one token before and one behind")
        }
        var frame = Tokenizer.Frame(classID: first, separatorID: last)
        let pair = try (processor["pair"]?.array ?? []).map { try piece($0, processor) }
        let between = pair.count - 4
        let separators = Array(repeating: Optional(last), count: min(max(between, 1), 2))
        frame.takesPairs = pair.map(\.id) == [first, nil] + separators + [nil, last]
        guard frame.takesPairs else { return frame }
        frame.separatorsBetween = between
        frame.secondType = pair[between + 2].type
        frame.takesPairs = (0...1).contains(frame.secondType)
        return frame
    }

    /// The id of a special token, or nil for the text.
    private func piece(_ part: JSONTree, _ processor: JSONTree) throws -> (id: Int32?, type: Int) {
        if let text = part["Sequence"] { return (nil, text["type_id"]?.int ?? 0) }
        let name = part["SpecialToken"]?["id"]?.bytes
        let special = processor["special_tokens"]?.members?.last { $0.name == name }?.value
        guard let ids = special?["ids"]?.array, ids.count == 1, let id = ids[0].int.flatMap(Int32.init(exactly:)) else {
            throw ModelError.malformed(file: path, reason: "its template names a token that it does not have")
        }
        return (id, part["SpecialToken"]?["type_id"]?.int ?? 0)
    }

    private func frameByNames() throws -> Tokenizer.Frame {
        let named = Tokenizer.Frame { name in tokens.lastIndex(of: Array(name.utf8)).map { Int32($0) } }
        guard let frame = named else {
            throw ModelError.malformed(file: path, reason: "lacks [CLS] and [SEP], and <s> and </s>")
        }
        return frame
    }
}

extension Tokenizer.Frame {
    /// BERT's, or RoBERTa's, by the names of their tokens.
    init?(_ id: (String) -> Int32?) {
        if let first = id("[CLS]"), let last = id("[SEP]") {
            self.init(classID: first, separatorID: last)
        } else if let first = id("<s>"), let last = id("</s>") {
            self.init(classID: first, separatorID: last, separatorsBetween: 2, secondType: 0)
        } else {
            return nil
        }
    }
}

/// The printable characters that GPT-2's vocabulary writes bytes as.
enum ByteAlphabet {
    private static let scalars: [UInt32] = {
        var next: UInt32 = 0x100
        return (UInt32(0)..<256).map { byte in
            switch byte {
            case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: return byte
            default:
                defer { next += 1 }
                return next
            }
        }
    }()

    /// In UTF-8, for every byte.
    static let characters: [[UInt8]] = scalars.map { scalar in
        var bytes: [UInt8] = []
        UTF8Bytes.append(scalar, to: &bytes)
        return bytes
    }

    private static let byteOfScalar = Dictionary(uniqueKeysWithValues: zip(scalars, UInt8(0)...))

    /// The bytes that a token stands for; characters outside of the alphabet stand for nothing.
    static func bytes(of token: [UInt8]) -> [UInt8] {
        String(decoding: token, as: UTF8.self).unicodeScalars.compactMap { byteOfScalar[$0.value] }
    }
}
