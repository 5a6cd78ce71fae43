import Knowledge

/// A chunk that a search looks at.
struct Candidate: Sendable {
    let place: ChunkPlace
    var evidence = Evidence()
    /// 0…1.
    var score = 0.0
}

/// Gathers what may answer one query from the vectors and from the words.
///
/// Each leg names its best chunks; then each is asked about those that only the other one named, so that every candidate
/// is judged by both.
struct CandidateSearch: Sendable {
    /// How many chunks each leg names at least: with 100 no question set is answered better (nDCG@10 of seven sets equal in
    /// four digits), and a search takes a third longer.
    private static let minimumDepth = 40

    let index: any PassageIndex
    let keywords: any KeywordIndex
    let embedder: any Embedder
    let bases: [KnowledgeBaseID]
    /// Where given, only these documents count.
    let documents: DocumentFilter?
    let mode: Ranking.Mode
    let precision: NeighbourSearch.Precision
    let limit: Int

    private var depth: Int { max(Self.minimumDepth, limit) }

    /// The candidates, and the query's vector where meaning was searched.
    func candidates(_ query: SearchQuery) async throws -> (found: [Candidate], vector: [Float]?) {
        if mode == .keyword { return (joined(dense: nil, keyword: try await holding(query).hits), nil) }
        if query.background.isEmpty && mode == .hybrid {
            // The words are looked up while the vector is still being made.
            async let keyword = holding(query)
            let vector = try await embedder.vectors(of: [query.text])[0]
            let dense = try await near(vector)
            return (try await completed(dense, try await keyword, vector), vector)
        }
        let (settled, vector) = try await embedder.settled(query)
        if mode == .dense { return (joined(dense: try await near(vector), keyword: []), vector) }
        async let keyword = holding(settled)
        let dense = try await near(vector)
        return (try await completed(dense, try await keyword, vector), vector)
    }

    private func near(_ vector: [Float]) async throws -> FoundNeighbours {
        try await index.search(
            NeighbourSearch(query: vector, bases: bases, documents: documents, limit: depth, precision: precision))
    }

    private func holding(_ query: SearchQuery) async throws -> KeywordFinding {
        try await keywords.search(query, in: bases, documents: documents, limit: depth)
    }

    /// Puts similarities in float32 in place of those of codes.
    /// - Parameter positions: Of the candidates that are measured.
    func measure(_ candidates: inout [Candidate], at positions: some Sequence<Int>, _ vector: [Float]) async throws {
        let similarities = try await similarities(of: positions.map { candidates[$0].place }, vector, .exact)
        for position in positions {
            if let similarity = similarities[candidates[position].place.chunk] {
                candidates[position].evidence.similarity = similarity
            }
        }
    }

    private func similarities(
        of places: [ChunkPlace], _ vector: [Float], _ precision: NeighbourSearch.Precision
    ) async throws -> [ChunkID: Double] {
        guard !places.isEmpty else { return [:] }
        let neighbours = try await index.similarities(of: places, to: vector, precision: precision)
        return Dictionary(neighbours.map { ($0.chunk, Double($0.similarity)) }, uniquingKeysWith: max)
    }

    private func joined(dense: FoundNeighbours?, keyword: [KeywordHit]) -> [Candidate] {
        var candidates: [Candidate] = []
        var positions: [ChunkID: Int] = [:]
        func update(_ place: ChunkPlace, _ change: (inout Evidence) -> Void) {
            let known = positions[place.chunk]
            let position = known ?? candidates.count
            if known == nil {
                candidates.append(Candidate(place: place))
                positions[place.chunk] = position
            }
            change(&candidates[position].evidence)
        }
        for (rank, hit) in (dense?.neighbours ?? []).enumerated() {
            update(hit.place) {
                $0.similarity = Double(hit.similarity)
                $0.denseSearch = dense?.report
                $0.denseRank = rank + 1
            }
        }
        for (rank, hit) in keyword.enumerated() {
            update(hit.place) {
                $0.note(hit)
                $0.keywordRank = rank + 1
            }
        }
        return candidates
    }

    private func completed(
        _ dense: FoundNeighbours, _ keyword: KeywordFinding, _ vector: [Float]
    ) async throws -> [Candidate] {
        var candidates = joined(dense: dense, keyword: keyword.hits)
        let unmeasured = candidates.filter { $0.evidence.similarity == nil }.map(\.place)
        let unread = candidates.filter { $0.evidence.keywordScore == nil }.map(\.place.chunk)
        async let hits = unread.isEmpty ? [] : keyword.scores(unread)
        let similarities = try await similarities(of: unmeasured, vector, precision)
        let scores = Dictionary(try await hits.map { ($0.chunk, $0) }, uniquingKeysWith: { first, _ in first })
        for position in candidates.indices {
            let chunk = candidates[position].place.chunk
            if let similarity = similarities[chunk] { candidates[position].evidence.similarity = similarity }
            if let hit = scores[chunk] { candidates[position].evidence.note(hit) }
        }
        return candidates
    }
}

extension Evidence {
    fileprivate mutating func note(_ hit: KeywordHit) {
        keywordScore = hit.score
        coverage = hit.coverage
    }
}

extension Embedder {
    /// Below this cosine a question has nothing to do with what was said before it.
    private var sameSubject: Float { 0.15 }
    /// Below this cosine with its question an answer says nothing of the matter, such as that it is not known.
    private var saysSomething: Float { 0.3 }
    /// What earlier questions' meaning counts where the answer to them counts.
    private var besideAnswer: Float { 0.5 }

    fileprivate func vectors(of texts: [String]) async throws -> [[Float]] {
        try await embed(texts.map(EmbeddingInput.text), as: .query, priority: .urgent).vectors
    }

    /// The query with that of its background which belongs to it, and the vector of both.
    fileprivate func settled(_ query: SearchQuery) async throws -> (SearchQuery, [Float]) {
        let vectors = try await vectors(of: [query.text] + query.background.map(\.text))
        let background = Array(zip(query.background, vectors.dropFirst()))
        let asked = background.first { $0.0.kind == .question }?.1 ?? vectors[0]
        let belonging = background.filter { part, vector in
            (part.isCertain || vectors[0].product(with: vector) > sameSubject)
                && (part.kind == .question || asked.product(with: vector) > saysSomething)
        }
        let isAnswered = belonging.contains { $0.0.kind == .answer }
        var blend = vectors[0]
        for (part, vector) in belonging {
            let weight = Float(part.meaning) * (isAnswered && part.kind == .question ? besideAnswer : 1)
            for index in blend.indices { blend[index] += weight * vector[index] }
        }
        let length = blend.product(with: blend).squareRoot()
        let settled = SearchQuery(query.text, background: belonging.map(\.0))
        return (settled, length > 0 ? blend.map { $0 / length } : vectors[0])
    }
}

extension [Float] {
    fileprivate func product(with other: [Float]) -> Float { zip(self, other).reduce(0) { $0 + $1.0 * $1.1 } }
}
