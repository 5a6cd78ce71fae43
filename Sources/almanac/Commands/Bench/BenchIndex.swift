import ArgumentParser
import Foundation
import Knowledge
import Vectors

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
        try await Self.explaining {
            let result = try await IndexBenchmark(
                vectors: vectors, queries: queries, k: k, threads: threads, precision: exact ? .exact : .automatic,
                batch: batch, kernel: kernel
            ).run()
            try Self.show(result.rows, asJSON: json)
        }
    }

    /// Tells what is wrong with the vectors as a user can act on it.
    static func explaining(_ work: () async throws -> Void) async throws {
        do {
            try await work()
        } catch let failure as NumpyFile.Failure {
            throw CommandFailure(.failed, "\(failure)".prefix(1).uppercased() + "\(failure).".dropFirst())
        } catch let error as VectorIndexError {
            throw CommandFailure(.failed, "These vectors cannot be searched: \(error).")
        }
    }

    /// Prints figures as a table or as JSON.
    static func show(_ figures: [(name: String, value: JSONValue)], asJSON json: Bool) throws {
        if json {
            let fields = figures.map { ($0.name, rounded($0.value)) }
            return try Terminal.print(json: .object(Dictionary(uniqueKeysWithValues: fields)))
        }
        Terminal.table(["WHAT", "FIGURE"], figures.map { [$0.name, figure(rounded($0.value))] })
    }

    private static func rounded(_ value: JSONValue) -> JSONValue {
        guard case .number(let number) = value else { return value }
        return .number(number.rounded(to: 4))
    }

    private static func figure(_ value: JSONValue) -> String {
        switch value {
        case .string(let text): text
        case .bool(let flag): flag ? "yes" : "no"
        default: value.integer.map { "\($0)" } ?? value.double.map { "\($0)" } ?? ""
        }
    }
}
