import ArgumentParser
import Foundation
import Knowledge
import Service

struct RunEvaluation: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Index a corpus, ask its questions, compare what is found with the judgements.")

    @Option(help: "The documents: JSON lines with _id, title and text.")
    var corpus: String

    @OptionGroup var input: EvaluationInput

    @Option(help: "How to search: hybrid, dense or keyword.")
    var mode = Ranking.Mode.hybrid

    @Option(help: "How many documents to rank for a question, 100 to 1000.")
    var limit = 100

    @Flag(help: "Search with what was said before the question, where the questions have a history.")
    var history = false

    @Option(help: "Answers as spans of the corpus: also measure how much of them is returned.")
    var spans: String?

    @Option(help: "Passages that count as returned, for --spans.")
    var top = 5

    @Option(help: "Count passages as returned up to this many characters, for --spans, instead of --top.")
    var characters: Int?

    @Option(help: "Questions about the corpus that it does not answer: also measure refusing. May be given several times.")
    var unanswerable: [String] = []

    @Option(help: "Questions about something else: also measure refusing. May be given several times.")
    var foreignQueries: [String] = []

    @Option(help: "Save what came of every question as JSON lines, for compare.")
    var output: String?

    func validate() throws {
        guard (100...1_000).contains(limit) else { throw ValidationError("--limit must be between 100 and 1000.") }
        guard (1...100).contains(top) else { throw ValidationError("--top must be between 1 and 100.") }
        if let characters, characters < 1 { throw ValidationError("--characters must be at least 1.") }
    }

    func run() async throws {
        let questions = try input.judgedQueries()
        let documents = try EvaluationInput.read(corpus) { file throws(EvaluationFileError) in try file.corpus() }
            .map(EvaluationDocument.init)
        let gold = try spans.map { try EvaluationInput.read($0) { file throws(EvaluationFileError) in try file.spans() } }
        let refusals = try RefusalQuestions(unanswerable: unanswerable, foreign: foreignQueries)
        let configuration = try input.configuration()
        let report = try await EvaluationIndex.with(
            documents, chunking: input.chunking.chunking, configuration: configuration, keptIn: input.data
        ) { index in
            let search = EvaluationSearch(index: index, mode: mode, usesHistory: history)
            let ranked = try await RankingEvaluation(search: search, limit: limit).run(questions)
            var report = EvaluationReport(mode: mode, index: index, ranking: ranked)
            if let gold {
                report.spans = try await SpanEvaluation(search: search, top: top, characters: characters)
                    .run(questions.map(\.query), gold)
            }
            report.refusals = try await RefusalEvaluation(search: search, limits: configuration.retrieval)
                .run(questions.map(\.query), refusals)
            return report
        }
        if let output { try QueryResult.save(report.results, to: output) }
        if input.json { try Terminal.print(json: report.json) } else { report.print() }
    }
}
