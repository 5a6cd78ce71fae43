import GRDB
import Glibc
import Knowledge

/// One search in the keyword index: reads what its terms have in each knowledge base and scores every chunk that has any.
///
/// BM25 (Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009) with a word in the line of title and
/// headings counted as several in the text, as BM25F does. Words are as rare as in all the knowledge bases searched
/// together, and in no other.
struct KeywordSearch {
    /// How fast further occurrences of a word stop counting, and how much a long text's count less.
    static let k1 = 1.2
    static let b = 0.75
    /// Occurrences that one in the line of title and headings is worth.
    static let contextWeight = 3.0

    /// A knowledge base with what each term has there.
    private struct Base {
        var id: KnowledgeBaseID
        var chunks: Int
        var words: Int
        /// For each term, in the order of rows.
        var matches: [[Match]]
    }

    /// A row that has a term, or a variant of it.
    private struct Match {
        var row: KeywordRow
        /// Weighted number of occurrences.
        var frequency: Double
        /// 1 for the term itself, less for a variant.
        var weight: Double
    }

    /// What a row has come to.
    struct Candidate {
        var row: KeywordRow
        var score: Double
        var coverage: Double
    }

    private let terms: [KeywordQuery.Term]
    private var bases: [Base] = []

    init(_ query: KeywordQuery, in bases: [KnowledgeBaseID], db: Connection) throws {
        let known = try Self.indexed(bases, db)
        terms = try Self.rarest(query.terms, in: known.map(\.number), db)
        guard !terms.isEmpty else { return }
        for base in known {
            let matches = try Self.matches(of: terms, in: base.number, db)
            self.bases.append(Base(id: base.id, chunks: base.chunks, words: base.words, matches: matches))
        }
    }

    private static func indexed(
        _ bases: [KnowledgeBaseID], _ db: Connection
    ) throws -> [(id: KnowledgeBaseID, number: KeywordBase, chunks: Int, words: Int)] {
        let rows = try Row.fetchAll(
            db,
            sql: """
                SELECT knowledge_base_id, number, chunks, words FROM json_each(:bases) AS base
                CROSS JOIN keyword_base ON knowledge_base_id = base.value WHERE chunks > 0
                """,
            arguments: ["bases": try jsonText(Set(bases.map(\.rawValue)).sorted())]
        )
        return try rows.map { row in
            (try row.id("knowledge_base_id"), KeywordBase(number: try row.get("number")), try row.get("chunks"),
             try row.get("words"))
        }
    }

    /// The terms that count where there are too many: those in the fewest chunks, if in any.
    private static func rarest(
        _ terms: [KeywordQuery.Term], in bases: [KeywordBase], _ db: Connection
    ) throws -> [KeywordQuery.Term] {
        guard terms.count > KeywordQuery.mostTerms else { return terms }
        let statement = try db.cachedStatement(sql: "SELECT doc FROM keyword_vocabulary WHERE term = ?")
        var counted: [(place: Int, count: Int)] = []
        for (place, term) in terms.enumerated() {
            var count = 0
            for base in bases {
                let key = String(decoding: base.prefix + (term.keys.first ?? []), as: UTF8.self)
                count += try Int.fetchOne(statement, arguments: [key]) ?? 0
            }
            counted.append((place, count == 0 ? .max : count))
        }
        counted.sort { ($0.count, $0.place) < ($1.count, $1.place) }
        return counted.prefix(KeywordQuery.mostTerms).map(\.place).sorted().map { terms[$0] }
    }

    private static func matches(
        of terms: [KeywordQuery.Term], in base: KeywordBase, _ db: Connection
    ) throws -> [[Match]] {
        var phrases: [KeywordPhrase] = []
        var owners: [(term: Int, weight: Double)] = []
        for (index, term) in terms.enumerated() {
            phrases.append(KeywordPhrase(term.keys, in: base))
            owners.append((index, 1))
        }
        var matches = Array(repeating: [Match](), count: terms.count)
        for (owner, postings) in zip(owners, try Postings.fetch(phrases, in: db)) {
            let found = postings.map { posting in
                Match(
                    row: KeywordRow(id: posting.row),
                    frequency: owner.weight * (contextWeight * Double(posting.context) + Double(posting.body)),
                    weight: owner.weight)
            }
            matches[owner.term] = matches[owner.term].isEmpty ? found : merge(matches[owner.term], found)
        }
        return matches
    }

    /// Both in order of rows; of a row in both, what is more.
    private static func merge(_ first: [Match], _ second: [Match]) -> [Match] {
        var result: [Match] = []
        result.reserveCapacity(first.count + second.count)
        var (left, right) = (0, 0)
        while left < first.count, right < second.count {
            if first[left].row.id < second[right].row.id {
                result.append(first[left])
                left += 1
            } else if first[left].row.id > second[right].row.id {
                result.append(second[right])
                right += 1
            } else {
                var both = first[left]
                both.frequency = max(both.frequency, second[right].frequency)
                both.weight = max(both.weight, second[right].weight)
                result.append(both)
                left += 1
                right += 1
            }
        }
        result += first[left...]
        result += second[right...]
        return result
    }

    // MARK: - Scoring

    /// The best chunks, best first, ties by chunk; of these chunks alone, where given.
    func best(_ limit: Int, of chunks: Set<Int64>?) -> [Candidate] {
        var best = BestCandidates(limit: limit)
        let rarity = rarity
        let total = rarity.reduce(0, +)
        guard total > 0 else { return [] }
        let unit = unit
        let mean = Double(bases.reduce(0) { $0 + $1.words }) / Double(max(1, bases.reduce(0) { $0 + $1.chunks }))
        for base in bases {
            for candidate in Self.candidates(base.matches, rarity: rarity, mean: max(mean, 1)) {
                guard candidate.score / unit > best.threshold, chunks?.contains(candidate.row.chunk) ?? true else { continue }
                var candidate = candidate
                candidate.coverage = min(1, candidate.coverage / total)
                candidate.score /= unit
                best.offer(candidate)
            }
        }
        return best.sorted
    }

    /// Each term's inverse document frequency, always above 0.
    private var rarity: [Double] {
        let chunks = Double(bases.reduce(0) { $0 + $1.chunks })
        return terms.indices.map { term in
            let holding = Double(bases.reduce(0) { $0 + $1.matches[term].count })
            return log(1 + max(0, chunks - holding + 0.5) / (holding + 0.5))
        }
    }

    /// What one word of the rarest kind, in a single chunk and matched perfectly, would score.
    private var unit: Double {
        let chunks = Double(bases.reduce(0) { $0 + $1.chunks })
        return (Self.k1 + 1) * log(1 + max(0, chunks - 0.5) / 1.5)
    }

    /// All rows with any term, in order; the coverage is still a sum of rarities.
    private static func candidates(_ matches: [[Match]], rarity: [Double], mean: Double) -> [Candidate] {
        var result: [Candidate] = []
        // The short lists first, so that little is copied often.
        for term in matches.indices.sorted(by: { (matches[$0].count, $0) < (matches[$1].count, $1) }) {
            result = add(matches[term], rarity: rarity[term], mean: mean, to: result)
        }
        return result
    }

    private static func add(_ matches: [Match], rarity: Double, mean: Double, to sums: [Candidate]) -> [Candidate] {
        guard !matches.isEmpty else { return sums }
        var result: [Candidate] = []
        result.reserveCapacity(sums.count + matches.count)
        var next = 0
        for match in matches {
            while next < sums.count, sums[next].row.id < match.row.id {
                result.append(sums[next])
                next += 1
            }
            let length = 1 - b + b * Double(match.row.words) / mean
            let score = rarity * match.frequency * (k1 + 1) / (match.frequency + k1 * length)
            var sum = Candidate(row: match.row, score: score, coverage: rarity * match.weight)
            if next < sums.count, sums[next].row.id == match.row.id {
                sum.score += sums[next].score
                sum.coverage += sums[next].coverage
                next += 1
            }
            result.append(sum)
        }
        result += sums[next...]
        return result
    }
}

/// The best of many candidates.
private struct BestCandidates {
    private let limit: Int
    /// Best first, ties by chunk.
    private(set) var sorted: [KeywordSearch.Candidate] = []

    init(limit: Int) { self.limit = limit }

    /// A score that a candidate which comes later must exceed, if it comes in the order of chunks.
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
        sorted.insert(candidate, at: low)
        if sorted.count > limit { sorted.removeLast() }
    }
}
