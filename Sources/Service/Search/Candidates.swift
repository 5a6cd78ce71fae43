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
    /// How many chunks each leg names at least.
    private static let minimumDepth = 100

    let index: any PassageIndex
    let keywords: any KeywordIndex
    let bases: [KnowledgeBaseID]
    /// Where given, only these documents count.
    let documents: Set<DocumentID>?
    let mode: Ranking.Mode
    let limit: Int

    private var depth: Int { max(Self.minimumDepth, limit) }

    /// - Parameters:
    ///   - text: The query's own words.
    ///   - vector: Makes its vector; not asked for in keyword mode.
    func candidates(
        _ text: String, vector: @escaping @Sendable () async throws -> [Float]
    ) async throws -> [Candidate] {
        switch mode {
        case .dense: return joined(dense: try await near(try await vector()), keyword: [])
        case .keyword: return joined(dense: [], keyword: try await holding(text))
        case .hybrid:
            // The words are looked up while the vector is still being made.
            async let keyword = holding(text)
            let vector = try await vector()
            let dense = try await near(vector)
            let found = try await keyword
            return try await completed(joined(dense: dense, keyword: found), text, vector)
        }
    }

    private func near(_ vector: [Float]) async throws -> [Neighbour] {
        try await index.search(vector, in: bases, documents: documents, limit: depth)
    }

    private func holding(_ text: String) async throws -> [KeywordHit] {
        try await keywords.search(text, in: bases, documents: documents, limit: depth)
    }

    private func joined(dense: [Neighbour], keyword: [KeywordHit]) -> [Candidate] {
        var candidates: [Candidate] = []
        var positions: [ChunkPlace: Int] = [:]
        func update(_ place: ChunkPlace, _ change: (inout Evidence) -> Void) {
            let position = positions[place, default: candidates.count]
            if position == candidates.count { candidates.append(Candidate(place: place)) }
            positions[place] = position
            change(&candidates[position].evidence)
        }
        for (rank, hit) in dense.enumerated() {
            update(hit.place) {
                $0.similarity = Double(hit.similarity)
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
        _ candidates: [Candidate], _ text: String, _ vector: [Float]
    ) async throws -> [Candidate] {
        let unmeasured = candidates.filter { $0.evidence.similarity == nil }.map(\.place)
        let unread = candidates.filter { $0.evidence.keywordScore == nil }.map(\.place.chunk)
        async let hits = unread.isEmpty ? [] : keywords.scores(of: unread, for: text, in: bases)
        let neighbours = unmeasured.isEmpty ? [] : try await index.similarities(of: unmeasured, to: vector)
        let similarities = Dictionary(neighbours.map { ($0.chunk, $0.similarity) }, uniquingKeysWith: max)
        let scores = Dictionary(try await hits.map { ($0.chunk, $0) }, uniquingKeysWith: { first, _ in first })
        return candidates.map { candidate in
            var candidate = candidate
            if let similarity = similarities[candidate.place.chunk] { candidate.evidence.similarity = Double(similarity) }
            if let hit = scores[candidate.place.chunk] { candidate.evidence.note(hit) }
            return candidate
        }
    }
}

extension Evidence {
    fileprivate mutating func note(_ hit: KeywordHit) {
        keywordScore = hit.score
        coverage = hit.coverage
    }
}
