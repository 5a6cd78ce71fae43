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

    private typealias Figure = Figures.Figure

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

    func run() async throws -> Figures {
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
            var figures = Figures([("n", .integer(first)), ("dim", .integer(vectors.dimension)), ("k", .integer(k))])
            figures += try await searched(index, base, [large] + entries).figures("before")

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
            // Also where this fails: whoever searches meanwhile waits for it.
            defer { committed.value = vectors.rows }
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
            let (neighbours, took) = try await search(queries[query], index, base)
            found.append((query, rows, neighbours))
            searches.milliseconds.append(took)
        }
        let entries = try await added
        let took = (ContinuousClock.now - start) / .seconds(1)
        // Each against what was committed when it began: what came meanwhile can only be nearer.
        let sampled = stride(from: 0, to: found.count, by: max(1, found.count / 1_000)).map { found[$0] }
        for (query, rows, neighbours) in sampled {
            let nearest = try await truth.nearest(to: [queries[query]], among: [0..<rows])[0]
            searches.recalls.append(Truth.recall(of: neighbours.neighbours, against: nearest))
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
        let (found, took) = try await search(queries[0], index, base)
        figures.append(("next_search_ms", .number(took)))
        try Self.check([found], areOf: entries)

        // So many of the other documents, evenly, one after the other.
        var rest = entries
        for percent in [10, 50, 75] {
            let wanted = entries.count * (100 - percent) / 100
            let kept = (0..<wanted).map { rest[$0 * rest.count / wanted] }
            let files = Set(kept.map(\.file))
            for entry in rest where !files.contains(entry.file) {
                try await library.remove(entry, from: base)
            }
            rest = kept
            figures += try await searched(index, base, rest).figures("removed_\(percent)")
            try await index.settle(base)
            figures += try await searched(index, base, rest).figures("removed_\(percent)_settled")
            let count = rest.reduce(0) { $0 + $1.rows.count }
            figures.append(("removed_\(percent)_bytes_per_vector", .number(Double(index.bytes) / Double(max(1, count)))))
        }
        return figures
    }

    // MARK: - Truth

    private var truth: Truth { Truth(file: vectors, k: k, workers: workers) }

    /// All queries, one after the other, while these documents are there.
    private func searched(
        _ index: VectorIndex, _ base: KnowledgeBaseID, _ entries: [BenchLibrary.Entry]
    ) async throws -> Searches {
        var searches = Searches()
        var found: [FoundNeighbours] = []
        for query in queries {
            let (neighbours, took) = try await search(query, index, base)
            found.append(neighbours)
            searches.milliseconds.append(took)
        }
        try Self.check(found, areOf: entries)
        searches.recalls = zip(found, try await truth.nearest(to: queries, among: entries.map(\.rows)))
            .map { Truth.recall(of: $0.neighbours, against: $1) }
        return searches
    }

    private func search(
        _ query: [Float], _ index: VectorIndex, _ base: KnowledgeBaseID
    ) async throws -> (found: FoundNeighbours, milliseconds: Double) {
        let began = ContinuousClock.now
        let found = try await index.search(NeighbourSearch(query: query, bases: [base], limit: k))
        return (found, (ContinuousClock.now - began) / .milliseconds(1))
    }

    /// - Throws: Where anything was found that is not there any more; recall would not show it.
    private static func check(_ found: [FoundNeighbours], areOf entries: [BenchLibrary.Entry]) throws {
        let documents = Set(entries.map(\.document))
        guard found.allSatisfy({ $0.neighbours.allSatisfy { documents.contains($0.document) } }) else {
            throw CommandFailure(.failed, "A search found a document that was removed.")
        }
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
