import ArgumentParser
import Foundation
import Knowledge
import Service

/// What every evaluation over a corpus is told.
struct EvaluationInput: ParsableArguments {
    @Option(help: "The questions: JSON lines with _id and text.")
    var queries: String

    @Option(help: "The judgements: query-id, corpus-id and score, tab-separated below a header line.")
    var qrels: String

    @Option(help: "A data directory that keeps the index for the next run (default: a temporary one).")
    var data: String?

    @Option(help: "The configuration file (default: almanac.yaml where there is one).")
    var config: String?

    @Option(help: "Threads that embed and search (default: all cores).")
    var threads: Int?

    @Option(help: "How documents are cut: structured, or fixed:TOKENS:OVERLAP.")
    var chunking = ChunkingChoice(chunking: .structured)

    @Flag(help: "Print the result as JSON.")
    var json = false

    func validate() throws {
        if let threads, !(1...256).contains(threads) { throw ValidationError("--threads must be between 1 and 256.") }
    }

    func configuration() throws -> Configuration {
        var configuration = try Configuration.load(
            Configuration.Flags(configurationFile: config), environment: Terminal.environment)
        configuration.threads = threads ?? configuration.threads
        return configuration
    }

    func judgedQueries() throws -> [(query: EvaluationQuery, grades: [String: Int])] {
        try Self.judgedQueries(queries: queries, qrels: qrels)
    }

    /// The questions that have something relevant, in their order, with the grades of what was judged for them.
    static func judgedQueries(
        queries: String, qrels: String
    ) throws -> [(query: EvaluationQuery, grades: [String: Int])] {
        let grades = try read(qrels) { file throws(EvaluationFileError) in try file.judgements() }
        let questions = try read(queries) { file throws(EvaluationFileError) in try file.queries() }
        let judged = questions.compactMap { query in
            grades[query.id].flatMap { grades in grades.values.contains { $0 > 0 } ? (query, grades) : nil }
        }
        guard !judged.isEmpty else {
            throw CommandFailure(.failed, "\(qrels) judges none of the questions in \(queries).")
        }
        if judged.count < questions.count {
            Terminal.note("\(questions.count - judged.count) of \(questions.count) questions have no judgement and are left out.")
        }
        return judged
    }

    static func read<Value>(
        _ path: String, _ parse: (EvaluationFile) throws(EvaluationFileError) -> Value
    ) throws -> Value {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw CommandFailure(.notFound, "There is no file at \(path), or it cannot be read.")
        }
        do {
            return try parse(EvaluationFile(name: path, data: data))
        } catch {
            throw CommandFailure(.failed, error.description)
        }
    }
}

/// `structured` or `fixed:TOKENS:OVERLAP`.
struct ChunkingChoice: ExpressibleByArgument, CustomStringConvertible {
    let chunking: Chunking

    init(chunking: Chunking) {
        self.chunking = chunking
    }

    init?(argument: String) {
        let parts = argument.split(separator: ":", omittingEmptySubsequences: false)
        if parts == ["structured"] {
            chunking = .structured
        } else if parts.count == 3, parts[0] == "fixed", let tokens = Int(parts[1]), let overlap = Int(parts[2]),
            (1...100_000).contains(tokens), (0...tokens / 2).contains(overlap)
        {
            chunking = .fixed(maxTokens: tokens, overlapTokens: overlap)
        } else {
            return nil
        }
    }

    var description: String {
        switch chunking {
        case .structured: "structured"
        case .fixed(let maxTokens, let overlapTokens): "fixed:\(maxTokens):\(overlapTokens)"
        }
    }

    var defaultValueDescription: String { description }
}
