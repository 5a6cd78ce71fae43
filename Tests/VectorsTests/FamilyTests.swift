import Foundation
import Knowledge
import Testing

@testable import Vectors

/// Tiny models of every family, made by Scripts/make-test-models.py with what the reference libraries make of them.
@Suite("A model of every family")
struct FamilyTests {
    static let families = ["bert-cased", "bert-unigram", "mpnet", "xlm-roberta", "jina"]

    struct Expected: Decodable {
        var text: String
        var ids: [Int32]
        var vector: [Float]
    }

    static func folder(_ family: String) throws -> String {
        try #require(Bundle.module.url(forResource: "Fixtures", withExtension: nil)).appending(path: family).path
    }

    static func expected(_ family: String) throws -> [Expected] {
        try Reference.fixture("\(family)/expected.jsonl").split(separator: UInt8(ascii: "\n")).map {
            try JSONDecoder().decode(Expected.self, from: Data($0))
        }
    }

    @Test("cuts text in every script into the reference's ids", arguments: families)
    func cuts(_ family: String) throws {
        let folder = try ModelFolder(path: Self.folder(family))
        let tokenizer = folder.tokenizer
        for expected in try Self.expected(family) {
            let ids = tokenizer.ids(of: expected.text[...], limit: folder.maxTokens - 2)
            #expect([tokenizer.classID] + ids + [tokenizer.separatorID] == expected.ids, "\(expected.text.prefix(60))")
            #expect(tokenizer.count(expected.text[...]) >= ids.count)
        }
    }

    @Test("gives the reference's vectors with every instruction set", arguments: families, Kernels.all.map(\.name))
    func embeds(_ family: String, _ kernel: String) throws {
        let folder = try ModelFolder(path: Self.folder(family))
        let kernels = try #require(Kernels.all.first { $0.name == kernel })
        let encoder = try Encoder(folder, capacity: folder.maxTokens, kernels: kernels, precision: .float32)
        for expected in try Self.expected(family) {
            let vector = encoder.encode([expected.ids])[0]
            #expect(vector.count == folder.dimension)
            #expect(cosine(vector, expected.vector) >= 0.999_99, "\(expected.text.prefix(60))")
        }
    }

    @Test("stays near the reference in the precision that is chosen for it", arguments: families)
    func staysNear(_ family: String) throws {
        let folder = try ModelFolder(path: Self.folder(family))
        let encoder = try Encoder(folder, capacity: folder.maxTokens)
        for expected in try Self.expected(family) {
            let near = cosine(encoder.encode([expected.ids])[0], expected.vector)
            #expect(near >= 0.99, "\(expected.text.prefix(60))")
        }
    }

    @Test("puts the model's prompts in front of queries and passages")
    func prompts() async throws {
        let embedder = try LocalEmbedder(folder: Self.folder("bert-cased"), name: "tiny", threads: 1, precision: .float32)
        let expected = try Self.expected("bert-cased")
        let query = try #require(expected.first { $0.text == "Frage: Wie lange ist die Frist?" })
        let passage = try #require(expected.first { $0.text == "Text: Die Frist ist lang." })
        let asked = try await embedder.embed([.text("Wie lange ist die Frist?")], as: .query, priority: .urgent)
        let told = try await embedder.embed([.text("Die Frist ist lang.")], as: .passage, priority: .urgent)
        #expect(cosine(asked.vectors[0], query.vector) > 0.999_99)
        #expect(cosine(told.vectors[0], passage.vector) > 0.999_99)
        #expect(asked.tokenCounts == [query.ids.count])
    }

    @Test("takes a passage as long as its window whole, with the prompt in front of it")
    func window() async throws {
        let embedder = try LocalEmbedder(folder: Self.folder("bert-cased"), name: "tiny", threads: 1, precision: .float32)
        var text = ""
        while embedder.count(text[...]) < embedder.model.window { text += "." }
        #expect(embedder.count(text[...]) == embedder.model.window)
        let found = try await embedder.embed([.text(text), .text(text + ".")], as: .passage, priority: .urgent)
        #expect(found.cut == [1])
        let longest = try ModelFolder(path: Self.folder("bert-cased")).maxTokens
        #expect(found.tokenCounts == [longest, longest])
    }

    @Test(
        "has MPNet's buckets only in numbers that can be spread, and then each distance in one",
        arguments: [0, 2, 3, 4, 6, 8, 32, 504, 508, 510, 512, 516, 4_096, .max])
    func bucketCounts(_ count: Int) throws {
        var configuration = try ModelFiles(path: Self.folder("mpnet")).configuration()
        configuration.relativeBuckets = count
        guard [4, 8, 32, 504, 508].contains(count) else {
            #expect(configuration.problem != nil)
            return
        }
        #expect(configuration.problem == nil)
        let used = Set((-600...600).map { EncoderConfiguration.bucket(of: $0, in: count) })
        #expect(used.allSatisfy { (0..<count).contains($0) })
    }

    @Test("spreads MPNet's buckets and ALiBi's slopes as the reference does")
    func biases() {
        let buckets = [0, 1, -1, 7, 8, -8, 16, 32, 64, 100, -127, 128, 5_000].map {
            EncoderConfiguration.bucket(of: $0, in: 32)
        }
        #expect(buckets == [0, 17, 1, 23, 24, 8, 26, 28, 30, 31, 15, 31, 31])
        #expect(EncoderConfiguration.slopes(heads: 4) == [0.25, 0.0625, 0.015_625, 0.003_906_25])
        #expect(EncoderConfiguration.slopes(heads: 3) == [0.0625, 0.003_906_25, 0.25])
    }
}
