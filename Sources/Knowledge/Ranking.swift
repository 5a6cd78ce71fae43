/// How a search ranks what it finds.
package struct Ranking: Hashable, Sendable {
    package enum Mode: String, Sendable, CaseIterable {
        /// By meaning and by words.
        case hybrid
        /// By meaning alone.
        case dense
        /// By words alone.
        case keyword
    }

    /// What meaning and words count in a hybrid search; only their ratio matters.
    package struct Weights: Hashable, Sendable {
        package var embedding: Double
        package var text: Double

        package init(embedding: Double, text: Double) {
            self.embedding = embedding
            self.text = text
        }
    }

    /// How a hybrid search puts its two halves together.
    package enum Fusion: String, Sendable, CaseIterable {
        /// By what they say, added up.
        case sum
        /// By the places that they give, 1 / (60 + rank) each. (Cormack et al., Reciprocal Rank Fusion, 2009.)
        case reciprocalRank = "rrf"
    }

    package var mode = Mode.hybrid
    /// Whether the nearest chunks must provably be those of a comparison with every vector.
    package var isExact = false
    package var fusion = Fusion.sum
    /// nil lets the search decide from the query and what it finds.
    package var weights: Weights?
    /// Whether a knowledge base's own weights count where this has none.
    package var usesStoredWeights = true
    /// Passages below this score count as not found.
    package var minimumScore = 0.0
    /// At most this many passages of one document.
    package var perDocument: Int?
    /// Of passages that say nearly the same only the best one stays.
    package var collapsesDuplicates = false
    /// Whether the best are put in order by the reranker, where the server has one.
    package var reranks = true

    /// Whether sentences of the best passages are read where it is in doubt that they hold an answer. That takes longer.
    package var readsSentences = false

    package init() {}
}

/// What to search for, with what helps to understand it.
package struct SearchQuery: Hashable, Sendable {
    package var text: String
    /// What was said before, latest first. Each counts less than the text itself.
    package var background: [Background]

    package struct Background: Hashable, Sendable {
        package enum Kind: Sendable { case question, answer }

        package var kind: Kind
        package var text: String
        /// What its meaning counts beside 1 for the query's own, and what its words.
        package var meaning: Double
        package var words: Double
        /// Whether the query leans on it; else it counts only where it is about the same subject.
        package var isCertain: Bool

        package init(_ kind: Kind, text: String, meaning: Double, words: Double, isCertain: Bool) {
            self.kind = kind
            self.text = text
            self.meaning = meaning
            self.words = words
            self.isCertain = isCertain
        }
    }

    package init(_ text: String, background: [Background] = []) {
        self.text = text
        self.background = background
    }

    /// The text with the questions that it leans on in front of it, oldest first, for readers that take one text.
    package var inFull: String {
        (background.filter { $0.isCertain && $0.kind == .question }.map(\.text).reversed() + [text]).joined(separator: "\n")
    }
}

extension SearchQuery: ExpressibleByStringLiteral {
    package init(stringLiteral text: String) { self.init(text) }
}

/// A search for its own sake.
package struct PassageSearch: Sendable {
    /// Any of them may find a passage.
    package var queries: [SearchQuery]
    /// Only documents whose attributes satisfy it.
    package var filter: AttributeFilter?
    /// Only documents of these files, where given.
    package var files: [FileID]?
    package var ranking: Ranking
    package var limit: Int

    package init(
        queries: [SearchQuery], filter: AttributeFilter? = nil, files: [FileID]? = nil, ranking: Ranking = Ranking(),
        limit: Int
    ) {
        self.queries = queries
        self.filter = filter
        self.files = files
        self.ranking = ranking
        self.limit = limit
    }
}
