import Knowledge
import Vectors

/// What searches should find in a file's rows: each query's nearest, by comparing it with every one of them in float32.
struct Truth: Sendable {
    /// Rows compared at a time.
    private static let step = 4_096

    typealias Nearest = [(chunk: ChunkID, similarity: Float)]

    let file: NumpyFile
    let k: Int
    let workers: Workers

    /// The k nearest of each query, best first; a chunk is named by its row.
    /// - Parameter rows: Which of the file's are there.
    func nearest(to queries: [[Float]], among rows: [Range<Int>]) async throws -> [Nearest] {
        let share = max(1, (queries.count + workers.count - 1) / workers.count)
        let starts = Array(stride(from: 0, to: queries.count, by: share))
        return try await withThrowingTaskGroup(of: (Int, [Nearest]).self) { group in
            for start in starts {
                let some = Array(queries[start..<min(start + share, queries.count)])
                group.addTask { (start, try await workers.run { try compared(some, rows) }) }
            }
            var parts: [Int: [Nearest]] = [:]
            for try await (start, nearest) in group { parts[start] = nearest }
            return starts.flatMap { parts[$0] ?? [] }
        }
    }

    private func compared(_ queries: [[Float]], _ rows: [Range<Int>]) throws -> [Nearest] {
        var truth = BruteForce(queries: queries, limit: k)
        for rows in rows {
            for start in stride(from: rows.lowerBound, to: rows.upperBound, by: Self.step) {
                let some = start..<min(start + Self.step, rows.upperBound)
                truth.add(try file.vectors(some), chunks: some.map { ChunkID(Int64($0)) })
            }
        }
        return truth.nearest
    }

    /// The part of the nearest that was found. Another chunk as near as the last of them, to within a millionth, counts too.
    static func recall(of found: [Neighbour], against nearest: Nearest) -> Double {
        guard let last = nearest.last else { return 1 }
        let hits = Set(found.filter { $0.similarity >= last.similarity - 1e-6 }.map(\.chunk)).count
        return Double(min(hits, nearest.count)) / Double(nearest.count)
    }
}
