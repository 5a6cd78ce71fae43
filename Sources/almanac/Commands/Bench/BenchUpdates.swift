import ArgumentParser
import Knowledge

/// How good and how fast searches are in a database that changes.
struct BenchUpdates: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "updates",
        abstract: "Search a file's vectors in a database while documents come and after most of them went.")

    @Option(help: "A .npy file of little-endian float32 rows: what is stored and searched.")
    var vectors: String

    @Option(help: "A .npy file of the same dimension: what is searched for.")
    var queries: String

    @Option(name: .customLong("k"), help: "Neighbours to find.")
    var k = 10

    @Option(help: "Threads that search.")
    var threads = 1

    @Option(help: "Chunks that are added a second while searches are under way.")
    var rate = 500

    @Option(help: "For how long.")
    var seconds = 20

    @Flag(help: "Print the result as JSON.")
    var json = false

    func validate() throws {
        guard (1...256).contains(threads) else { throw ValidationError("--threads must be between 1 and 256.") }
        guard (1...1_000).contains(k) else { throw ValidationError("--k must be between 1 and 1000.") }
        guard (10...100_000).contains(rate) else { throw ValidationError("--rate must be between 10 and 100000.") }
        guard (1...3_600).contains(seconds) else { throw ValidationError("--seconds must be between 1 and 3600.") }
    }

    func run() async throws {
        try await Figures.explaining {
            let asked = try NumpyFile(queries)
            try await UpdatesBenchmark(
                vectors: try NumpyFile(vectors), queries: try (0..<asked.rows).map { try asked.vectors($0..<$0 + 1) }, k: k,
                rate: rate, seconds: seconds, workers: Workers(count: threads, name: "bench")
            ).run().show(asJSON: json)
        }
    }
}
