import CKernels
import Knowledge

/// One query against the segments of all its knowledge bases.
struct Scan: Sendable {
    struct Part: Sendable {
        var base: KnowledgeBaseID
        var segment: Segment
    }

    /// Rows of one part that one thread compares.
    private struct Stretch {
        var part: Int
        var rows: Range<Int>
    }

    /// Below this many rows a second thread costs more than it brings: about 1 ms of 384 floats.
    private static let rowsWorthAThread = 16_384
    /// Rows scored at a time; their scores stay in the first-level cache.
    private static let blockRows = 1_024

    let query: [Float]
    let parts: [Part]
    let limit: Int
    let kernels: Kernels

    /// The best rows, best first.
    ///
    /// - Parameter documents: Where given, only these documents' rows.
    func run(documents: Set<DocumentID>?, on workers: Workers) async throws -> [Neighbour] {
        let shares = try await workers.run { [threads = workers.count] in self.shares(of: documents, threads: threads) }
        var best = TopNeighbours(limit: limit)
        try await withThrowingTaskGroup(of: TopNeighbours.self) { group in
            for share in shares {
                group.addTask { try await workers.run { self.best(of: share) } }
            }
            for try await found in group { best.merge(found) }
        }
        return best.sorted().map(neighbour)
    }

    /// The rows of these chunks alone.
    func similarities(of places: [ChunkPlace]) -> [Neighbour] {
        places.compactMap { place in
            for part in parts where part.base == place.knowledgeBase {
                guard let row = part.segment.row(of: place) else { continue }
                let block = part.segment.block
                var similarity: Float = 0
                kernels.table.pointee.dot_rows(
                    query, block.vectors.base + row * block.dimension, 1, block.dimension, &similarity)
                return Neighbour(
                    knowledgeBase: place.knowledgeBase, document: place.document, chunk: place.chunk,
                    similarity: similarity.isNaN ? -1 : min(max(similarity, -1), 1))
            }
            return nil
        }
    }

    private func neighbour(_ hit: TopNeighbours.Hit) -> Neighbour {
        let part = parts[hit.segment]
        return Neighbour(
            knowledgeBase: part.base, document: part.segment.block.document(ofRow: hit.row), chunk: hit.chunk,
            similarity: min(max(hit.similarity, -1), 1))
    }

    /// All rows in about equal shares, one per thread that is worth it.
    private func shares(of documents: Set<DocumentID>?, threads: Int) -> [[Stretch]] {
        let all = parts.indices.flatMap { part in
            parts[part].segment.ranges(of: documents).map { Stretch(part: part, rows: $0) }
        }
        let total = all.reduce(0) { $0 + $1.rows.count }
        let count = min(threads, max(1, total / Self.rowsWorthAThread))
        let size = (total + count - 1) / count
        var shares: [[Stretch]] = [[]]
        var room = size
        for var stretch in all {
            while !stretch.rows.isEmpty {
                if room == 0 {
                    shares.append([])
                    room = size
                }
                let taken = stretch.rows.prefix(room)
                shares[shares.count - 1].append(Stretch(part: stretch.part, rows: taken))
                room -= taken.count
                stretch.rows = stretch.rows.dropFirst(taken.count)
            }
        }
        return shares
    }

    private func best(of share: [Stretch]) -> TopNeighbours {
        var best = TopNeighbours(limit: limit)
        withUnsafeTemporaryAllocation(of: Float.self, capacity: Self.blockRows) { scores in
            for stretch in share {
                var rest = stretch.rows
                while !rest.isEmpty {
                    score(rest.prefix(Self.blockRows), of: stretch.part, scores, into: &best)
                    rest = rest.dropFirst(Self.blockRows)
                }
            }
        }
        return best
    }

    private func score(
        _ rows: Range<Int>, of part: Int, _ scores: UnsafeMutableBufferPointer<Float>, into best: inout TopNeighbours
    ) {
        guard let base = scores.baseAddress else { return }
        let block = parts[part].segment.block
        kernels.table.pointee.dot_rows(
            query, block.vectors.base + rows.lowerBound * block.dimension, rows.count, block.dimension, base)
        var threshold = best.threshold
        for index in 0..<rows.count where !(scores[index] < threshold) {
            let row = rows.lowerBound + index
            // A stored vector that is no number is found last, not never.
            let similarity = scores[index].isNaN ? -1 : scores[index]
            best.offer(.init(similarity: similarity, chunk: block.chunks[row], segment: part, row: row))
            threshold = best.threshold
        }
    }
}
