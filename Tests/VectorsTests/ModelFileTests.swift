import Foundation
import Testing

@testable import Vectors

@Suite("A model file")
struct ModelFileTests {
    /// Writes a file for the length of `body`.
    private func withFile<Result>(_ bytes: [UInt8], _ body: (String) throws -> Result) throws -> Result {
        let url = FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString).safetensors")
        try Data(bytes).write(to: url)
        defer { try? FileManager.default.removeItem(at: url) }
        return try body(url.path)
    }

    private static func file(_ header: String, _ data: [UInt8] = []) -> [UInt8] {
        withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Array($0) } + Array(header.utf8) + data
    }

    @Test("is read as floats, whichever of three types it holds")
    func reads() throws {
        let header = """
            {"__metadata__":{"shape":"none"},"a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},
            "b":{"dtype":"F16","shape":[4],"data_offsets":[8,16]},
            "c":{"dtype":"BF16","shape":[2],"data_offsets":[16,20]},
            "d":{"dtype":"I64","shape":[],"data_offsets":[20,28]}}
            """
        let floats: [UInt8] = [0x00, 0x00, 0xC0, 0x3F, 0x00, 0x00, 0x00, 0xC0]
        let halves: [UInt8] = [0x00, 0x3E, 0x00, 0xC0, 0x01, 0x00, 0xFF, 0x7B]
        let brains: [UInt8] = [0xC0, 0x3F, 0x00, 0xC0]
        try withFile(Self.file(header, floats + halves + brains + Array(repeating: 0, count: 8))) { path in
            let file = try Safetensors(path: path)
            var four = [Float](repeating: 0, count: 4)
            try file.read("a", shape: [1, 2], into: &four)
            #expect(four.prefix(2) == [1.5, -2])
            try file.read("b", shape: [4], into: &four)
            #expect(four == [1.5, -2, 0x1p-24, 65_504])
            try file.read("c", shape: [2], into: &four)
            #expect(four.prefix(2) == [1.5, -2])
            #expect(throws: ModelError.self) { try file.read("a", shape: [2, 1], into: &four) }
            #expect(throws: ModelError.self) { try file.read("d", shape: [], into: &four) }
            #expect(throws: ModelError.self) { try file.read("e", shape: [1], into: &four) }
        }
    }

    @Test("is refused, with a reason, when it cannot be what it says", arguments: [
        ("nothing", []),
        ("half a prefix", [1, 0, 0]),
        ("a header beyond the end", [200, 0, 0, 0, 0, 0, 0, 0, 0x7B]),
        ("a header of 2^63 bytes", [0, 0, 0, 0, 0, 0, 0, 0x80, 0x7B]),
        ("no JSON", file("{\"a\":")),
        ("an array", file("[]")),
        ("a tensor without a type", file(#"{"a":{"shape":[1],"data_offsets":[0,4]}}"#, [0, 0, 0, 0])),
        ("an unknown type", file(#"{"a":{"dtype":"X9","shape":[1],"data_offsets":[0,4]}}"#, [0, 0, 0, 0])),
        ("data cut short", file(#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, [0, 0, 0, 0])),
        ("bytes behind the end", file(#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, [0, 0, 0, 0, 0])),
        ("a shape of another size", file(#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#, [0, 0, 0, 0])),
        ("a negative shape", file(#"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#, [0, 0, 0, 0])),
        ("a shape that overflows", file(#"{"a":{"dtype":"U8","shape":[4611686018427387904,4],"data_offsets":[0,0]}}"#)),
        ("a shape beyond integers", file(#"{"a":{"dtype":"U8","shape":[99999999999999999999],"data_offsets":[0,0]}}"#)),
        ("backward offsets", file(#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#, [0, 0, 0, 0])),
        ("negative offsets", file(#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}"#, [0, 0, 0, 0])),
        ("three offsets", file(#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,4]}}"#, [0, 0, 0, 0])),
        (
            "overlapping tensors",
            file(
                #"{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"#
                    + #""b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}"#, [0, 0, 0])
        ),
        ("a hole", file(#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#, [0, 0, 0, 0, 0, 0, 0, 0])),
        ("endless nesting", file(String(repeating: "[", count: 100_000))),
    ] as [(String, [UInt8])])
    func refuses(_ what: String, _ bytes: [UInt8]) throws {
        try withFile(bytes) { path in
            let error = #expect(throws: ModelError.self) { _ = try Safetensors(path: path) }
            guard case .malformed(let file, let reason)? = error else {
                Issue.record("\(what): \(String(describing: error))")
                return
            }
            #expect(file == path)
            #expect(!reason.isEmpty)
        }
    }

    @Test("is missed by name")
    func isMissed() {
        #expect(throws: ModelError.missing(file: "/nowhere/modules.json")) { _ = try ModelFolder(path: "/nowhere") }
        #expect(throws: ModelError.missing(file: "/nowhere/x")) { _ = try Safetensors(path: "/nowhere/x") }
    }
}

@Suite("A model folder")
struct ModelFolderTests {
    private static let files = [
        "modules.json": """
            [{"path":"","type":"sentence_transformers.models.Transformer"},
            {"path":"1_Pooling","type":"sentence_transformers.models.Pooling"},
            {"path":"2_Normalize","type":"sentence_transformers.models.Normalize"}]
            """,
        "config.json": """
            {"model_type":"bert","hidden_act":"gelu","hidden_size":16,"num_hidden_layers":1,"num_attention_heads":1,
            "intermediate_size":32,"max_position_embeddings":20,"vocab_size":8,"type_vocab_size":2,
            "layer_norm_eps":1e-12}
            """,
        "1_Pooling/config.json": """
            {"word_embedding_dimension":16,"pooling_mode_mean_tokens":true,"pooling_mode_cls_token":false}
            """,
        "sentence_bert_config.json": #"{"max_seq_length":12}"#,
        "vocab.txt": "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n##b\n",
    ]

    private func open(replacing changes: [String: String] = [:], without missing: [String] = []) throws -> ModelFolder {
        let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: folder) }
        try FileManager.default.createDirectory(
            at: folder.appending(path: "1_Pooling"), withIntermediateDirectories: true)
        for (name, text) in Self.files.merging(changes, uniquingKeysWith: { $1 }) where !missing.contains(name) {
            try Data(text.utf8).write(to: folder.appending(path: name))
        }
        return try ModelFolder(path: folder.path)
    }

    @Test("tells what its model is")
    func describes() throws {
        let folder = try open()
        #expect(folder.dimension == 16)
        #expect(folder.maxTokens == 12)
        #expect(folder.pooling == .mean)
        #expect(folder.tokenizer.ids(of: "ab") == [5, 6])
    }

    @Test("may leave out what has a default, and have its vocabulary in tokenizer.json")
    func defaults() throws {
        let tokenizer = """
            {"truncation":{"max_length":5},"normalizer":{"type":"BertNormalizer","lowercase":true,"strip_accents":null},
            "model":{"type":"WordPiece","vocab":{"[UNK]":1,"[PAD]":0,"[CLS]":2,"[SEP]":3,"[MASK]":4,"a":5,"##b":6}}}
            """
        let folder = try open(
            replacing: ["tokenizer.json": tokenizer, "tokenizer_config.json": #"{"model_max_length":1e30}"#],
            without: ["sentence_bert_config.json", "vocab.txt"])
        #expect(folder.maxTokens == 20)
        #expect(folder.tokenizer.ids(of: "ab") == [5, 6])
    }

    @Test("is refused for what Almanac does not run", arguments: [
        ("modules.json", #"[{"path":"2_Dense","type":"sentence_transformers.models.Dense"}]"#),
        ("modules.json", #"[{"path":"0","type":"sentence_transformers.models.WordEmbeddings"}]"#),
        ("modules.json", chain(pooling: "../../1_Pooling")),
        ("modules.json", chain(pooling: "0")),
        ("modules.json", chain(pooling: String(repeating: "1_Pooling/../", count: 3))),
        ("modules.json", "[]"),
        ("modules.json", "{"),
        ("config.json", #"{"model_type":"roberta"}"#),
        ("config.json", config(with: #""mish""#, insteadOf: #""gelu""#)),
        ("config.json", config(with: #""gelu","position_embedding_type":"relative_key""#, insteadOf: #""gelu""#)),
        ("config.json", config(with: #""gelu","position_embedding_type":"alibi""#, insteadOf: #""gelu""#)),
        ("config.json", config(with: #""hidden_size":20"#, insteadOf: #""hidden_size":16"#)),
        ("config.json", config(with: #""hidden_size":-16"#, insteadOf: #""hidden_size":16"#)),
        ("config.json", config(with: #"_heads":0"#, insteadOf: #"_heads":1"#)),
        ("config.json", config(with: #""vocab_size":6"#, insteadOf: #""vocab_size":8"#)),
        ("config.json", config(with: "0", insteadOf: "1e-12")),
        ("1_Pooling/config.json", #"{"pooling_mode_max_tokens":true}"#),
        ("1_Pooling/config.json", #"{"pooling_mode_mean_tokens":true,"pooling_mode_cls_token":true}"#),
        ("1_Pooling/config.json", #"{"word_embedding_dimension":8,"pooling_mode_mean_tokens":true}"#),
        ("sentence_bert_config.json", #"{"max_seq_length":21}"#),
        ("sentence_bert_config.json", #"{"max_seq_length":-1}"#),
        ("tokenizer_config.json", #"{"do_lower_case":"no"}"#),
        ("vocab.txt", "[PAD]\n[UNK]\n"),
        ("vocab.txt", ""),
    ] as [(String, String)])
    func refuses(_ name: String, _ text: String) {
        #expect(throws: ModelError.self) { _ = try open(replacing: [name: text]) }
    }

    private static func chain(pooling: String) -> String {
        """
        [{"path":"","type":"sentence_transformers.models.Transformer"},
        {"path":"\(pooling)","type":"sentence_transformers.models.Pooling"}]
        """
    }

    private static func config(with new: String, insteadOf old: String) -> String {
        (files["config.json"] ?? "").replacing(old, with: new)
    }
}
