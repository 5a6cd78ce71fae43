import ArgumentParser
import Knowledge

/// How fast the nearest of many vectors are found, and how often they are the right ones.
struct BenchIndex: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "index", abstract: "Search a file's vectors for the neighbours of others, and say how fast that was.")

    @Option(help: "A .npy file of little-endian float32 rows: what is searched.")
    var vectors: String

    @Option(help: "A .npy file of the same dimension: what is searched for, one row at a time.")
    var queries: String

    @Option(name: .customLong("k"), help: "Neighbours to find.")
    var k = 10

    @Option(help: "Threads that build and search.")
    var threads = 1

    @Flag(help: "Only what is provably the same as comparing with every vector.")
    var exact = false

    @Option(help: "Also measure throughput with this many searches under way at a time.")
    var batch: Int?

    @Option(help: "The instruction set: portable, avx2, avx512, neon or neon_dot (default: the fastest here).")
    var kernel: String?

    @Flag(help: "Print the result as JSON.")
    var json = false

    func validate() throws {
        guard (1...256).contains(threads) else { throw ValidationError("--threads must be between 1 and 256.") }
        guard (1...10_000).contains(k) else { throw ValidationError("--k must be between 1 and 10000.") }
        guard batch.map((1...10_000).contains) ?? true else {
            throw ValidationError("--batch must be between 1 and 10000.")
        }
    }

    func run() async throws {
        try await Figures.explaining {
            try await IndexBenchmark(
                vectors: vectors, queries: queries, k: k, threads: threads, precision: exact ? .exact : .automatic,
                batch: batch, kernel: kernel
            ).run().show(asJSON: json)
        }
    }
}
