import ArgumentParser
import Foundation
import Knowledge

struct Search: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Search a knowledge base.")

    @OptionGroup var session: Session

    @Argument(help: "What to look for.")
    var query: String

    @Option(name: .customLong("kb"), help: "The knowledge base, by name or id.")
    var base: String

    @Option(name: [.customShort("k"), .long], help: "How many passages, 1 to 50.")
    var limit = 5

    @Option(help: "Search by meaning and words (hybrid), by meaning (dense) or by words (keyword).")
    var mode = "hybrid"

    @Option(help: "Leave out what scores less, 0 to 1.")
    var threshold: Double?

    @Flag(help: "Find what comparing the query with every vector would find, and nothing else.")
    var exact = false

    @Flag(help: "Show what each stage of the search says of every hit.")
    var explain = false

    @Option(help: "A file, by name or id: say where it stands in this search, or why it is not there.")
    var why: String?

    @Flag(help: "Print the result as JSON.")
    var json = false

    func validate() throws {
        guard (1...50).contains(limit) else { throw ValidationError("--limit must be between 1 and 50.") }
        guard Ranking.Mode(rawValue: mode) != nil else {
            throw ValidationError("--mode must be one of: hybrid, dense, keyword.")
        }
    }

    func run() async throws {
        try await session.run { client in
            let id = try await client.knowledgeBase(named: base)
            var options: [String: JSONValue] = ["mode": .string(mode)]
            options["score_threshold"] = threshold.map(JSONValue.number)
            if exact { options["exact"] = true }
            var body: [String: JSONValue] = [
                "query": .string(query), "max_num_results": .integer(limit), "ranking_options": .object(options),
                "explain": .bool(explain),
            ]
            if let why { body["explain_file_id"] = .string(try await client.file(named: why, in: id)) }
            let page = try await client.post("/v1/vector_stores/\(id)/search", .object(body))
            if json { return try Terminal.print(json: page) }
            let hits = page["data"]?.array ?? []
            for index in Set(hits.compactMap { $0["explain"]?["dense"]?["index"] }.compactMap(Self.line(ofIndex:))) {
                Terminal.print(index)
                Terminal.print("")
            }
            for hit in hits {
                let headings = hit["heading_path"]?.array?.compactMap(\.string) ?? []
                let place = [hit["filename"]?.string ?? ""] + headings
                let score = (hit["score"]?.double ?? 0).formatted(.number.precision(.fractionLength(3)))
                Terminal.print("\(score)  \(place.joined(separator: " › "))")
                if let stages = hit["explain"] { Terminal.print("       " + Self.line(stages)) }
                Terminal.print(hit["content"]?.array?.first?["text"]?.string ?? "")
                Terminal.print("")
            }
            if let explanation = page["explanation"] { Self.present(explanation) }
        }
    }

    /// How the index searched: `index: exact (avx512) · 135 scanned · 104 refined · 12 compared · 27,000 bytes`.
    private static func line(ofIndex index: JSONValue) -> String? {
        guard let plan = index["plan"]?.string, let kernel = index["kernel"]?.string else { return nil }
        func number(_ key: String) -> String { (index[key]?.integer ?? 0).formatted() }
        return "index: \(plan) (\(kernel)) · \(number("scanned")) scanned · \(number("refined")) refined · "
            + "\(number("rescored")) compared · \(number("bytes")) bytes"
    }

    /// Each stage's rank and value: `dense 3 (0.512) · keyword 1 (bm25 8.21, covers 0.74)`.
    private static func line(_ stages: JSONValue) -> String {
        func number(_ value: JSONValue?) -> String {
            value?.double.map { $0.formatted(.number.precision(.fractionLength(3))) } ?? "–"
        }
        func rank(_ stage: JSONValue?) -> String { stage?["rank"]?.integer.map(String.init) ?? "–" }
        let (dense, keyword) = (stages["dense"], stages["keyword"])
        var parts = [
            "dense \(rank(dense)) (\(number(dense?["similarity"])))",
            "keyword \(rank(keyword)) (bm25 \(number(keyword?["bm25"])), covers \(number(keyword?["coverage"])))",
        ]
        if let relevance = stages["rerank"]?["relevance"], relevance.double != nil {
            parts.append("rerank \(number(relevance))")
        }
        return parts.joined(separator: " · ")
    }

    private static func present(_ explanation: JSONValue) {
        let name = explanation["filename"]?.string ?? ""
        let reason =
            switch explanation["reason"]?.string {
            case "found": "is among the results"
            case "not_indexed": "is not indexed: see its status"
            case "filtered_out": "does not satisfy the filter"
            case "below_threshold": "scores below the threshold"
            case "duplicate": "says nearly what a better result says"
            case "outranked": "comes behind the results shown"
            default: "has no passage that comes near, by meaning or by words"
            }
        let rank = explanation["rank"]?.integer.map { " (rank \($0))" } ?? ""
        Terminal.print("\(name) \(reason)\(rank).")
        guard let text = explanation["text"]?.string, let stages = explanation["explain"] else { return }
        Terminal.print("Its best passage: \(line(stages))")
        Terminal.print(text)
    }
}
