import Foundation
import Knowledge

/// A reranker behind `POST /rerank`, as Cohere, Jina, vLLM, llama-server and TEI's adapters speak it.
package struct RemoteReranker: Reranker {
    private let transport: Transport
    private let model: String

    package init(provider: OpenAICompatibleProvider, model: String) {
        transport = provider.transport
        self.model = model
    }

    /// What the server says of each passage. Numbers outside 0…1 are taken for logits, all of the answer alike.
    ///
    /// - Throws: `UpstreamError`, or `CancellationError`.
    package func relevance(of passages: [String], to query: String) async throws -> [Double] {
        guard !passages.isEmpty else { return [] }
        let fields: [String: JSONValue] = [
            "model": .string(model), "query": .string(query), "documents": .array(passages.map(JSONValue.string)),
            "top_n": .integer(passages.count), "return_documents": false,
        ]
        let call = Call(path: "/rerank", body: Array(try JSONValue.object(fields).json()))
        let ranking = try await transport.value(
            of: Ranking.self, from: call, within: Deadlines(transport.settings.timeouts))
        var scores = [Double?](repeating: nil, count: passages.count)
        for result in ranking.results where passages.indices.contains(result.index) && result.score.isFinite {
            scores[result.index] = result.score
        }
        let known = scores.compactMap(\.self)
        guard known.count == passages.count else {
            throw Failures(transport.settings).garbage(
                "it ranks \(known.count) of \(passages.count) passages")
        }
        let isLogit = known.contains { !(0...1).contains($0) }
        return isLogit ? known.map { 1 / (1 + exp(-$0)) } : known
    }
}

private struct Ranking: Decodable {
    var results: [Result]

    struct Result: Decodable {
        var index: Int
        var score: Double

        private enum CodingKeys: String, CodingKey {
            case index
            case score = "relevance_score"
        }
    }
}
