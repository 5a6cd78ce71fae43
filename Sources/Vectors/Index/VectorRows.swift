import Knowledge

/// Documents' vectors one after the other, of which a segment is to be made.
struct VectorRows: Sendable {
    let dimension: Int
    private(set) var documents: [CompletedDocument] = []
    private(set) var chunks: [ChunkID] = []
    /// `dimension` floats a row.
    private(set) var vectors: [Float] = []

    var count: Int { chunks.count }

    init(dimension: Int) {
        self.dimension = dimension
    }

    init(_ documents: [DocumentVectors], dimension: Int) {
        self.init(dimension: dimension)
        let count = documents.reduce(0) { $0 + $1.chunks.count }
        chunks.reserveCapacity(count)
        vectors.reserveCapacity(count * dimension)
        for document in documents { append(document) }
    }

    /// A document of which nothing is left is left out, and so is one that does not fit the others.
    mutating func append(_ document: DocumentVectors) {
        guard !document.chunks.isEmpty, document.vectors.count == document.chunks.count * dimension else { return }
        documents.append(
            CompletedDocument(
                document: document.document, revision: document.revision, chunkCount: document.chunks.count))
        chunks += document.chunks
        vectors += document.vectors
    }

    /// The mean of some rows; zero where it is too large to calculate with: a length that overflows would make every
    /// bound useless.
    func mean<Rows: Sequence<Int>>(of rows: Rows) -> [Float] {
        var sums = [Double](repeating: 0, count: dimension)
        var count = 0.0
        vectors.withUnsafeBufferPointer { vectors in
            for row in rows {
                count += 1
                for index in 0..<dimension { sums[index] += Double(vectors[row * dimension + index]) }
            }
        }
        let mean = sums.map { Float($0 / max(count, 1)) }
        return mean.allSatisfy { abs($0) < 1e6 } ? mean : Array(repeating: 0, count: dimension)
    }
}

extension Workers {
    /// Runs `body` on all threads, each over an equal share of the numbers below `count`. The results are in their order.
    func shares<Value: Sendable>(
        of count: Int, _ body: @escaping @Sendable (Range<Int>) -> Value
    ) async throws -> [Value] {
        let share = max(1, (count + self.count - 1) / self.count)
        let ranges = stride(from: 0, to: count, by: share).map { $0..<min($0 + share, count) }
        return try await withThrowingTaskGroup(of: (Int, Value).self) { group in
            for (number, range) in ranges.enumerated() {
                group.addTask { (number, try await self.run { body(range) }) }
            }
            var values: [Int: Value] = [:]
            for try await (number, value) in group { values[number] = value }
            return ranges.indices.compactMap { values[$0] }
        }
    }
}
