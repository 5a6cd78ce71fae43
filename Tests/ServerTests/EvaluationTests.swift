import Documents
import Foundation
import Logging
import TestSupport
import Testing

@testable import Knowledge
@testable import Service
@testable import almanac

@Suite("An evaluation", .timeLimit(.minutes(1)))
struct EvaluationTests {
    private static let corpus = [
        CorpusEntry(id: "cats/1", title: "Cats & <dogs>", text: "Cats sleep most of the day.\n\nThey hunt at dusk."),
        CorpusEntry(id: "bread", title: "", text: "Bread rises by yeast. Flour, water and salt."),
        CorpusEntry(id: "bread again", title: "", text: "Bread rises by yeast. Flour, water and salt."),
        CorpusEntry(id: "tides", title: "Tides", text: "The moon pulls the sea. Tides follow it twice a day."),
    ]

    private func services(in directory: TemporaryDirectory) throws -> Services {
        var configuration = Configuration()
        configuration.dataDirectory = directory.path + "/data"
        configuration.threads = 2
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return try buildServices(
            configuration, embedders: Embedders(standard: WordEmbedder()), reader: InProcessReader(workers: Workers(count: 1, name: "reader")), sessionSecret: nil,
            logger: logger)
    }

    private func run<Value: Sendable>(
        in directory: TemporaryDirectory, _ corpus: [CorpusEntry] = corpus,
        _ work: @Sendable (EvaluationIndex) async throws -> Value
    ) async throws -> Value {
        try await EvaluationIndex.with(
            corpus.map(EvaluationDocument.init), chunking: .structured, services: services(in: directory), work)
    }

    @Test("indexes a corpus as documents of users, scores its rankings, and finds the index again")
    func endToEnd() async throws {
        let directory = try TemporaryDirectory()
        let questions = [
            (EvaluationQuery(id: "q1", text: "when do cats sleep"), ["cats/1": 1]),
            (EvaluationQuery(id: "q2", text: "what makes bread rise: yeast, flour, salt"), ["bread again": 2, "gone": 1]),
        ]
        let outcome = try await run(in: directory) { index in
            #expect(!index.isReused && index.documents.count == 3)
            #expect(Set(index.ids.values.joined()) == Set(Self.corpus.map(\.id)))
            return try await RankingEvaluation(search: EvaluationSearch(index: index, mode: .dense), limit: 100)
                .run(questions)
        }
        #expect(outcome.results.map(\.id) == ["q1", "q2"])
        #expect(outcome.results[0].metrics == ["ndcg@10": 1, "recall@10": 1, "recall@100": 1, "mrr@10": 1])
        // Both ids of one content rank where the document ranks, in the corpus's order.
        #expect(outcome.results[1].ranking.prefix(2) == ["bread", "bread again"])
        #expect(outcome.results[1].metrics["mrr@10"] == 0.5 && outcome.results[1].metrics["recall@100"] == 0.5)
        try await run(in: directory) { index in #expect(index.isReused && index.documents.count == 3) }
    }

    @Test("gives every chunk its document's title, and the text as it is")
    func titles() async throws {
        let directory = try TemporaryDirectory()
        let long = (1...200).map { "Sentence \($0) speaks of <unk> & *stars*." }.joined(separator: " ")
        let corpus = [CorpusEntry(id: "x", title: "A <title>", text: "1. One\n\n" + long)]
        try await run(in: directory, corpus) { index in
            let search = EvaluationSearch(index: index, mode: .dense)
            let passages = try await search.passages(for: EvaluationQuery(id: "q", text: "title"), limit: 100)
            #expect(passages.count > 3)
            #expect(passages.allSatisfy { $0.title == "A <title>" })
            let whole = "1. One " + long
            #expect(
                passages.allSatisfy { passage in
                    whole.contains(passage.text.split(whereSeparator: \.isWhitespace).joined(separator: " "))
                })
        }
    }

    @Test("measures spans, refusals and citations on the same index")
    func otherMeasures() async throws {
        let directory = try TemporaryDirectory()
        let query = EvaluationQuery(id: "q1", text: "when do cats hunt")
        let gold = [GoldSpan(query: "q1", document: "cats/1", characters: 29..<47, text: "They hunt at dusk.")]
        let refusals = try RefusalQuestions(kinds: [("foreign", [EvaluationQuery(id: "f", text: "quarterly revenue")])])
        let pages = try Pages([CorpusEntry(id: "cats/1#p1", title: "", text: Self.corpus[0].text)])
        try await run(in: directory, [Self.corpus[0]]) { index in
            let search = EvaluationSearch(index: index, mode: .dense)
            let spans = try await SpanEvaluation(search: search, top: 5, characters: nil).run([query], gold)
            #expect(spans.scores.map(\.recall) == [1] && spans.scores.map(\.isWhole) == [true])
            var limits = RetrievalLimits()
            // Words in common are all that the tests' embedder knows of meaning.
            limits.minimumScore = 0.2
            let refused = try await RefusalEvaluation(search: search, limits: limits).run([query], refusals)
            #expect(refused.map(\.scores.falselyRefused) == [0] && refused.map(\.scores.refused) == [1])
            let report = try await CitationEvaluation(search: search, pages: pages).run([(query, ["cats/1": 1])])
            #expect(report.references == 1 && report.exact == 1 && report.onPage == 1 && report.correct == 1)
            #expect(report.recalls == [1] && report.answered == 1)
        }
    }

    @Test("saves what came of each question for comparing")
    func saving() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/run.jsonl"
        let result = QueryResult(
            id: "q", metrics: ["ndcg@10": 0.5], topScore: 0.25, milliseconds: 1, ranking: ["a", "b"])
        try QueryResult.save([result], to: path)
        #expect(try QueryResult.metrics(from: path) == ["q": ["ndcg@10": 0.5]])
    }
}

extension RefusalQuestions {
    fileprivate init(kinds: [(name: String, queries: [EvaluationQuery])]) throws {
        try self.init(unanswerable: [], foreign: [])
        self.kinds = kinds
    }
}
