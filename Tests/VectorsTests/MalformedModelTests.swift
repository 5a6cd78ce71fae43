import Foundation
import Testing

@testable import Vectors

/// Files with some bytes changed, inserted or cut off are read, or refused with a `ModelError`. A crash ends the run.
@Suite("A damaged model")
struct MalformedModelTests {
    private static func damaged(
        _ bytes: [UInt8], within range: Range<Int>, _ random: inout SeededGenerator
    ) -> [UInt8] {
        var bytes = bytes
        let place = Int.random(in: range, using: &random)
        switch Int.random(in: 0..<5, using: &random) {
        case 0: bytes.removeSubrange(place...)
        case 1: bytes.insert(UInt8.random(in: 0...255, using: &random), at: place)
        case 2: bytes[place] = "0123456789-{}[]\",:e.".utf8.randomElement(using: &random) ?? 0
        case 3: bytes.removeSubrange(place..<min(bytes.count, place + Int.random(in: 1...8, using: &random)))
        default: bytes[place] ^= 1 << UInt8.random(in: 0...7, using: &random)
        }
        return bytes
    }

    private static func original(_ family: String, _ name: String) throws -> [UInt8] {
        [UInt8](try Reference.fixture("\(family)/\(name)"))
    }

    /// Runs `body` with a folder that has nothing but the file.
    private func with(_ name: String, _ bytes: [UInt8], _ body: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: folder) }
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try Data(bytes).write(to: folder.appending(path: name))
        do {
            try body(folder.path)
        } catch is ModelError {
            // What it should be.
        }
    }

    /// Loads the encoder and computes a text with it.
    private func run(_ configuration: EncoderConfiguration, _ weights: String) throws {
        let file = try Safetensors(path: weights)
        let shape = try configuration.shape(file, longestText: min(32, configuration.longestText))
        let encoder = try Encoder(file, shape, pooling: .mean, capacity: 32, kernels: .best)
        #expect(encoder.encode([[0, 1, 2]])[0].count == shape.hidden)
    }

    @Test("is refused for its weights, or has others", arguments: FamilyTests.families)
    func weights(_ family: String) throws {
        var random = SeededGenerator(11)
        let configuration = try ModelFiles(path: FamilyTests.folder(family)).configuration()
        let original = try Self.original(family, "model.safetensors")
        let header = 8 + Int(original[0]) + Int(original[1]) << 8
        for round in 0..<300 {
            // Mostly the header: any other byte is some float.
            let bytes = Self.damaged(original, within: 0..<(round % 8 == 0 ? original.count : header), &random)
            try with("model.safetensors", bytes) { try run(configuration, $0 + "/model.safetensors") }
        }
    }

    @Test("is refused for its configuration, or can run", arguments: FamilyTests.families)
    func configuration(_ family: String) throws {
        var random = SeededGenerator(12)
        let weights = try FamilyTests.folder(family) + "/model.safetensors"
        let original = try Self.original(family, "config.json")
        for _ in 0..<300 {
            let bytes = Self.damaged(original, within: 0..<original.count, &random)
            try with("config.json", bytes) { try run(ModelFiles(path: $0).configuration(), weights) }
        }
    }

    @Test("is refused for its tokenizer, or cuts text", arguments: FamilyTests.families)
    func tokenizer(_ family: String) throws {
        var random = SeededGenerator(13)
        let original = try Self.original(family, "tokenizer.json")
        let text = "Größe <mask> [SEP] ﬁ\u{301} 房租 can't 👩‍👩‍👧"
        for _ in 0..<60 {
            let bytes = Self.damaged(original, within: 0..<original.count, &random)
            do {
                let tokenizer = try TokenizerFile(bytes, path: "tokenizer.json", limit: 1_000).tokenizer()
                #expect(tokenizer.ids(of: text[...]).allSatisfy { tokenizer.vocabulary.contains(Int($0)) })
            } catch is ModelError {
                // What it should be.
            }
        }
    }

    @Test("is refused for its character map, or normalises text")
    func characterMap() throws {
        var random = SeededGenerator(14)
        let file = try JSONTree(parsing: Self.original("xlm-roberta", "tokenizer.json"))
        let encoded = try #require(file["normalizer"]?["precompiled_charsmap"]?.text)
        let original = [UInt8](try #require(Data(base64Encoded: encoded)))
        let text = Array("Größe ﬁ\u{301} ｆｕｌｌ ㎏ \r\n e\u{301}\u{302} Ⅳ".utf8)
        for _ in 0..<2_000 {
            guard let map = CharacterMap(Self.damaged(original, within: 0..<original.count, &random)) else { continue }
            let normalised = text.withUnsafeBufferPointer(map.normalise)
            #expect(normalised.withUnsafeBufferPointer { String(validating: $0, as: UTF8.self) } != nil)
        }
    }

    @Test("is refused for weights that are no numbers", arguments: ["F32", "F16", "BF16"])
    func numbers(_ type: String) throws {
        let values: [String: [UInt8]] = [
            "F32": [0, 0, 0xC0, 0x7F], "F16": [0, 0x7C], "BF16": [0x80, 0xFF],
        ]
        let value = try #require(values[type])
        let header = #"{"a":{"dtype":"\#(type)","shape":[1],"data_offsets":[0,\#(value.count)]}}"#
        let size = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Array($0) }
        try with("w", size + Array(header.utf8) + value) { folder in
            let file = try Safetensors(path: folder + "/w")
            #expect(throws: ModelError.self) { try file.floats("a", shape: [1]) }
        }
    }

    @Test("is refused where the JSON is none", arguments: [
        "", "{", "[1,]", "{\"a\":1,}", "{\"a\" 1}", "tru", "01x", "\"\u{1}\"", #""\ud800""#, #""\ud800\u0041""#,
        #""\q""#, "1 2", "1e999", "+1", String(repeating: "[", count: 100_000),
    ])
    func json(_ text: String) {
        #expect(throws: JSONTree.Malformed.self) { try JSONTree(parsing: Array(text.utf8)) }
    }

    @Test("keeps keys apart that only look the same")
    func keys() throws {
        let text = "{\"\u{E9}\":1,\"e\u{301}\":2,\"\\ud83d\\ude42\":[true,null,-1.5e1]}"
        let tree = try JSONTree(parsing: Array(text.utf8))
        #expect(tree.members?.map { $0.name.count } == [2, 3, 4])
        #expect(tree.members?[2].value.array?[2].double == -15)
    }
}
