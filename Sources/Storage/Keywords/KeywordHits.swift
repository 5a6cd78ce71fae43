import Knowledge

// From what a search has read to the hits that it returns.

extension KeywordSearch {
    /// A chunk's document, as the index knows it.
    private struct Owner {
        var document: DocumentID
        var rows: Range<Int64>
        var words: Int
    }

    /// The best chunks, best first, ties by chunk; of these rows alone, where given.
    func hits(_ limit: Int, of rows: KeywordRows?, _ reader: Reader) throws -> [KeywordHit] {
        var hits: [KeywordHit] = []
        for base in bases {
            let finalists = finalists(Self.finalistsOfAHit * limit, of: base, among: rows)
            let owners = try Self.owners(of: finalists, in: base, reader)
            var scores: [DocumentID: Double] = [:]
            for (candidate, owner) in zip(finalists, owners) {
                guard let owner else { continue }
                let score = scores[owner.document] ?? score(ofRows: owner.rows, words: owner.words, in: base)
                scores[owner.document] = score
                hits.append(KeywordHit(
                    knowledgeBase: base.id, document: owner.document, chunk: ChunkID(candidate.row.chunk),
                    score: candidate.score + Self.documentWeight * score, coverage: min(1, candidate.coverage)))
            }
        }
        hits.sort { ($0.score, $1.chunk.rawValue) > ($1.score, $0.chunk.rawValue) }
        return Array(hits.prefix(limit))
    }

    /// The owner of each candidate, in their order; nil for one that is gone.
    private static func owners(of candidates: [Candidate], in base: Base, _ reader: Reader) throws -> [Owner?] {
        let row = try reader.query(
            """
            SELECT document_id, first_chunk, last_chunk, words FROM edition
            WHERE knowledge_base_id = ? AND first_chunk <= ? ORDER BY first_chunk DESC LIMIT 1
            """, base.id.rawValue)
        var owners = [Owner?](repeating: nil, count: candidates.count)
        var last: Owner?
        // Chunks of one document stand together.
        for place in candidates.indices.sorted(by: { candidates[$0].row.id < candidates[$1].row.id }) {
            let candidate = candidates[place].row
            if last?.rows.contains(candidate.id) != true {
                try row.bind(candidate.chunk, at: 2)
                defer { row.end() }
                guard try row.next() else { continue }
                last = Owner(
                    document: DocumentID(rawValue: try row.text(0)),
                    rows: try KeywordRow.range(ofChunksFrom: row.int(1), to: row.int(2)), words: Int(row.int(3)))
            }
            if let last, last.rows.contains(candidate.id) { owners[place] = last }
        }
        return owners
    }
}

/// The best of many candidates.
struct BestCandidates {
    private let limit: Int
    /// Best first, ties by chunk.
    private(set) var sorted: [KeywordSearch.Candidate] = []

    init(limit: Int) { self.limit = limit }

    /// A score that a candidate must exceed which comes later, in the order of chunks.
    var threshold: Double { sorted.count < limit ? 0 : sorted.last?.score ?? .infinity }

    mutating func offer(_ candidate: KeywordSearch.Candidate) {
        guard limit > 0 else { return }
        var (low, high) = (0, sorted.count)
        while low < high {
            let middle = (low + high) / 2
            let other = sorted[middle]
            if (other.score, candidate.row.chunk) > (candidate.score, other.row.chunk) {
                low = middle + 1
            } else {
                high = middle
            }
        }
        if sorted.count == limit { sorted.removeLast() }
        sorted.insert(candidate, at: low)
    }
}

extension Array<Posting> {
    /// Those that are in none of these ranges.
    func without(_ ranges: [Range<Int64>]) -> [Posting] {
        var rest = self
        for range in ranges {
            rest.removeSubrange(rest.firstIndex(notBelow: range.lowerBound)..<rest.firstIndex(notBelow: range.upperBound))
        }
        return rest
    }
}

extension RandomAccessCollection<Posting> where Index == Int {
    /// The place of the first posting of this row or a later one.
    func firstIndex(notBelow row: Int64) -> Int {
        var (low, high) = (startIndex, endIndex)
        while low < high {
            let middle = (low + high) / 2
            if self[middle].row < row { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
