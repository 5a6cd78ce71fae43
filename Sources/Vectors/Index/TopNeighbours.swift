import Knowledge

/// The best neighbours seen so far, best first when taken out: by similarity, ties by chunk id.
struct TopNeighbours {
    /// A row before its document is looked up; only the few that win need it.
    struct Hit {
        var similarity: Float
        var chunk: ChunkID
        /// Which segment the row is in.
        var segment: Int
        var row: Int

        func isBetter(than other: Hit) -> Bool {
            similarity != other.similarity ? similarity > other.similarity : chunk < other.chunk
        }
    }

    private let limit: Int
    /// A binary heap with the worst hit on top.
    private var heap: [Hit] = []

    init(limit: Int) {
        self.limit = limit
    }

    /// What a row must at least reach to matter; equal similarity may win by its chunk id.
    var threshold: Float { heap.count < limit ? -.infinity : heap[0].similarity }

    mutating func offer(_ hit: Hit) {
        if heap.count < limit {
            heap.append(hit)
            rise()
        } else if limit > 0, hit.isBetter(than: heap[0]) {
            heap[0] = hit
            sink()
        }
    }

    mutating func merge(_ other: TopNeighbours) {
        for hit in other.heap { offer(hit) }
    }

    func sorted() -> [Hit] { heap.sorted { $0.isBetter(than: $1) } }

    private mutating func rise() {
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[parent].isBetter(than: heap[child]) else { return }
            heap.swapAt(parent, child)
            child = parent
        }
    }

    private mutating func sink() {
        var parent = 0
        while true {
            var worst = parent
            for child in 2 * parent + 1...2 * parent + 2 where child < heap.count {
                if heap[worst].isBetter(than: heap[child]) { worst = child }
            }
            guard worst != parent else { return }
            heap.swapAt(parent, worst)
            parent = worst
        }
    }
}
