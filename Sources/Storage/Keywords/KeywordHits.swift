import GRDB
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
    func hits(_ limit: Int, of rows: KeywordRows?, db: Connection) throws -> [KeywordHit] {
        var hits: [KeywordHit] = []
        for base in bases {
            let finalists = finalists(max(Self.fewestFinalists, 2 * limit), of: base, among: rows)
            let owners = try Self.owners(of: finalists, in: base, db)
            var scores: [DocumentID: Double] = [:]
            for candidate in finalists {
                guard let owner = owners[candidate.row.chunk] else { continue }
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

    private static func owners(
        of candidates: [Candidate], in base: Base, _ db: Connection
    ) throws -> [Int64: Owner] {
        guard !candidates.isEmpty else { return [:] }
        let statement = try db.cachedStatement(
            sql: """
                SELECT chunk.id, edition.document_id, first_chunk, last_chunk, words
                FROM json_each(:chunks) AS wanted
                CROSS JOIN chunk ON chunk.id = wanted.value
                CROSS JOIN edition ON edition.document_id = chunk.document_id AND edition.knowledge_base_id = :base
                """)
        let rows = try Row.fetchCursor(
            statement,
            arguments: ["chunks": try jsonText(candidates.map(\.row.chunk)), "base": base.id.rawValue]
        )
        var owners: [Int64: Owner] = [:]
        while let row = try rows.next() {
            owners[try row.get("id")] = Owner(
                document: try row.id("document_id"),
                rows: try KeywordRow.range(ofChunksFrom: row.get("first_chunk"), to: row.get("last_chunk")),
                words: try row.get("words"))
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
