import Knowledge

/// Makes one score of what meaning and words say.
struct Fusion: Sendable {
    let ranking: Ranking

    init(_ ranking: Ranking) {
        self.ranking = ranking
    }

    func scored(_ candidates: [Candidate]) -> [Candidate] {
        let best = candidates.lazy.compactMap(\.evidence.keywordScore).max() ?? 0
        return candidates.map { candidate in
            var candidate = candidate
            let dense = min(1, max(0, candidate.evidence.similarity ?? 0))
            let keyword = best > 0 ? (candidate.evidence.keywordScore ?? 0) / best : 0
            let share = ranking.weights.map { $0.embedding / ($0.embedding + $0.text) } ?? 0.5
            candidate.score =
                switch ranking.mode {
                case .dense: dense
                case .keyword: keyword
                case .hybrid: share * dense + (1 - share) * keyword
                }
            return candidate
        }
    }
}
