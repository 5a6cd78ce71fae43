import Knowledge

/// How many rows of a clustered block a search has to look at, those of the clusters nearest to it first, to find what is
/// near.
///
/// It is measured on the block itself, since it depends on what the texts are about: of a million vectors around two thousand
/// topics one in a hundred is enough, while of real questions and paragraphs every third may be needed.
struct Reach: Sendable {
    /// Up to so many neighbours; where more are wanted, nothing is known.
    private static let neighbourCounts = [10, 50]
    /// Rows that are asked for their neighbours.
    private static let questions = 128
    /// The part of all neighbours that are to lie within reach. Of these the codes lose a few more.
    private static let wantedShare = 0.995
    /// Whoever asks is no chunk: questions lie farther from the clusters than the chunks that were asked.
    private static let margin = 2

    /// For each of the counts, without the margin.
    private let rows: [Int]

    /// How many rows to look at for so many neighbours; nil where it is not known.
    func rows(for limit: Int) -> Int? { zip(Self.neighbourCounts, rows).first { limit <= $0.0 }.map { Self.margin * $0.1 } }

    /// The chunks of a block that are to be asked about, spread over it.
    static func chunks(of block: CodeBlock) -> [ChunkID] {
        let count = min(questions, block.rows)
        return (0..<count).map { block.chunk(ofRow: ($0 * 2 + 1) * block.rows / (2 * count)) }
    }

    /// - Parameter vectors: Of the block's `chunks`; those that are missing or damaged are not asked.
    init(of block: CodeBlock, _ vectors: [[Float]?], kernels: IndexKernels) {
        let vectors = vectors.compactMap(\.self).filter { $0.count == block.dimension && $0.allSatisfy(\.isFinite) }
        guard let centroids = block.centroids, !vectors.isEmpty else {
            rows = Self.neighbourCounts.map { _ in block.rows }
            return
        }
        var needed = Self.neighbourCounts.map { _ in [Int]() }
        for vector in vectors {
            let ofQuestion = Self.rowsNeeded(PreparedQuery(vector), block, centroids, kernels)
            for (index, limit) in Self.neighbourCounts.enumerated() { needed[index] += ofQuestion.prefix(limit) }
        }
        rows = needed.map { needed in
            needed.isEmpty ? block.rows : needed.sorted()[min(needed.count - 1, Int(Self.wantedShare * Double(needed.count)))]
        }
    }

    /// How many rows are looked at until each of the nearest is among them, nearest first.
    private static func rowsNeeded(
        _ query: PreparedQuery, _ block: CodeBlock, _ centroids: Centroids, _ kernels: IndexKernels
    ) -> [Int] {
        var rank = [Int](repeating: block.rows, count: block.layout.groups)
        var rows = 0
        let order = centroids.nearest(centroids.count, to: query, kernels: kernels).sorted { $0.similarity > $1.similarity }
        for cluster in order {
            rows += block.rows(ofGroup: cluster.number).count
            rank[cluster.number] = rows
        }
        let part = Funnel.Part(
            base: KnowledgeBaseID(rawValue: ""), segment: Segment(block), selection: RowSelection(all: block.rows))
        // One more, since the nearest to a row is the row.
        let limit = min((neighbourCounts.max() ?? 0) + 1, block.rows)
        let funnel = Funnel(
            query: query, parts: [part], limit: limit, coarse: .signs(deviations: IndexSearch.deviations), kernels: kernels)
        let nearest = funnel.sift(IndexSearch.all(0, part)).candidates.sorted { $0.similarity > $1.similarity }
        return nearest.prefix(limit).dropFirst().map { rank[block.group(ofRow: $0.row)] }
    }
}
