import Foundation
import Testing

@testable import Knowledge
@testable import Server

@Suite("A search", .timeLimit(.minutes(2)))
struct SearchTests {
    private static let documents = [
        ChatTests.light, ChatTests.mill,
        (name: "ferry.md", text: "# Ferry\n\nThe ferry ISO-9001 leaves at noon. Kündigungsfrist: drei Monate.\n"),
    ]

    private func hits(_ answer: TestServer.Answer) -> [JSONValue] { answer.json["data"]?.array ?? [] }

    @Test("by meaning, by words and by both finds the document, best first, with scores from 0 to 1")
    func modes() async throws {
        try await TestServer.run { server in
            let base = try await server.knowledgeBase(Self.documents)
            for options: JSONValue in [
                ["mode": "hybrid"], ["mode": "dense"], ["mode": "keyword"], ["fusion": "rrf"],
                ["hybrid_search": ["embedding_weight": 1, "text_weight": 3]], ["hybrid_search": "auto"],
            ] {
                let page = try await server.post(
                    "/v1/vector_stores/\(base)/search",
                    ["query": "When does the mill grind rye?", "ranking_options": options, "explain": true])
                let hits = hits(page)
                #expect(hits.first?["filename"] == "mill.md", "\(options)")
                let scores = hits.compactMap { $0["score"]?.double }
                #expect(scores == scores.sorted(by: >) && scores.allSatisfy { (0...1).contains($0) }, "\(options)")
                #expect(hits.first?["explain"]?["score"] == hits.first?["score"])
            }
        }
    }

    @Test("by words finds identifiers and parts of German compounds, whatever else the query holds")
    func words() async throws {
        try await TestServer.run { server in
            let base = try await server.knowledgeBase(Self.documents)
            for query in ["iso-9001", "9001", "Kuendigungsfrist", "\"AND (NOT* frist:kündigungsfrist", "drei monat"] {
                let page = try await server.post(
                    "/v1/vector_stores/\(base)/search",
                    ["query": .string(query), "ranking_options": ["mode": "keyword"]])
                #expect(hits(page).first?["filename"] == "ferry.md", "\(query)")
            }
        }
    }

    @Test("keeps to the files it names, and says of a file where it is or why it is not there")
    func files() async throws {
        try await TestServer.run { server in
            let base = try await server.knowledgeBase(Self.documents)
            let path = "/v1/vector_stores/\(base)/search"
            let listed = try await server.get("/v1/vector_stores/\(base)/files").json["data"]?.array ?? []
            let mill = try #require(listed.first { $0["filename"] == "mill.md" }?["id"])
            let ferry = try #require(listed.first { $0["filename"] == "ferry.md" }?["id"])
            let only = try await server.post(path, ["query": "When was the lighthouse built?", "file_ids": [mill]])
            #expect(hits(only).allSatisfy { $0["file_id"] == mill } && !hits(only).isEmpty)

            let reasons = try await [
                ["query": "mill", "explain_file_id": mill],
                ["query": "mill", "explain_file_id": ferry, "max_num_results": 1],
                ["query": "mill", "explain_file_id": ferry, "filters": ["type": "eq", "key": "a", "value": "b"]],
                ["query": "mill", "explain_file_id": ferry, "ranking_options": ["score_threshold": 1]],
            ].asyncMap { try await server.post(path, $0).json["explanation"]?["reason"]?.string }
            #expect(reasons == ["found", "outranked", "filtered_out", "below_threshold"])
            let unknown = try await server.post(path, ["query": "mill", "explain_file_id": "file-none"])
            #expect(unknown.status == 404 && unknown.json["error"]?["param"] == "explain_file_id")
        }
    }

    @Test("weighs by the knowledge base's own settings, which an answer's threshold follows too")
    func settings() async throws {
        try await TestServer.run { server in
            let base = try await server.knowledgeBase(Self.documents)
            let path = "/v1/vector_stores/\(base)"
            let set = try await server.post(path, ["search_settings": ["embedding_weight": 0.25, "minimum_score": 1]])
            #expect(set.json["search_settings"] == ["embedding_weight": 0.25, "minimum_score": 1])
            let refused = try await server.ask(
                "When was the lighthouse built?", ["knowledgebase_ids": [.string(base)], "on_empty": "refuse"])
            #expect(refused.json["alan"]?["retrieval"]?["grounded"] == false)
            let unset = try await server.post(path, ["search_settings": ["minimum_score": .null]])
            #expect(unset.json["search_settings"] == ["embedding_weight": 0.25, "minimum_score": .null])
            let answered = try await server.ask(
                "When was the lighthouse built?", ["knowledgebase_ids": [.string(base)], "on_empty": "refuse"])
            #expect(answered.json["alan"]?["retrieval"]?["grounded"] == true)
            let wrong = try await server.post(path, ["search_settings": ["embedding_weight": 2]])
            #expect(wrong.status == 400 && wrong.json["error"]?["param"] == "search_settings.embedding_weight")
        }
    }
}

extension Sequence {
    fileprivate func asyncMap<Value>(_ transform: (Element) async throws -> Value) async throws -> [Value] {
        var values: [Value] = []
        for element in self { values.append(try await transform(element)) }
        return values
    }
}
