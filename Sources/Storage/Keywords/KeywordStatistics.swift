import Glibc

extension KeywordSearch {
    /// How rare the terms of a search are, and how long texts are, in all its knowledge bases together.
    struct Statistics {
        private let chunks: Double
        /// Of each term, as rare as it is.
        private let rarities: [Double]
        /// Of each term, what it counts in the query.
        private let weights: [Double]
        /// Words of a chunk, stop words not counted.
        let meanLength: Double
        /// Words of a document.
        let meanDocumentLength: Double

        /// - Parameter weights: Of the terms.
        init(weights: [Double], bases: [Base]) {
            self.weights = weights
            func mean(_ parts: Int) -> Double {
                max(1, Double(bases.reduce(0) { $0 + $1.words }) / Double(max(1, parts)))
            }
            let count = bases.reduce(0) { $0 + $1.chunks }
            chunks = Double(count)
            meanLength = mean(count)
            meanDocumentLength = mean(bases.reduce(0) { $0 + $1.documents })
            var holding = Array(repeating: 0, count: weights.count)
            for list in bases.flatMap(\.lists) where list.weight == 1 { holding[list.term] += list.postings.count }
            rarities = holding.map { [chunks] in Self.rarity(holding: $0, of: chunks) }
        }

        /// The inverse document frequency, always above 0, times what the term counts. A variant is as rare as it is in its
        /// own knowledge base.
        func rarity(of list: List) -> Double {
            let rarity = list.weight == 1 ? rarities[list.term] : Self.rarity(holding: list.postings.count, of: chunks)
            return weights[list.term] * rarity
        }

        /// A term's part in the query, below 1, as if the query asked for one more word, of the rarest kind, that nothing holds:
        /// else a question of one common word would be found whole in every chunk that has it. Terms of the background may
        /// help, and are not missed.
        func share(of term: Int) -> Double {
            let own = zip(weights, rarities).reduce(0) { $0 + ($1.0 == 1 ? $1.1 : 0) }
            return weights[term] * rarities[term] / (own + unit)
        }

        /// The most that a word of a query can add to a score: one that no more than one chunk has. In this unit,
        /// scores mean much the same whatever the size of the knowledge base.
        var unit: Double { Self.rarity(holding: 1, of: max(chunks, 2)) }

        private static func rarity(holding: Int, of chunks: Double) -> Double {
            log(1 + max(0, chunks - Double(holding) + 0.5) / (Double(holding) + 0.5))
        }
    }
}
