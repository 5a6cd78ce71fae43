package import Knowledge
package import Logging

/// Finds the passages of some knowledge bases that answer a question best.
package struct Retriever: Sendable {
    let embedders: Embedders
    let index: any PassageIndex
    let keywords: any KeywordIndex
    let documents: any DocumentStore
    let chunks: any ChunkStore
    let reranker: (any Reranker)?
    /// Threads that searches run on.
    let workers: Workers
    private let logger: Logger
    private let profiles: BaseProfiles

    /// Looks at documents that are replaced while they are looked at.
    private static let maxLooks = 4
    /// How many candidates a reranker reads.
    private static let rerankedDepth = 50
    /// How many of the best by codes are compared in float32 at least, where fewer are wanted. Where copies or more chunks of a
    /// document are left out, what moves up keeps the similarity of its code.
    private static let leastMeasured = 8
    /// Characters of a query that are looked at for its language, and that a reranker gets.
    private static let maxQueryLength = 2_000

    /// - Parameter reranker: Puts the best candidates in order, where there is one.
    package init(
        embedders: Embedders, index: any PassageIndex, keywords: any KeywordIndex, documents: any DocumentStore,
        chunks: any ChunkStore, reranker: (any Reranker)? = nil, workers: Workers,
        logger: Logger = Logger(label: "almanac")
    ) {
        self.workers = workers
        self.logger = logger
        self.reranker = reranker
        profiles = BaseProfiles(index: index, chunks: chunks, workers: workers)
        self.embedders = embedders
        self.index = index
        self.keywords = keywords
        self.documents = documents
        self.chunks = chunks
    }

    /// The best passages for any of the queries, best first, each once with its best score.
    ///
    /// - Parameters:
    ///   - bases: Already resolved for this scope; their embedding models may differ.
    ///   - only: Where given, only these documents, and of them only those that the search's filter lets through.
    package func passages(
        for search: PassageSearch, in bases: [KnowledgeBase], only documents: Set<DocumentID>? = nil, scope: Scope
    ) async throws -> [Passage] {
        guard !bases.isEmpty, !search.queries.isEmpty, search.limit > 0 else { return [] }
        return try await withTaskExecutorPreference(workers) {
            try await looked(for: search, in: bases, only: documents, scope)
        }
    }

    private func looked(
        for search: PassageSearch, in bases: [KnowledgeBase], only documents: Set<DocumentID>?, _ scope: Scope
    ) async throws -> [Passage] {
        var found: [Passage] = []
        for _ in 1...Self.maxLooks {
            let allowed = try await allowed(search, in: bases, only: documents, scope: scope)
            let candidates = try await ranked(search, bases, allowed, scope)
            let reranked = try await reranked(candidates, search, scope: scope)
            let isWhole: Bool
            (found, isWhole) = try await passages(of: reranked, search, scope: scope)
            // Chunks that went in between belong to a document that has a newer version by now, or was removed.
            if isWhole { break }
        }
        return found
    }

    /// The documents that count in a search; nil for all.
    private func allowed(
        _ search: PassageSearch, in bases: [KnowledgeBase], only documents: Set<DocumentID>?, scope: Scope
    ) async throws -> DocumentFilter? {
        var allowed = documents
        if let files = search.files {
            let named = try await self.documents.documents(of: files, in: bases.map(\.id), scope: scope)
            allowed = allowed?.intersection(named) ?? named
        }
        guard let filter = search.filter else { return allowed.map { DocumentFilter($0) } }
        let matching = try await self.documents.documents(matching: filter, of: bases.map(\.id), in: scope)
        // As it is, so that the index knows it again.
        return allowed.map { DocumentFilter($0.intersection(matching.documents)) } ?? matching
    }

    /// All candidates of all queries, best first.
    private func ranked(
        _ asked: PassageSearch, _ bases: [KnowledgeBase], _ allowed: DocumentFilter?, _ scope: Scope
    ) async throws -> [Candidate] {
        var found: [Candidate] = []
        for (model, bases) in Dictionary(grouping: bases, by: \.embedding) {
            let embedder = try embedders.embedder(for: model)
            let search = CandidateSearch(
                index: index, keywords: keywords, embedder: embedder, bases: bases.map(\.index), documents: allowed,
                mode: asked.ranking.mode, precision: Self.precision(asked.ranking), limit: asked.limit)
            for (number, query) in asked.queries.enumerated() {
                let (candidates, vector) = try await search.candidates(query)
                var scored = try await scored(candidates, query.text, vector, asked.ranking, bases, search, scope)
                for index in scored.indices { scored[index].evidence.query = number }
                found += scored
            }
        }
        let order = found.indices.sorted {
            (found[$1].score, found[$0].place.chunk) < (found[$0].score, found[$1].place.chunk)
        }
        // Each once: what several queries found counts as the best of them says.
        var seen: Set<ChunkID> = []
        return order.filter { seen.insert(found[$0].place.chunk).inserted }.map { found[$0] }
    }

    /// Where ranks count, they are to be the true ones; a sum of scores is as good with codes, until the best are known.
    private static func precision(_ ranking: Ranking) -> NeighbourSearch.Precision {
        if ranking.isExact { return .exact }
        return ranking.mode == .hybrid && ranking.fusion != .reciprocalRank ? .coded : .automatic
    }

    /// Gives candidates of one query scores that mean the same for every query.
    private func scored(
        _ candidates: [Candidate], _ query: String, _ vector: [Float]?, _ ranking: Ranking, _ bases: [KnowledgeBase],
        _ search: CandidateSearch, _ scope: Scope
    ) async throws -> [Candidate] {
        guard ranking.mode == .hybrid, let vector else {
            let fusion = Fusion(ranking: ranking, trust: 1)
            return candidates.map { candidate in
                var candidate = candidate
                candidate.score = fusion.score(candidate.evidence)
                return candidate
            }
        }
        let embedder = search.embedder
        let fertility = EncoderTrust.fertility(of: String(query.prefix(Self.maxQueryLength)), by: embedder)
        var profiles: [KnowledgeBaseID: (profile: BaseProfile, fusion: Fusion)] = [:]
        for base in bases {
            let profile = try await self.profiles.profile(of: base, embedder, scope: scope)
            let trust = EncoderTrust.value(query: fertility, base: profile.fertility)
            var ranking = ranking
            if ranking.usesStoredWeights { ranking.weights = ranking.weights ?? base.search.weights }
            profiles[base.index] = (profile, Fusion(ranking: ranking, trust: trust))
        }
        /// The candidates' positions, best first, and the score of each candidate.
        func fused(_ candidates: [Candidate]) -> (order: [Int], scores: [Double]) {
            let scores = candidates.map { profiles[$0.place.knowledgeBase]?.fusion.score($0.evidence) ?? 0 }
            return (scores.indices.sorted { scores[$0] > scores[$1] }, scores)
        }
        var candidates = candidates
        var (order, scores) = fused(candidates)
        if search.precision == .coded {
            let measured = order.prefix(max(Self.leastMeasured, search.limit))
            try await search.measure(&candidates, at: measured, vector)
            (order, scores) = fused(candidates)
        }
        let ordered = order.map { candidates[$0] }
        guard let best = ordered.first.flatMap({ profiles[$0.place.knowledgeBase] }) else { return [] }
        let language: BaseProfile.Language = EncoderTrust.knows(fertility) ? .known : .foreign
        let confidence = Confidence(
            trust: best.fusion.trust, knowsDocuments: EncoderTrust.knows(best.profile.fertility),
            unrelatedSimilarity: best.profile.unrelatedSimilarity[language], chunks: best.profile.chunks)
        let sentences = NearestSentence(
            question: query, vector: vector, embedder: embedder, chunks: chunks, scope: scope)
        let likelihood = try await confidence.likelihood(of: ordered) { candidates in
            ranking.readsSentences ? try await sentences.similarity(in: candidates) : nil
        }
        return Confidence.scored(ordered, fused: order.map { scores[$0] }, likelihood: likelihood)
    }

    /// The best candidates in the order that the reranker gives them; the rest behind them. Scores stay those of the search,
    /// given out anew in this order: what a reranker's numbers mean differs from one to the next.
    ///
    /// A reranker that fails changes nothing: the search has an order of its own.
    private func reranked(
        _ candidates: [Candidate], _ asked: PassageSearch, scope: Scope
    ) async throws -> [Candidate] {
        guard let reranker, asked.ranking.reranks else { return candidates }
        let read = candidates.prefix(Self.rerankedDepth)
        let texts = Dictionary(
            try await chunks.passages(read.map(\.place), in: scope).map { ($0.chunk, $0.text) },
            uniquingKeysWith: { first, _ in first })
        var best = read.filter { texts[$0.place.chunk] != nil }
        do {
            for query in asked.queries {
                let relevance = try await reranker.relevance(
                    of: best.map { texts[$0.place.chunk] ?? "" }, to: String(query.inFull.prefix(Self.maxQueryLength)))
                for (index, value) in zip(best.indices, relevance) {
                    best[index].evidence.relevance = max(value, best[index].evidence.relevance ?? 0)
                }
            }
        } catch let error where !(error is CancellationError) {
            logger.warning("the reranker gave no answer", metadata: ["error": "\(error)"])
            return candidates
        }
        let scores = best.map(\.score)
        best.sort {
            ($1.evidence.relevance ?? 0, $0.place.chunk) < ($0.evidence.relevance ?? 0, $1.place.chunk)
        }
        for (index, score) in zip(best.indices, scores) { best[index].score = score }
        return best + candidates.dropFirst(read.count)
    }

    /// Reads the best candidates and leaves out what the ranking does not want.
    /// - Returns: Also whether all of them were still there.
    private func passages(
        of candidates: [Candidate], _ asked: PassageSearch, scope: Scope
    ) async throws -> (passages: [Passage], isWhole: Bool) {
        let ranking = asked.ranking
        var counts: [DocumentID: Int] = [:]
        let wanted = candidates.filter { candidate in
            guard candidate.score >= ranking.minimumScore else { return false }
            guard let most = ranking.perDocument else { return true }
            counts[candidate.place.document, default: 0] += 1
            return counts[candidate.place.document, default: 0] <= most
        }
        return try await distinct(wanted, ranking, limit: asked.limit, scope: scope)
    }

    /// Reads on until there are enough passages that are no copies of better ones.
    private func distinct(
        _ candidates: [Candidate], _ ranking: Ranking, limit: Int, scope: Scope
    ) async throws -> (passages: [Passage], isWhole: Bool) {
        var found: [Passage] = []
        var isWhole = true
        for start in stride(from: 0, to: candidates.count, by: limit) where found.count < limit {
            let read = candidates[start..<min(start + limit, candidates.count)]
            let byChunk = Dictionary(read.map { ($0.place.chunk, $0) }, uniquingKeysWith: { first, _ in first })
            let passages = try await chunks.passages(read.map(\.place), in: scope).map { passage in
                var passage = passage
                passage.score = byChunk[passage.chunk]?.score ?? 0
                passage.evidence = byChunk[passage.chunk]?.evidence ?? Evidence()
                return passage
            }
            isWhole = isWhole && passages.count == read.count
            found += passages
            if ranking.collapsesDuplicates { found = found.withoutCopies() }
        }
        return (Array(found.prefix(limit)), isWhole)
    }
}

extension SearchSettings {
    /// nil where each search decides.
    fileprivate var weights: Ranking.Weights? {
        embeddingWeight.map { Ranking.Weights(embedding: $0, text: 1 - $0) }
    }
}
