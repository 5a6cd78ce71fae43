import Foundation
import Testing

@testable import Vectors

@Suite("A cross-encoder")
struct CrossEncoderTests {
    private struct Pair: Decodable {
        var query: String
        var passage: String
        var logit: Float
    }

    @Test(
        "gives transformers' numbers with every instruction set", arguments: ["cross-encoder", "xlm-reranker"],
        Kernels.all.map(\.name))
    func matchesReference(_ model: String, _ kernel: String) async throws {
        let kernels = try #require(Kernels.all.first { $0.name == kernel })
        let pairs = try JSONDecoder().decode([Pair].self, from: try Reference.fixture("\(model)/pairs.json"))
        let model = try CrossEncoder(folder: FamilyTests.folder(model), threads: 2, kernels: kernels)
        for pair in pairs {
            let logit = try await model.logits(of: [pair.passage], to: pair.query)[0]
            #expect(abs(logit - pair.logit) < 1e-4, "\(pair.query)")
        }
    }

    @Test("judges a passage the same whatever else it judges, between 0 and 1")
    func isIndependent() async throws {
        let model = try CrossEncoder(folder: FamilyTests.folder("cross-encoder"), threads: 2)
        let passages = (0..<100).map { Array(repeating: "the rent is paid", count: 1 + $0 % 13).joined(separator: " ") }
        let together = try await model.relevance(of: passages, to: "rent?")
        #expect(together.count == 100 && together.allSatisfy { (0...1).contains($0) })
        for (passage, relevance) in zip(passages.prefix(13), together) {
            #expect(abs(try await model.relevance(of: [passage], to: "rent?")[0] - relevance) < 1e-5)
        }
        #expect(try await model.relevance(of: [], to: "rent?").isEmpty)
    }

    @Test("says which file is wrong")
    func refuses() throws {
        #expect(throws: ModelError.self) { try CrossEncoder(folder: "/nowhere", threads: 1) }
    }

    private static let separator = #"{"SpecialToken":{"id":"</s>","type_id":0}}"#
    private static func text(_ id: String, type: Int = 0) -> String {
        #"{"Sequence":{"id":"\#(id)","type_id":\#(type)}}"#
    }
    private static let first = #"{"SpecialToken":{"id":"<s>","type_id":0}}"#

    /// - Returns: The folder of a reranker whose tokenizer has this pair.
    private func folder(pair: [String]) throws -> URL {
        let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.copyItem(atPath: FamilyTests.folder("xlm-reranker"), toPath: folder.path)
        let path = folder.appending(path: "tokenizer.json")
        var file = try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: path)) as? [String: Any])
        var processor = try #require(file["post_processor"] as? [String: Any])
        processor["pair"] = try JSONSerialization.jsonObject(with: Data("[\(pair.joined(separator: ","))]".utf8))
        file["post_processor"] = processor
        try JSONSerialization.data(withJSONObject: file).write(to: path)
        return folder
    }

    @Test("refuses a template of pairs that is not one or two separators between two texts", arguments: [
        [], [first, text("A"), separator], [text("A"), text("B")],
        [first, text("A"), text("B"), separator], [first, text("A"), first, text("B"), separator],
        [separator, text("A"), separator, text("B"), separator], [first, text("A"), separator, text("B")],
        [first, text("A"), separator, text("B", type: -1), separator],
        [first, text("A")] + Array(repeating: separator, count: 3) + [text("B"), separator],
        [first, text("A")] + Array(repeating: separator, count: 4_000) + [text("B"), separator],
    ])
    func refusesPairs(_ pair: [String]) throws {
        let folder = try folder(pair: pair)
        defer { try? FileManager.default.removeItem(at: folder) }
        #expect(throws: ModelError.self) { try CrossEncoder(folder: folder.path, threads: 1) }
        // Single texts need no pairs.
        let file = try [UInt8](Data(contentsOf: folder.appending(path: "tokenizer.json")))
        #expect(try TokenizerFile(file, path: "tokenizer.json", limit: 1_000).tokenizer().count("rent") > 0)
    }

    @Test("takes one separator between two texts, and two", arguments: [1, 2])
    func takesPairs(_ between: Int) async throws {
        let pair = [Self.first, Self.text("A")] + Array(repeating: Self.separator, count: between)
        let folder = try folder(pair: pair + [Self.text("B"), Self.separator])
        defer { try? FileManager.default.removeItem(at: folder) }
        let model = try CrossEncoder(folder: folder.path, threads: 1)
        #expect(try await model.relevance(of: ["the rent is paid"], to: "rent?").count == 1)
    }
}
