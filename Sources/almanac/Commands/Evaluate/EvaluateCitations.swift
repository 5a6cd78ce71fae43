import ArgumentParser
import Foundation
import Knowledge
import Service

struct EvaluateCitations: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "citations", abstract: "Answer questions and check every reference against the documents' pages.")

    @Option(help: "A folder with the documents; a file's name without its suffix is its id in the judgements.")
    var documents: String

    @Option(help: "The pages' texts: JSON lines with _id, such as report#p3, and text.")
    var pages: String

    @OptionGroup var input: EvaluationInput

    @Option(help: "How to search for the share of documents found: hybrid, dense or keyword.")
    var mode = Ranking.Mode.hybrid

    func run() async throws {
        let questions = try input.judgedQueries()
        let pages = try Pages(EvaluationInput.read(self.pages) { file throws(EvaluationFileError) in try file.corpus() })
        let report = try await EvaluationIndex.with(
            files(), chunking: input.chunking.chunking, configuration: try input.configuration(), keptIn: input.data
        ) { index in
            try await CitationEvaluation(search: EvaluationSearch(index: index, mode: mode), pages: pages).run(questions)
        }
        if input.json { return try Terminal.print(json: report.json) }
        Terminal.table(["figure", "value"], report.rows)
    }

    private func files() throws -> [EvaluationDocument] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: documents)) ?? []
        let files = try names.sorted().filter { !$0.hasPrefix(".") }.map { name in
            let url = URL(fileURLWithPath: documents).appendingPathComponent(name)
            return EvaluationDocument(
                id: url.deletingPathExtension().lastPathComponent, filename: name, content: try Data(contentsOf: url))
        }
        guard !files.isEmpty else { throw CommandFailure(.notFound, "There are no files in \(documents).") }
        return files
    }
}
