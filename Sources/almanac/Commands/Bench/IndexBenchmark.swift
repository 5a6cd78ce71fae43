import Foundation
import Knowledge
import Vectors

/// Builds an index of a file's vectors, opens it again, asks it a file's queries one at a time, and compares the answers
/// with float32 brute force.
struct IndexBenchmark: Sendable {
    /// Queries asked before the clock runs.
    private static let warmUp = 200
    /// Rows compared at a time for the truth.
    private static let truthRows = 4_096

    var vectors: String
    var queries: String
    var k: Int
    var threads: Int
    var precision: NeighbourSearch.Precision
    /// Searches under way at the same time in a second measurement; nil: none.
    var batch: Int?
    /// The instruction set; nil: the fastest.
    var kernel: String?

    /// What was measured, in the order and under the names in which it is printed. Times named `cpu` are of the
    /// processor: other programs do not lengthen them.
    struct Result {
        var rows: [(name: String, value: JSONValue)]
    }

    private struct Measured {
        var build = 0.0
        var load = 0.0
        var buildProcessor = 0.0
        var queryProcessor = 0.0
        var milliseconds: [Double] = []
        var found: [FoundNeighbours] = []
        var recalls: [Double] = []
        /// Queries whose chunks and similarities are the truth's to the last bit.
        var identical = 0
        var rate: Double?
        var memory = 0
    }

    func run() async throws -> Result {
        let file = try NumpyFile(vectors)
        let asked = try NumpyFile(queries)
        let store = NumpyStore(file)
        let searches = try (0..<asked.rows).map { row in
            NeighbourSearch(
                query: try asked.vectors(row..<row + 1), bases: [store.base], limit: k, precision: precision)
        }
        let workers = Workers(count: threads, name: "bench")
        var measured = Measured()
        let processor = Self.processorSeconds
        measured.build = try await ContinuousClock().measure {
            try await VectorIndex(store: store, segments: store, workers: workers, kernel: kernel).settle(store.base)
        } / .seconds(1)
        measured.buildProcessor = Self.processorSeconds - processor
        let index = VectorIndex(store: store, segments: store, workers: workers, kernel: kernel)
        measured.load = try await ContinuousClock().measure {
            for search in searches.prefix(1) { _ = try await index.search(search) }
        } / .seconds(1)
        for search in searches.prefix(Self.warmUp) { _ = try await index.search(search) }
        try await time(searches, in: index, &measured)
        measured.rate = try await batchRate(index, searches)
        measured.memory = Self.residentBytes
        for (truth, found) in zip(try await truth(of: searches, file, workers), measured.found) {
            measured.recalls.append(Self.recall(truth, found))
            let isSame = truth.map(\.chunk) == found.neighbours.map(\.chunk)
                && zip(truth, found.neighbours).allSatisfy { min(max($0.similarity, -1), 1) == $1.similarity }
            measured.identical += isSame ? 1 : 0
        }
        return Result(rows: rows(measured, file, index))
    }

    /// One query at a time.
    private func time(_ searches: [NeighbourSearch], in index: VectorIndex, _ measured: inout Measured) async throws {
        let clock = ContinuousClock()
        let processor = Self.processorSeconds
        for search in searches {
            let start = clock.now
            measured.found.append(try await index.search(search))
            measured.milliseconds.append((clock.now - start) / .milliseconds(1))
        }
        measured.queryProcessor = (Self.processorSeconds - processor) * 1_000 / Double(max(searches.count, 1))
    }

    private func rows(_ measured: Measured, _ file: NumpyFile, _ index: VectorIndex) -> [(String, JSONValue)] {
        func mean(_ numbers: [Double]) -> Double { numbers.reduce(0, +) / Double(max(numbers.count, 1)) }
        func quantile(_ numbers: [Double], _ part: Double) -> Double {
            let sorted = numbers.sorted()
            return sorted.isEmpty ? 0 : sorted[Int((Double(sorted.count - 1) * part).rounded())]
        }
        let reports = measured.found.map(\.report)
        let rows: [(String, JSONValue)] = [
            ("n", .integer(file.rows)), ("dim", .integer(file.dimension)), ("k", .integer(k)),
            ("threads", .integer(threads)), ("plan", .string((reports.last?.plan ?? .none).rawValue)),
            ("kernel", .string(index.kernel)), ("build_seconds", .number(measured.build)),
            ("load_seconds", .number(measured.load)), ("p50_ms", .number(quantile(measured.milliseconds, 0.5))),
            ("p99_ms", .number(quantile(measured.milliseconds, 0.99))),
            ("mean_ms", .number(mean(measured.milliseconds))), ("recall", .number(mean(measured.recalls))),
            ("recall_p1", .number(quantile(measured.recalls, 0.01))),
            ("identical", .integer(measured.identical)), ("exact", .bool(reports.allSatisfy(\.isExact))),
            ("bytes_per_vector", .number(Double(index.bytes) / Double(max(file.rows, 1)))),
            ("rss_bytes", .integer(measured.memory)), ("build_cpu_seconds", .number(measured.buildProcessor)),
            ("cpu_ms", .number(measured.queryProcessor)), ("scanned", .number(mean(reports.map { Double($0.scanned) }))),
            ("refined", .number(mean(reports.map { Double($0.refined) }))),
            ("rescored", .number(mean(reports.map { Double($0.rescored) }))),
        ]
        guard let batch, let rate = measured.rate else { return rows }
        return rows + [("batch", .integer(batch)), ("batch_queries_per_second", .number(rate))]
    }

    /// Searches a second with `batch` of them under way at any time.
    private func batchRate(_ index: VectorIndex, _ searches: [NeighbourSearch]) async throws -> Double? {
        guard let batch else { return nil }
        let seconds = try await ContinuousClock().measure {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (number, search) in searches.enumerated() {
                    if number >= batch { try await group.next() }
                    group.addTask { _ = try await index.search(search) }
                }
                try await group.waitForAll()
            }
        } / .seconds(1)
        return Double(searches.count) / seconds
    }

    /// For each query its k nearest, by comparing it with every vector.
    private func truth(
        of searches: [NeighbourSearch], _ file: NumpyFile, _ workers: Workers
    ) async throws -> [[(chunk: ChunkID, similarity: Float)]] {
        let share = max(1, (searches.count + threads - 1) / threads)
        let starts = Array(stride(from: 0, to: searches.count, by: share))
        return try await withThrowingTaskGroup(of: (Int, [[(chunk: ChunkID, similarity: Float)]]).self) { group in
            for start in starts {
                group.addTask {
                    try await workers.run {
                        let some = start..<min(start + share, searches.count)
                        var truth = BruteForce(queries: searches[some].map(\.query), limit: k)
                        for first in stride(from: 0, to: file.rows, by: Self.truthRows) {
                            let rows = first..<min(first + Self.truthRows, file.rows)
                            truth.add(try file.vectors(rows), chunks: rows.map { ChunkID(Int64($0)) })
                        }
                        return (start, truth.nearest)
                    }
                }
            }
            var parts: [Int: [[(chunk: ChunkID, similarity: Float)]]] = [:]
            for try await (start, nearest) in group { parts[start] = nearest }
            return starts.flatMap { parts[$0] ?? [] }
        }
    }

    /// The part of the k nearest that was found. Another chunk as near as the k-th, to within a millionth, counts too.
    private static func recall(
        _ truth: [(chunk: ChunkID, similarity: Float)], _ found: FoundNeighbours
    ) -> Double {
        guard let last = truth.last else { return 1 }
        let hits = Set(found.neighbours.filter { $0.similarity >= last.similarity - 1e-6 }.map(\.chunk)).count
        return Double(min(hits, truth.count)) / Double(truth.count)
    }

    private static var processorSeconds: Double { Double(clock()) / Double(CLOCKS_PER_SEC) }

    /// What the process holds in memory; 0 where the system does not say.
    static var residentBytes: Int {
        guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8) else { return 0 }
        let pages = text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
    }
}
