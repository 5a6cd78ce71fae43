import Knowledge

/// One search in the keyword index: reads what its terms have in each knowledge base and scores every chunk that has
/// any.
///
/// BM25 (Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009) of the chunk and of its whole document,
/// since a chunk alone is too short to show what it is about. A word in the line of title and headings counts as
/// several in the text, as in BM25F. Words are as rare as in the knowledge bases searched together, and in no other.
struct KeywordSearch {
    /// How a text's length and a word's further occurrences count.
    struct Saturation {
        /// How slowly further occurrences stop to count.
        var k1: Double
        /// How much less those in a long text count, 0…1.
        var b: Double

        /// What this many occurrences in a text of this length, in mean lengths, count: at most 1.
        func callAsFunction(_ frequency: Double, length: Double) -> Double {
            frequency / (frequency + k1 * (1 - b + b * length))
        }
    }

    static let chunkSaturation = Saturation(k1: 0.9, b: 0.4)
    static let documentSaturation = Saturation(k1: 1.2, b: 0.75)
    /// Occurrences that one in the line of title and headings is worth.
    static let contextWeight = 3.0
    /// What the document's score counts beside the chunk's.
    static let documentWeight = 1.0
    /// Of the best chunks by their own words, how many for each one that is wanted are scored with their documents.
    static let finalistsOfAHit = 2

    /// A knowledge base with what the terms have there.
    struct Base {
        var id: KnowledgeBaseID
        var number: KeywordBase
        var documents: Int
        var chunks: Int
        var words: Int
        var version: PostingCache.Version
        var lists: [List] = []
    }

    /// Where a term stands, or a variant of it.
    struct List {
        var term: Int
        /// 1 for the term itself, less for a variant.
        var weight: Double
        var list: PostingList

        var postings: UnsafeBufferPointer<Posting> { list.postings }
    }

    private(set) var bases: [Base]
    private let terms: [KeywordQuery.Term]
    private let statistics: Statistics

    /// Reads all that the scores need.
    ///
    /// - Parameter cache: Has lists from former searches, and takes those of this one.
    init(
        _ asked: SearchQuery, in bases: [KnowledgeBaseID], cache: PostingCache = PostingCache(), _ reader: Reader
    ) throws {
        let stemmer = Stemmer()
        let query = KeywordQuery(asked, stemmer: stemmer)
        self.bases = try Self.indexed(bases, reader)
        terms = try Self.rarest(query.terms, in: self.bases.map(\.number), reader)
        for index in self.bases.indices where !terms.isEmpty {
            let number = self.bases[index].number
            // Compounds are looked for where there is German.
            let variants = try !query.isEnglish && Self.hasGerman(number, reader)
                ? Self.variants(of: terms, in: number, stemmer: stemmer, reader) : []
            self.bases[index].lists = try Self.lists(of: terms, variants, in: self.bases[index], cache, reader)
        }
        statistics = Statistics(weights: terms.map(\.weight), bases: self.bases)
    }

    private static func indexed(_ bases: [KnowledgeBaseID], _ reader: Reader) throws -> [Base] {
        let row = try reader.query(
            """
            SELECT number, documents, chunks, words,
                (SELECT MAX(revision) FROM edition WHERE edition.knowledge_base_id = ?1)
            FROM keyword_base WHERE knowledge_base_id = ?1 AND chunks > 0
            """)
        return try Set(bases.map(\.rawValue)).sorted().compactMap { base in
            try row.bind(base)
            defer { row.end() }
            guard try row.next() else { return nil }
            let documents = Int(row.int(1))
            return Base(
                id: KnowledgeBaseID(rawValue: base), number: KeywordBase(number: row.int(0)), documents: documents,
                chunks: Int(row.int(2)), words: Int(row.int(3)),
                version: PostingCache.Version(documents: documents, revision: row.int(4)))
        }
    }

    /// The terms that count where there are too many: those in the fewest chunks, if in any.
    private static func rarest(
        _ terms: [KeywordQuery.Term], in bases: [KeywordBase], _ reader: Reader
    ) throws -> [KeywordQuery.Term] {
        guard terms.count > KeywordQuery.mostTerms else { return terms }
        var counted: [(place: Int, count: Int)] = []
        for (place, term) in terms.enumerated() {
            var count = 0
            for base in bases { count += try reader.chunkCount(of: term.keys.first ?? [], in: base) }
            counted.append((place, count == 0 ? .max : count))
        }
        // The question's own words before those of what was said earlier.
        counted.sort {
            (terms[$1.place].weight, $0.count, $0.place) < (terms[$0.place].weight, $1.count, $1.place)
        }
        return counted.prefix(KeywordQuery.mostTerms).map(\.place).sorted().map { terms[$0] }
    }

    /// Other keys of the terms in a knowledge base.
    private static func variants(
        of terms: [KeywordQuery.Term], in base: KeywordBase, stemmer: Stemmer, _ reader: Reader
    ) throws -> [(term: Int, variant: Compounds.Variant)] {
        try terms.enumerated().flatMap { index, term in
            guard let word = term.word else { return [(term: Int, variant: Compounds.Variant)]() }
            return try Compounds.variants(of: word, in: base, stemmer: stemmer, reader).map { (index, $0) }
        }
    }

    /// What the terms have in a knowledge base: first each term itself, then the variants of all.
    private static func lists(
        of terms: [KeywordQuery.Term], _ variants: [(term: Int, variant: Compounds.Variant)], in base: Base,
        _ cache: PostingCache, _ reader: Reader
    ) throws -> [List] {
        let phrases = terms.map { KeywordPhrase($0.keys, in: base.number) }
            + variants.map { KeywordPhrase([$0.variant.key], in: base.number) }
        var found = phrases.map { cache.list(of: $0, at: base.version) }
        let missing = phrases.indices.filter { found[$0] == nil }
        let erased = missing.isEmpty ? [] : try erasedRows(of: base.number, reader)
        for (index, postings) in zip(missing, try Postings.fetch(missing.map { phrases[$0] }, in: reader)) {
            let list = PostingList(postings.without(erased))
            cache.keep(list, of: phrases[index], at: base.version)
            found[index] = list
        }
        let parts = terms.indices.map { ($0, 1.0) } + variants.map { ($0.term, $0.variant.weight) }
        return zip(parts, found).map { List(term: $0.0, weight: $0.1, list: $1 ?? PostingList([])) }
    }

    /// Where the index still has what was removed from the knowledge base.
    private static func erasedRows(of base: KeywordBase, _ reader: Reader) throws -> [Range<Int64>] {
        let rows = try reader.query(
            "SELECT first_chunk, last_chunk FROM erasure WHERE keyword_base = ? AND first_chunk <= last_chunk",
            base.number)
        var ranges: [Range<Int64>] = []
        while try rows.next() { ranges.append(try KeywordRow.range(ofChunksFrom: rows.int(0), to: rows.int(1))) }
        return ranges
    }

    private static func hasGerman(_ base: KeywordBase, _ reader: Reader) throws -> Bool {
        let start = String(decoding: base.prefix, as: UTF8.self)
        let row = try reader.query(
            "SELECT 1 FROM keyword_ending_vocabulary WHERE term > ? AND term < ? LIMIT 1", start, start + "{")
        defer { row.end() }
        return try row.next()
    }

    // MARK: - Scores

    var meanLength: Double { statistics.meanLength }
    var termCount: Int { terms.count }

    /// What the list would add to the score of a text with nothing but its word.
    func unit(of list: List) -> Double { list.weight * statistics.rarity(of: list) / statistics.unit }

    /// How much of the query a text of the list covers.
    func coverage(of list: List) -> Double { list.weight * statistics.share(of: list.term) }

    /// What the whole document of a chunk has come to.
    /// - Parameter rows: Those of its chunks.
    func score(ofRows rows: Range<Int64>, words: Int, in base: Base) -> Double {
        let length = Double(words) / statistics.meanDocumentLength
        return base.lists.reduce(0) { sum, list in
            let frequency = withExtendedLifetime(list) {
                var (frequency, index) = (0.0, list.postings.firstIndex(notBelow: rows.lowerBound))
                while index < list.postings.count, list.postings[index].row < rows.upperBound {
                    frequency += list.postings[index].frequency
                    index += 1
                }
                return frequency
            }
            guard frequency > 0 else { return sum }
            return sum + unit(of: list) * Self.documentSaturation(frequency, length: length)
        }
    }
}
