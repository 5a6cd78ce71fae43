import Foundation
import Knowledge
import Service
import Storage

/// Measures how much of the spans that answer a question is in the passages returned.
struct SpanEvaluation: Sendable {
    struct Outcome: Sendable {
        var scores: [SpanScores]
        /// Questions that have a span which is nowhere in the extracted text.
        var skipped: Int
    }

    let search: EvaluationSearch
    let top: Int
    /// Instead of `top`: passages as long as they fit, the first in any case.
    let characters: Int?

    func run(_ queries: [EvaluationQuery], _ gold: [GoldSpan]) async throws -> Outcome {
        let texts = try await texts(of: Set(gold.map(\.document)))
        let byQuery = Dictionary(grouping: gold, by: \.query)
        var outcome = Outcome(scores: [], skipped: 0)
        for query in queries {
            guard let spans = byQuery[query.id] else { continue }
            guard let wanted = located(spans, in: texts) else {
                outcome.skipped += 1
                continue
            }
            let returned = try await returned(for: query, texts)
            outcome.scores.append(SpanScores(returned: returned, wanted: wanted))
        }
        if outcome.skipped > 0 {
            Terminal.note("\(outcome.skipped) questions have a span that is not in the extracted text and are left out.")
        }
        guard !outcome.scores.isEmpty else { throw CommandFailure(.failed, "No question has a span that can be found.") }
        return outcome
    }

    /// The canonical texts by corpus id.
    private func texts(of ids: Set<String>) async throws -> [String: [Unicode.Scalar]] {
        var texts: [String: [Unicode.Scalar]] = [:]
        for (filename, document) in search.index.documents {
            for id in search.index.ids[filename] ?? [] where ids.contains(id) {
                let text = try await search.index.services.database.text(
                    of: document.file, in: search.index.base.id, scope: EvaluationIndex.scope)
                texts[id] = Array(text.unicodeScalars)
            }
        }
        return texts
    }

    private func located(
        _ spans: [GoldSpan], in texts: [String: [Unicode.Scalar]]
    ) -> [String: CharacterRanges]? {
        var ranges: [String: [Range<Int>]] = [:]
        for span in spans {
            guard let range = texts[span.document].flatMap(span.located) else { return nil }
            ranges[span.document, default: []].append(range)
        }
        return ranges.mapValues { CharacterRanges($0) }
    }

    private func returned(
        for query: EvaluationQuery, _ texts: [String: [Unicode.Scalar]]
    ) async throws -> [String: CharacterRanges] {
        var ranges: [String: [Range<Int>]] = [:]
        var budget = characters ?? .max
        let passages = try await search.passages(for: query, limit: characters == nil ? top : 100)
        for (position, passage) in passages.enumerated() {
            if position > 0, passage.characters.count > budget { break }
            budget -= passage.characters.count
            for id in search.index.ids[passage.filename] ?? [] { ranges[id, default: []].append(passage.characters) }
        }
        return ranges.reduce(into: [:]) { result, document in
            let text = texts[document.key] ?? []
            result[document.key] = CharacterRanges(document.value).joined { gap in
                gap.upperBound <= text.count && text[gap].allSatisfy(\.properties.isWhitespace)
            }
        }
    }
}
