import ArgumentParser
import Foundation
import Knowledge
import Vectors

/// How many tokens a second are embedded in the background, as documents are while they are indexed.
struct BenchEmbed: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "embed", abstract: "Embed the lines of a file, and say how fast that was.")

    @OptionGroup var place: Place

    @Option(help: "A file with one text a line; blank lines do not count.")
    var texts: String

    @Option(help: "A file with one question a line: also measure how long one takes, alone and beside the texts.")
    var queries: String?

    @Option(help: "Threads that compute (default: as configured).")
    var threads: Int?

    @Option(help: "The name of an installed model (default: the configured one).")
    var model: String?

    @Option(help: "What the model is computed in: float32, bfloat16 or int8 (default: as configured).")
    var precision: String?

    @Option(help: "The instruction set, such as avx2 (default: the best that the processor has).")
    var kernel: String?

    @Flag(help: "Print the result as JSON.")
    var json = false

    /// Texts that are embedded before the clock starts, so that caches, clocks and pages are warm.
    private static let warmUp = 32

    func validate() throws {
        if let threads, !(1...256).contains(threads) {
            throw ValidationError("--threads must be between 1 and 256.")
        }
    }

    func run() async throws {
        let inputs = try Self.lines(of: texts)
        let questions = try queries.map(Self.lines)
        let embedder = try loaded()
        _ = try await embedder.embed(Array(inputs.prefix(Self.warmUp)), as: .passage, priority: .background)
        let began = ContinuousClock.now
        let tokens = try await showingProgress(of: embedder, inputs.count) {
            try await embedder.embed(inputs, as: .passage, priority: .background).tokenCounts.reduce(0, +)
        }
        let seconds = (ContinuousClock.now - began) / .seconds(1)
        var result: [(name: String, value: JSONValue)] = [
            ("texts", .integer(inputs.count)), ("tokens", .integer(tokens)),
            ("seconds", .number(seconds.rounded(to: 3))),
            ("tokens_per_second", .integer(Int((Double(tokens) / seconds).rounded()))),
            ("threads", .integer(embedder.threads)), ("kernel", .string(embedder.kernel)),
            ("model", .string(embedder.model.name)), ("precision", .string(embedder.precision)),
        ]
        if let questions {
            result += try await QueryLatency(embedder: embedder, questions: questions).measure(beside: inputs)
        }
        if json { return try Terminal.print(json: .object(Dictionary(uniqueKeysWithValues: result.map { ($0, $1) }))) }
        Terminal.table(["WHAT", "FIGURE"], result.map { [$0.name, Self.figure($0.value)] })
    }

    /// Does the work, and looks meanwhile how far it is.
    private func showingProgress<Value: Sendable>(
        of embedder: LocalEmbedder, _ total: Int, _ work: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        let before = embedder.load.texts
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                var line = ProgressLine(unit: "texts")
                defer { line.end() }
                while !Task.isCancelled {
                    line.show(embedder.load.texts - before, of: total)
                    // Throws only when cancelled, and then the loop ends.
                    try? await Task.sleep(for: .milliseconds(250))
                }
            }
            defer { group.cancelAll() }
            return try await work()
        }
    }

    private static func figure(_ value: JSONValue) -> String {
        value.string ?? value.integer.map { "\($0)" } ?? value.double.map { "\($0)" } ?? ""
    }

    private func loaded() throws -> LocalEmbedder {
        var configuration = try place.configuration()
        try configuration.embedding.choose(precision: precision, in: "--precision")
        try configuration.embedding.choose(kernel: kernel, in: "--kernel")
        configuration.embedding.threads = threads ?? configuration.embedding.threads
        let name = model ?? configuration.embeddingModel
        let folder = configuration.modelsDirectory + "/" + name
        guard FileManager.default.fileExists(atPath: folder) else {
            throw CommandFailure(.notFound, "There is no model at \(folder).")
        }
        return try LocalEmbedder(folder: folder, name: name, configuration)
    }

    private static func lines(of path: String) throws -> [EmbeddingInput] {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw CommandFailure(.notFound, "There is no file at \(path), or it cannot be read.")
        }
        let lines = data.split(separator: UInt8(ascii: "\n")).map { String(decoding: $0, as: UTF8.self) }
            .filter { !$0.allSatisfy(\.isWhitespace) }
        guard !lines.isEmpty else { throw CommandFailure(.failed, "There is no text in \(path).") }
        return lines.map(EmbeddingInput.text)
    }
}
