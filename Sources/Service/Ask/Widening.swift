import Knowledge

/// Widens passages to what stands around them, so that a model reads a thought whole, and joins those that touch.
///
/// A passage grows only within its section and its page: what is cited still stands where the reference says.
struct Widening: Sendable {
    /// Chunks looked at on either side of one that was found.
    private static let reach = 3

    let chunks: any ChunkStore
    /// Tokens up to which a passage grows.
    let maxTokens: Int

    /// - Parameter passages: Best first. Each stays, in the place of the best of those that it was joined with.
    func callAsFunction(_ passages: [Passage], in scope: Scope) async throws -> [Passage] {
        guard maxTokens > 0, !passages.isEmpty else { return passages }
        let spans = try await chunks.spans(around: passages.map(\.place), reach: Self.reach, in: scope)
        let stretches = Stretches(spans, found: passages, maxTokens: maxTokens)
        let wider = stretches.ofPassages.filter { $0.spans.count > 1 }
        let texts = try await chunks.texts(
            wider.map { (stretches.spans[$0.spans.lowerBound].document, stretches.bytes(of: $0.spans)) }, in: scope)
        var byPassage: [Int: Passage] = [:]
        for (stretch, text) in zip(wider, texts) {
            guard let text else { continue }
            byPassage[stretch.passage] = stretches.widened(passages[stretch.passage], to: stretch.spans, text: text)
        }
        // Chunks that are gone by now have no stretch and stay as they were found.
        return passages.indices.filter { !stretches.swallowed.contains($0) }.map { byPassage[$0] ?? passages[$0] }
    }
}

extension Passage {
    var place: ChunkPlace { ChunkPlace(knowledgeBase: knowledgeBase, document: document, chunk: chunk) }
}

/// Which stretch of spans each passage becomes.
private struct Stretches {
    struct Stretch {
        /// The best passage in it.
        var passage: Int
        /// Positions in `Stretches.spans`.
        var spans: Range<Int>
    }

    let spans: [ChunkSpan]
    private(set) var ofPassages: [Stretch] = []
    /// Passages that became part of a better one.
    private(set) var swallowed: Set<Int> = []
    private let maxTokens: Int

    init(_ spans: [ChunkSpan], found passages: [Passage], maxTokens: Int) {
        self.spans = spans
        self.maxTokens = maxTokens
        let positions = Dictionary(uniqueKeysWithValues: spans.enumerated().map { ($1.chunk, $0) })
        let rankBySpan = Dictionary(
            passages.enumerated().compactMap { rank, passage in positions[passage.chunk].map { ($0, rank) } },
            uniquingKeysWith: min)
        var taken: Set<Int> = []
        for (rank, passage) in passages.enumerated() where !swallowed.contains(rank) {
            guard let position = positions[passage.chunk] else { continue }
            let range = grown(from: position, avoiding: taken)
            taken.formUnion(range)
            swallowed.formUnion(range.compactMap { rankBySpan[$0] }.filter { $0 != rank })
            ofPassages.append(Stretch(passage: rank, spans: range))
        }
    }

    /// Alternately one chunk behind and one before, as far as tokens, section and page go.
    private func grown(from position: Int, avoiding taken: Set<Int>) -> Range<Int> {
        var range = position..<position + 1
        var tokens = spans[position].tokenCount
        var isOpen = (before: true, behind: true)
        while isOpen.before || isOpen.behind {
            if isOpen.behind {
                isOpen.behind = canJoin(range.upperBound, to: range.upperBound - 1, taken, tokens)
                if isOpen.behind {
                    tokens += spans[range.upperBound].tokenCount
                    range = range.lowerBound..<range.upperBound + 1
                }
            }
            if isOpen.before {
                isOpen.before = canJoin(range.lowerBound - 1, to: range.lowerBound, taken, tokens)
                if isOpen.before {
                    tokens += spans[range.lowerBound - 1].tokenCount
                    range = range.lowerBound - 1..<range.upperBound
                }
            }
        }
        return range
    }

    private func canJoin(_ candidate: Int, to neighbour: Int, _ taken: Set<Int>, _ tokens: Int) -> Bool {
        guard spans.indices.contains(candidate), !taken.contains(candidate) else { return false }
        let (one, other) = (spans[candidate], spans[neighbour])
        return one.document == other.document && abs(one.position - other.position) == 1
            && one.headingPath == other.headingPath && one.page == other.page && tokens + one.tokenCount <= maxTokens
    }

    func bytes(of range: Range<Int>) -> Range<Int> {
        spans[range.lowerBound].bytes.lowerBound..<(spans[range].map(\.bytes.upperBound).max() ?? 0)
    }

    func widened(_ passage: Passage, to range: Range<Int>, text: String) -> Passage {
        var passage = passage
        passage.characters =
            spans[range.lowerBound].characters.lowerBound..<(spans[range].map(\.characters.upperBound).max() ?? 0)
        passage.text = text
        passage.tokenCount = spans[range].reduce(0) { $0 + $1.tokenCount }
        return passage
    }
}
