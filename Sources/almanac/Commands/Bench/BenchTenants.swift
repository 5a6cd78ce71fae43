import ArgumentParser
import Foundation
import Knowledge
import Service
import Vectors

/// What many knowledge bases in one data directory cost that hardly anybody asks.
struct BenchTenants: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tenants",
        abstract: "Search many knowledge bases once each, and say what they cost in memory, then and at rest.",
        discussion: """
            The first call fills the folder and measures nothing, so that what is measured is the memory of a process that \
            opened it as a server does at its start.
            """)

    @Option(help: "The folder of the database, which the first call fills.")
    var data: String

    @Option(help: "A .npy file of little-endian float32 rows, which the knowledge bases take in turn.")
    var vectors: String

    @Option(help: "Knowledge bases.")
    var bases = 1_000

    @Option(help: "Chunks of each.")
    var chunks = 1_000

    @Option(help: "Megabytes that the index may hold.")
    var memory = 64

    @Option(help: "Threads that search.")
    var threads = 1

    @Flag(help: "Print the result as JSON.")
    var json = false

    /// Searched before the memory at rest is read: what SQLite's connections keep is theirs, however many there are.
    private static let warmUp = 20

    func validate() throws {
        guard (1...256).contains(threads) else { throw ValidationError("--threads must be between 1 and 256.") }
        guard (1...100_000).contains(bases) else { throw ValidationError("--bases must be between 1 and 100000.") }
        guard (1...10_000).contains(chunks) else { throw ValidationError("--chunks must be between 1 and 10000.") }
        guard (1...1_000_000).contains(memory) else { throw ValidationError("--memory must be between 1 and 1000000.") }
    }

    func run() async throws {
        try await Figures.explaining {
            let file = try NumpyFile(vectors)
            guard file.rows >= chunks else { throw CommandFailure(.failed, "This takes at least \(chunks) vectors.") }
            try await BenchLibrary.with(file, in: data) { library in
                let held = try await library.bases(ofChunks: chunks)
                if held.count < bases { return try await fill(library, file, from: held.count) }
                try await measure(library, Array(held.prefix(bases)), file).show(asJSON: json)
            }
        }
    }

    private func fill(_ library: BenchLibrary, _ file: NumpyFile, from first: Int) async throws {
        var line = ProgressLine(unit: "knowledge bases")
        defer { line.end() }
        for number in first..<bases {
            let row = number * chunks % (file.rows - chunks + 1)
            _ = try await library.add(row..<row + chunks, number: number, to: library.makeBase(ofChunks: chunks))
            line.show(number + 1, of: bases)
        }
        Terminal.note("The folder is filled. Run this again to measure.")
    }

    /// Memory goes back to the system behind the call.
    private func release(_ index: VectorIndex) async throws {
        index.release(unusedSince: .now)
        try await Task.sleep(for: .seconds(1))
    }

    private func measure(
        _ library: BenchLibrary, _ held: [KnowledgeBaseID], _ file: NumpyFile
    ) async throws -> Figures {
        var limits = IndexLimits()
        limits.memoryBytes = memory << 20
        let index = VectorIndex(
            store: library.database, segments: library.database, workers: Workers(count: threads, name: "bench"),
            limits: limits)
        let query = try file.vectors(0..<1)
        func search(_ base: KnowledgeBaseID) async throws -> Double {
            let began = ContinuousClock.now
            _ = try await index.search(NeighbourSearch(query: query, bases: [base], limit: 10))
            return (ContinuousClock.now - began) / .milliseconds(1)
        }
        for base in held.prefix(Self.warmUp) { _ = try await search(base) }
        try await release(index)
        let before = Figures.residentBytes
        var (milliseconds, again, most) = ([Double](), [Double](), 0)
        for base in held {
            milliseconds.append(try await search(base))
            again.append(try await search(base))
            most = max(most, index.bytes)
        }
        let searched = Figures.residentBytes
        try await release(index)
        let idle = Figures.residentBytes
        return Figures([
            ("bases", .integer(held.count)), ("chunks", .integer(chunks)), ("dim", .integer(file.dimension)),
            ("first_search_p50_ms", .number(milliseconds.percentile(0.5))),
            ("first_search_p99_ms", .number(milliseconds.percentile(0.99))),
            ("next_search_p50_ms", .number(again.percentile(0.5))), ("memory_limit_bytes", .integer(memory << 20)),
            ("index_bytes_at_most", .integer(most)), ("rss_before_bytes", .integer(before)),
            ("rss_searched_bytes", .integer(searched)), ("rss_idle_bytes", .integer(idle)),
            ("idle_cost_bytes", .integer(idle - before)),
        ])
    }
}
