import CKernels
package import Knowledge

/// The nearest vectors by comparing queries with every one of them in float32: the truth that an index is measured by.
package struct BruteForce: Sendable {
    private let queries: [[Float]]
    private let kernels: IndexKernels
    private var best: [TopNeighbours]

    package init(queries: [[Float]], limit: Int) {
        self.init(queries: queries, limit: limit, kernels: .best)
    }

    init(queries: [[Float]], limit: Int, kernels: IndexKernels) {
        self.queries = queries
        self.kernels = kernels
        best = queries.map { _ in TopNeighbours(limit: limit) }
    }

    /// Compares the queries with some more vectors, row after row.
    package mutating func add(_ vectors: [Float], chunks: [ChunkID]) {
        guard let dimension = queries.first?.count, dimension > 0 else { return }
        var scores = [Float](repeating: 0, count: chunks.count)
        for number in queries.indices {
            kernels.floats.pointee.dot_rows(queries[number], vectors, chunks.count, dimension, &scores)
            for row in chunks.indices where !(scores[row] < best[number].threshold) {
                let similarity = scores[row].isNaN ? -1 : scores[row]
                best[number].offer(.init(similarity: similarity, chunk: chunks[row], segment: 0, row: row))
            }
        }
    }

    /// For each query the nearest chunks, best first; ties by chunk id.
    package var nearest: [[(chunk: ChunkID, similarity: Float)]] {
        best.map { $0.sorted().map { (chunk: $0.chunk, similarity: $0.similarity) } }
    }
}
