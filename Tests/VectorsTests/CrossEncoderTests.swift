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
}
