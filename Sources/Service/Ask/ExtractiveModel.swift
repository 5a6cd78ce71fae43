import Documents
package import Knowledge

/// Answers with sentences quoted from the passages, and says so. Needs no language model, invents nothing.
///
/// A sentence's score mixes how near its vector is to the question's, which of the question's words it holds, and how
/// well its passage was found; the weights were chosen on question sets in English and German.
package struct ExtractiveModel: LanguageModel {
    package static let name = "extractive"

    private static let maxSentences = 3
    /// Sentences looked at; the passages come best first.
    private static let maxCandidates = 64
    /// What a sentence in the question's language has before the same in another.
    private static let sameLanguage = 0.05
    /// A further sentence must score this share of the best one's.
    private static let relativeScore = 0.85
    /// Below this cosine, and with few of the question's words, the best sentence is no answer.
    private static let minimumSimilarity = 0.25
    private static let minimumOverlap = 0.5

    private let embedder: any Embedder

    package init(embedder: any Embedder) {
        self.embedder = embedder
    }

    private struct Candidate {
        var reference: Int
        var order: Int
        var text: String
        var similarity = 0.0
        var overlap = 0.0
        var score = 0.0
    }

    package func answer(_ prompt: Prompt) async throws -> AsyncThrowingStream<ModelEvent, any Error> {
        if let media = prompt.firstMedia {
            throw RequestError.invalid(parameter: media, message: "must be text: the model 'extractive' reads nothing else")
        }
        try Self.checkAbilities(prompt)
        let text = try await text(for: prompt)
        var (shown, isCut) = limited(text, by: prompt.parameters)
        if prompt.form != .chat, let suffix = prompt.parameters["suffix"]?.string { shown += suffix }
        return .fixed(shown, finish: isCut ? "length" : "stop")
    }

    /// Refuses what only a model that writes could do. What a client may well do without, such as log probabilities or
    /// tools that need not be called, it does without.
    private static func checkAbilities(_ prompt: Prompt) throws {
        let parameters = prompt.parameters
        if let type = parameters["response_format"]?["type"]?.string, type != "text" {
            throw RequestError.invalid(
                parameter: "response_format",
                message: "must be 'text': the model 'extractive' quotes and writes no JSON")
        }
        if let choice = parameters["tool_choice"], choice == "required" || choice.object != nil {
            throw RequestError.invalid(
                parameter: "tool_choice", message: "must be 'auto' or 'none': the model 'extractive' calls no tools")
        }
        if case .tokens = prompt.form, prompt.question.isEmpty {
            throw RequestError.invalid(
                parameter: "prompt", message: "must be text, or token ids as /v1/internal/encode gives them")
        }
    }

    private func text(for prompt: Prompt) async throws -> String {
        let wording = Wording(of: prompt.question)
        guard prompt.isGrounded else { return wording.needsKnowledge }
        let candidates = try await scored(Self.candidates(prompt.passages), prompt)
        guard let best = candidates.max(by: { $0.score < $1.score }),
            best.similarity >= Self.minimumSimilarity || best.overlap >= Self.minimumOverlap
        else { return wording.nothingFound }
        let chosen = candidates.sorted { $0.score > $1.score }.prefix(Self.maxSentences)
            .filter { $0.score >= best.score * Self.relativeScore }
            .sorted { ($0.reference, $0.order) < ($1.reference, $1.order) }
        let quotes = chosen.map { wording.isGerman ? "„\($0.text)“ [\($0.reference)]" : "“\($0.text)” [\($0.reference)]" }
        return wording.quoted + " " + quotes.joined(separator: " ")
    }

    private static func candidates(_ passages: [Passage]) -> [Candidate] {
        var seen: Set<String> = []
        var candidates: [Candidate] = []
        for (position, passage) in passages.enumerated() {
            for (order, range) in Sentences.ranges(in: passage.text[...]).enumerated() {
                let text = passage.text[range].split(whereSeparator: \.isNewline).joined(separator: " ")
                    .trimmingWhitespace().withoutMarkup()
                // Headings and crumbs answer nothing.
                guard text.split(separator: " ").count >= 3, seen.insert(text).inserted else { continue }
                candidates.append(Candidate(reference: position + 1, order: order, text: text))
                if candidates.count == maxCandidates { return candidates }
            }
        }
        return candidates
    }

    private func scored(_ candidates: [Candidate], _ prompt: Prompt) async throws -> [Candidate] {
        guard !candidates.isEmpty else { return [] }
        let question = try await embedder.embed([.text(prompt.standalone)], as: .query, priority: .urgent).vectors[0]
        let vectors = try await embedder.embed(
            candidates.map { .text($0.text) }, as: .passage, priority: .urgent
        ).vectors
        let wanted = ContentWords(prompt.standalone)
        let isGerman = Wording(of: prompt.question).isGerman
        return zip(candidates, vectors).map { candidate, vector in
            var candidate = candidate
            candidate.similarity = Double(zip(question, vector).reduce(0) { $0 + $1.0 * $1.1 })
            candidate.overlap = wanted.share(in: ContentWords(candidate.text))
            candidate.score =
                0.6 * candidate.similarity + 0.25 * candidate.overlap
                + 0.15 * prompt.passages[candidate.reference - 1].score
                + (Wording(of: candidate.text).isGerman == isGerman ? Self.sameLanguage : 0)
            return candidate
        }
    }

    /// Keeps to `max_tokens` and `stop` as any other model does.
    private func limited(_ text: String, by parameters: [String: JSONValue]) -> (String, isCut: Bool) {
        var text = text
        let stops = parameters["stop"].map { $0.string.map { [$0] } ?? $0.array?.compactMap(\.string) ?? [] } ?? []
        for stop in stops where !stop.isEmpty {
            if let found = text.firstRange(of: stop) { text = String(text[..<found.lowerBound]) }
        }
        guard let limit = (parameters["max_completion_tokens"] ?? parameters["max_tokens"])?.integer,
            embedder.count(text[...]) > limit
        else { return (text, false) }
        var words = text.split(separator: " ", omittingEmptySubsequences: false)
        while !words.isEmpty, embedder.count(words.joined(separator: " ")[...]) > limit { words.removeLast() }
        return (words.joined(separator: " "), true)
    }
}

extension String {
    /// Without what our own citations could be taken for: a document's bracketed numbers get a joiner that nobody sees,
    /// and backticks that are not in pairs go.
    fileprivate func withoutMarkup() -> String {
        var text = ""
        var previous: Character?
        let hasStrayBacktick = count { $0 == "`" } % 2 == 1
        for character in self where !(hasStrayBacktick && character == "`") {
            if previous == "[", character.isNumber { text += "\u{2060}" }
            text.append(character)
            previous = character
        }
        return text
    }

    fileprivate func trimmingWhitespace() -> String {
        guard let first = firstIndex(where: { !$0.isWhitespace }), let last = lastIndex(where: { !$0.isWhitespace })
        else { return "" }
        return String(self[first...last])
    }
}
