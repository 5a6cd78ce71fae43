import ArgumentParser
import Foundation
import Knowledge
import Service

struct TuneFusion: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tune",
        abstract: "Find out how much meaning and words should count in a knowledge base's hybrid search.")

    @OptionGroup var session: Session

    @Option(name: .customLong("kb"), help: "The knowledge base, by name or id.")
    var base: String

    @Option(help: "The questions: JSON lines with _id and text.")
    var queries: String

    @Option(help: "The judgements; documents are named by file name, with or without its suffix, or by file id.")
    var qrels: String

    @Flag(help: "Only say what is best; leave the knowledge base's setting as it is.")
    var dryRun = false

    @Flag(help: "Print the result as JSON.")
    var json = false

    /// Shares of meaning that are tried; nil is what the search decides itself.
    private static let shares: [Double?] = [nil] + (0...10).map { Double($0) / 10 }

    func run() async throws {
        let questions = try EvaluationInput.judgedQueries(queries: queries, qrels: qrels)
        try await session.run { client in
            let id = try await client.knowledgeBase(named: base)
            var trials: [Trial] = []
            for share in Self.shares {
                Terminal.progress("\(trials.count)/\(Self.shares.count) weights tried")
                var scores: [Double] = []
                for question in questions {
                    let ranking = try await Self.ranking(question.query.text, share, in: id, client)
                    scores.append(Self.score(ranking, question.grades))
                }
                trials.append(Trial(share: share, scores: scores))
            }
            Terminal.endProgress()
            guard let outcome = Outcome(trials) else { return }
            if !dryRun {
                _ = try await client.post(
                    "/v1/vector_stores/\(id)",
                    ["search_settings": ["embedding_weight": outcome.share.map(JSONValue.number) ?? .null]])
            }
            try present(trials, outcome)
        }
    }

    /// What the trials come to.
    private struct Outcome {
        /// nil where no weight is better than what the search decides itself.
        var share: Double?
        var comparison: PairedComparison

        init?(_ trials: [Trial]) {
            guard let automatic = trials.first, let best = trials.max(by: { $0.scores.mean < $1.scores.mean }),
                let comparison = PairedComparison(Array(zip(automatic.scores, best.scores)))
            else { return nil }
            self.comparison = comparison
            // A weight that is better only by luck would be worse tomorrow.
            share = comparison.verdict == .better ? best.share : nil
        }
    }

    private struct Trial: Sendable {
        var share: Double?
        /// nDCG@10 by question.
        var scores: [Double]
        var name: String { share.map { String(format: "%.1f", $0) } ?? "automatic" }
    }

    /// What the documents found may be called in the judgements, best first, each document once.
    private static func ranking(
        _ text: String, _ share: Double?, in base: String, _ client: APIClient
    ) async throws -> [Set<String>] {
        let weights: JSONValue =
            share.map { ["embedding_weight": .number($0), "text_weight": .number(1 - $0)] } ?? "auto"
        let body: [String: JSONValue] = [
            "query": .string(text), "max_num_results": 50,
            "ranking_options": ["hybrid_search": weights, "ranker": "none"],
        ]
        let page = try await client.post("/v1/vector_stores/\(base)/search", .object(body))
        var seen: Set<String> = []
        return (page["data"]?.array ?? []).compactMap { hit in
            let (file, name) = (hit["file_id"]?.string ?? "", hit["filename"]?.string ?? "")
            guard seen.insert(file).inserted else { return nil }
            return [file, name, URL(fileURLWithPath: name).deletingPathExtension().lastPathComponent]
        }
    }

    private static func score(_ ranking: [Set<String>], _ grades: [String: Int]) -> Double {
        let ids = ranking.enumerated().map { rank, names in names.first { grades[$0] != nil } ?? "unjudged \(rank)" }
        return RankingMetric.ndcg10.score(of: ids, grades: grades)
    }

    private func present(_ trials: [Trial], _ outcome: Outcome) throws {
        let (recommended, comparison) = (outcome.share, outcome.comparison)
        if json {
            let tried = trials.map { trial -> JSONValue in
                [
                    "embedding_weight": trial.share.map(JSONValue.number) ?? .null,
                    "ndcg@10": .number(trial.scores.mean.rounded(to: 6)),
                ]
            }
            return try Terminal.print(json: [
                "queries": .integer(trials.first?.scores.count ?? 0), "tried": .array(tried),
                "embedding_weight": recommended.map(JSONValue.number) ?? .null,
                "difference": .number(comparison.difference.rounded(to: 6)), "interval": comparison.interval.json,
                "verdict": .string(comparison.verdict.rawValue), "stored": .bool(!dryRun),
            ])
        }
        Terminal.table(["meaning's share", "ndcg@10"], trials.map { [$0.name, $0.scores.mean.text] })
        if let recommended {
            Terminal.print("\(recommended) is better than what the search decides itself, by \(comparison.difference.text).")
        } else {
            Terminal.print("No weight is better than what the search decides itself by more than chance: leave it at that.")
        }
    }
}
