import Foundation
import Knowledge
import Service
import Synchronization
import Vectors

/// Searches a knowledge base in a real database while it grows and shrinks, and compares every answer with float32 brute
/// force over what was there.
struct UpdatesBenchmark: Sendable {
    /// Rows of a document, and of one that comes while searches are under way.
    private static let documentRows = 100
    private static let arrivingRows = 10
    private static let largeRows = 10_000

    let vectors: NumpyFile
    let queries: [[Float]]
    var k: Int
    /// Rows a second that come, and for how long.
    var rate: Int
    var seconds: Int
    var workers: Workers

    typealias Figure = (name: String, value: JSONValue)

    /// How good and how fast some searches were.
    private struct Searches {
        var milliseconds: [Double] = []
        var recalls: [Double] = []

        func figures(_ stage: String) -> [Figure] {
            [
                ("\(stage)_recall", .number(recalls.reduce(0, +) / Double(max(recalls.count, 1)))),
                ("\(stage)_recall_p1", .number(recalls.percentile(0.01))),
                ("\(stage)_p50_ms", .number(milliseconds.percentile(0.5))),
                ("\(stage)_p99_ms", .number(milliseconds.percentile(0.99))),
            ]
        }
    }

    func run() async throws -> [Figure] {
        try await BenchLibrary.with(vectors) { library in
            let index = VectorIndex(store: library.database, segments: library.database, workers: workers)
            let base = try await library.makeBase()
            let arriving = rate * seconds
            let first = vectors.rows - arriving
            guard first >= 2 * Self.largeRows else {
                throw CommandFailure(.failed, "This takes at least \(2 * Self.largeRows + arriving) vectors.")
            }
            let large = try await library.add(0..<Self.largeRows, number: -1, to: base)
            var entries: [BenchLibrary.Entry] = []
            for start in stride(from: Self.largeRows, to: first, by: Self.documentRows) {
                entries.append(
                    try await library.add(start..<min(start + Self.documentRows, first), number: start, to: base))
            }
            try await index.settle(base)
            var figures: [Figure] = [("n", .integer(first)), ("dim", .integer(vectors.dimension)), ("k", .integer(k))]
            figures += try await searched(index, base, [0..<first]).figures("before")

            let (added, arrived) = try await growing(library, index, base, from: first)
            entries += added
            figures += arrived
            figures += try await shrinking(library, index, base, large: large, entries)
            return figures
        }
    }

    // MARK: - While rows come

    private func growing(
        _ library: BenchLibrary, _ index: VectorIndex, _ base: KnowledgeBaseID, from first: Int
    ) async throws -> ([BenchLibrary.Entry], [Figure]) {
        let committed = Count(first)
        let start = ContinuousClock.now
        let interval = Duration.seconds(1) * Self.arrivingRows / rate
        async let added = {
            var entries: [BenchLibrary.Entry] = []
            for (number, row) in stride(from: first, to: vectors.rows, by: Self.arrivingRows).enumerated() {
                try await Task.sleep(until: start + interval * number)
                let rows = row..<min(row + Self.arrivingRows, vectors.rows)
                entries.append(try await library.add(rows, number: row, to: base))
                committed.value = rows.upperBound
            }
            return entries
        }()
        var found: [(query: Int, rows: Int, FoundNeighbours)] = []
        var searches = Searches()
        while committed.value < vectors.rows {
            let (query, rows) = (found.count % queries.count, committed.value)
            let began = ContinuousClock.now
            found.append(
                (query, rows, try await index.search(NeighbourSearch(query: queries[query], bases: [base], limit: k))))
            searches.milliseconds.append((ContinuousClock.now - began) / .milliseconds(1))
        }
        let entries = try await added
        let took = (ContinuousClock.now - start) / .seconds(1)
        // Each against what was committed when it began: what came meanwhile can only be nearer.
        let sampled = stride(from: 0, to: found.count, by: max(1, found.count / 1_000)).map { found[$0] }
        for (query, rows, neighbours) in sampled {
            searches.recalls.append(try await recall(of: neighbours, to: queries[query], [0..<rows]))
        }
        let figures: [Figure] = [
            ("inserted_per_second", .number(Double(vectors.rows - first) / took)), ("searches", .integer(found.count)),
        ]
        return (entries, figures + searches.figures("inserting"))
    }

    // MARK: - While rows go

    private func shrinking(
        _ library: BenchLibrary, _ index: VectorIndex, _ base: KnowledgeBaseID, large: BenchLibrary.Entry,
        _ entries: [BenchLibrary.Entry]
    ) async throws -> [Figure] {
        var figures: [Figure] = []
        let began = ContinuousClock.now
        try await library.remove(large, from: base)
        figures.append(("remove_10000_chunks_ms", .number((ContinuousClock.now - began) / .milliseconds(1))))
        let again = ContinuousClock.now
        let search = NeighbourSearch(query: queries[0], bases: [base], limit: k)
        let recall = try await recall(of: index.search(search), to: queries[0], entries.map(\.rows))
        figures.append(("next_search_ms", .number((ContinuousClock.now - again) / .milliseconds(1))))
        figures.append(("next_search_recall", .number(recall)))

        // Every tenth document, then every other one, and so on, until a quarter of them is left.
        var rest = entries
        for percent in [10, 50, 75] {
            let wanted = entries.count * (100 - percent) / 100
            let kept = (0..<wanted).map { rest[$0 * rest.count / wanted] }
            let files = Set(kept.map(\.file))
            for entry in rest where !files.contains(entry.file) {
                try await library.remove(entry, from: base)
            }
            rest = kept
            let rows = rest.map(\.rows)
            figures += try await searched(index, base, rows).figures("removed_\(percent)")
            try await index.settle(base)
            figures += try await searched(index, base, rows).figures("removed_\(percent)_settled")
            let count = rows.reduce(0) { $0 + $1.count }
            figures.append(("removed_\(percent)_bytes_per_vector", .number(Double(index.bytes) / Double(max(1, count)))))
        }
        return figures
    }

    // MARK: - Truth

    /// All queries, one after the other.
    private func searched(
        _ index: VectorIndex, _ base: KnowledgeBaseID, _ rows: [Range<Int>]
    ) async throws -> Searches {
        var searches = Searches()
        var found: [FoundNeighbours] = []
        for query in queries {
            let began = ContinuousClock.now
            found.append(try await index.search(NeighbourSearch(query: query, bases: [base], limit: k)))
            searches.milliseconds.append((ContinuousClock.now - began) / .milliseconds(1))
        }
        searches.recalls = try await truth(queries, rows).enumerated().map { Self.recall(found[$0], $1) }
        return searches
    }

    private func recall(of found: FoundNeighbours, to query: [Float], _ rows: [Range<Int>]) async throws -> Double {
        Self.recall(found, try await truth([query], rows)[0])
    }

    /// The similarities of each query's nearest among these rows, best first.
    private func truth(_ queries: [[Float]], _ rows: [Range<Int>]) async throws -> [[Float]] {
        try await workers.run { [k, vectors] in
            var truth = BruteForce(queries: queries, limit: k)
            for rows in rows {
                for start in stride(from: rows.lowerBound, to: rows.upperBound, by: 4_096) {
                    let some = start..<min(start + 4_096, rows.upperBound)
                    truth.add(try vectors.vectors(some), chunks: some.map { ChunkID(Int64($0)) })
                }
            }
            return truth.nearest.map { $0.map(\.similarity) }
        }
    }

    /// The part of the nearest that was found: chunks as near as the last of them, to within a millionth.
    private static func recall(_ found: FoundNeighbours, _ truth: [Float]) -> Double {
        guard let last = truth.last else { return 1 }
        let hits = Set(found.neighbours.filter { $0.similarity >= last - 1e-6 }.map(\.chunk)).count
        return Double(min(hits, truth.count)) / Double(truth.count)
    }
}

/// A number that one task sets and another reads.
private final class Count: Sendable {
    private let number: Atomic<Int>

    init(_ number: Int) { self.number = Atomic(number) }

    var value: Int {
        get { number.load(ordering: .acquiring) }
        set { number.store(newValue, ordering: .releasing) }
    }
}
