import Foundation
import Knowledge
import Service
import Vectors

/// Builds an index of a file's vectors, opens it again, asks it a file's queries one at a time, and compares the answers
/// with float32 brute force.
struct IndexBenchmark: Sendable {
    /// Queries asked before the clock runs.
    private static let warmUp = 200

    var vectors: String
    var queries: String
    var k: Int
    var threads: Int
    var precision: NeighbourSearch.Precision
    /// Searches under way at the same time in a second measurement; nil: none.
    var batch: Int?
    /// The instruction set; nil: the fastest.
    var kernel: String?

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

    /// Times named `cpu` are of the processor: other programs do not lengthen them.
    func run() async throws -> Figures {
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
        // What is learnt of an opened index in the background comes a moment later.
        try await index.settle(store.base)
        for search in searches.prefix(Self.warmUp) { _ = try await index.search(search) }
        try await time(searches, in: index, &measured)
        measured.rate = try await batchRate(index, searches)
        measured.memory = Figures.residentBytes
        let truth = try await Truth(file: file, k: k, workers: workers)
            .nearest(to: searches.map(\.query), among: [0..<file.rows])
        for (truth, found) in zip(truth, measured.found) {
            measured.recalls.append(Truth.recall(of: found.neighbours, against: truth))
            let isSame = truth.map(\.chunk) == found.neighbours.map(\.chunk)
                && zip(truth, found.neighbours).allSatisfy { min(max($0.similarity, -1), 1) == $1.similarity }
            measured.identical += isSame ? 1 : 0
        }
        return Figures(rows(measured, file, index))
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

    private func rows(_ measured: Measured, _ file: NumpyFile, _ index: VectorIndex) -> [Figures.Figure] {
        func mean(_ numbers: [Double]) -> Double { numbers.reduce(0, +) / Double(max(numbers.count, 1)) }
        let reports = measured.found.map(\.report)
        let rows: [Figures.Figure] = [
            ("n", .integer(file.rows)), ("dim", .integer(file.dimension)), ("k", .integer(k)),
            ("threads", .integer(threads)), ("plan", .string((reports.last?.plan ?? .none).rawValue)),
            ("kernel", .string(index.kernel)), ("build_seconds", .number(measured.build)),
            ("load_seconds", .number(measured.load)), ("p50_ms", .number(measured.milliseconds.percentile(0.5))),
            ("p99_ms", .number(measured.milliseconds.percentile(0.99))),
            ("mean_ms", .number(mean(measured.milliseconds))), ("recall", .number(mean(measured.recalls))),
            ("recall_p1", .number(measured.recalls.percentile(0.01))),
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

    private static var processorSeconds: Double { Double(clock()) / Double(CLOCKS_PER_SEC) }
}
