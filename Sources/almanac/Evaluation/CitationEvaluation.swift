import Foundation
import Knowledge
import Server
import Service
import Storage

/// The pages of documents as another reader gave them.
struct Pages: Sendable {
    private var texts: [String: [Int: String]] = [:]

    /// - Parameter entries: Their ids are the document's, `#p` and the page's number.
    init(_ entries: [CorpusEntry]) throws {
        for entry in entries {
            guard let mark = entry.id.range(of: "#p", options: .backwards), let number = Int(entry.id[mark.upperBound...])
            else { throw CommandFailure(.failed, "The page id '\(entry.id)' does not end in #p and a number.") }
            texts[String(entry.id[..<mark.lowerBound]), default: [:]][number] = entry.text
        }
    }

    /// The page's text; the whole document's where the page is not known.
    func text(of document: String, page: Int?) -> String? {
        guard let pages = texts[document] else { return nil }
        return page.map { pages[$0] ?? "" } ?? pages.sorted { $0.key < $1.key }.map(\.value).joined(separator: "\n")
    }

    func has(_ page: Int, of document: String) -> Bool { texts[document]?[page] != nil }
}

/// Has questions answered as users have them answered, and checks what the answers rest on.
struct CitationEvaluation: Sendable {
    struct Report: Sendable {
        var questions = 0
        /// Answers that cite something.
        var answered = 0
        var references = 0
        /// References that name a page.
        var paged = 0
        /// References whose quote is on the page that they name, or in the document where they name none; those of them that
        /// are there line by line; and those whose quote the check finds on the next page as well, which says what it is worth.
        var onPage = 0
        var lineByLine = 0
        var onNextPage = 0
        /// References whose page has a next one.
        var followed = 0
        /// References whose quote is the document's text from `start` to `end`.
        var exact = 0
        /// Answers all of whose references are right in both ways.
        var correct = 0
        var recalls: [Double] = []
        var milliseconds: [Double] = []
        var wrong: [String] = []
    }

    let search: EvaluationSearch
    let pages: Pages

    func run(_ questions: [(query: EvaluationQuery, grades: [String: Int])]) async throws -> Report {
        var report = Report()
        var texts: [FileID: [Unicode.Scalar]] = [:]
        for (query, grades) in questions {
            let found = try await search.passages(for: query, limit: 100)
            let ranking = search.index.ranking(of: found, limit: 5)
            report.recalls.append(RankingMetric.recall(of: ranking, grades: grades, depth: 5))
            let start = ContinuousClock.now
            let (references, isCiting) = try await answer(query)
            report.milliseconds.append((ContinuousClock.now - start).seconds * 1_000)
            report.questions += 1
            report.answered += isCiting ? 1 : 0
            for reference in references where texts[reference.file] == nil {
                texts[reference.file] = Array(try await text(of: reference.file).unicodeScalars)
            }
            report.count(references, of: query, texts: texts, pages: pages, ids: search.index.ids)
            Terminal.progress("\(report.questions)/\(questions.count) questions answered")
        }
        Terminal.endProgress()
        for line in report.wrong.prefix(10) { Terminal.note(line) }
        return report
    }

    private func answer(_ query: EvaluationQuery) async throws -> (references: [Passage], isCiting: Bool) {
        let message: JSONValue = ["role": "user", "content": .string(query.text)]
        let question = Question(
            model: ExtractiveModel.name, turns: [Question.Turn(role: .user, text: query.text, message: message)],
            knowledge: KnowledgeChoice(knowledgeBases: [search.index.base.id]))
        let answer = try await search.index.services.door.answer(question, in: EvaluationIndex.scope)
        var isCiting = false
        for try await event in answer.events {
            if case .finish(_, let citations, _) = event { isCiting = !citations.isEmpty }
        }
        return (answer.references, isCiting)
    }

    private func text(of file: FileID) async throws -> String {
        try await search.index.services.database.text(
            of: file, in: search.index.base.id, scope: EvaluationIndex.scope)
    }
}

extension CitationEvaluation.Report {
    fileprivate mutating func count(
        _ passages: [Passage], of query: EvaluationQuery, texts: [FileID: [Unicode.Scalar]], pages: Pages,
        ids: [String: [String]]
    ) {
        var areRight = true
        for passage in passages {
            let text = texts[passage.file] ?? []
            let isExact =
                passage.characters.upperBound <= text.count
                && text[passage.characters].elementsEqual(passage.text.unicodeScalars)
            let ids = ids[passage.filename] ?? []
            let texts = ids.compactMap { pages.text(of: $0, page: passage.page) }
            let isOnPage = texts.contains { QuoteCheck.isQuote(passage.text, in: $0) }
            references += 1
            paged += passage.page == nil ? 0 : 1
            exact += isExact ? 1 : 0
            onPage += isOnPage ? 1 : 0
            lineByLine += texts.contains { QuoteCheck.isQuoteLineByLine(passage.text, in: $0) } ? 1 : 0
            if let next = passage.page.map({ $0 + 1 }), ids.contains(where: { pages.has(next, of: $0) }) {
                let texts = ids.compactMap { pages.text(of: $0, page: next) }
                followed += 1
                onNextPage += texts.contains { QuoteCheck.isQuote(passage.text, in: $0) } ? 1 : 0
            }
            if isExact && isOnPage { continue }
            areRight = false
            let page = passage.page.map { ", page \($0)" } ?? ""
            wrong.append("\(query.id): not in \(passage.filename)\(page): \(passage.text.prefix(80))…")
        }
        correct += areRight ? 1 : 0
    }

    private func share(_ part: Int, of whole: Int) -> Double { whole > 0 ? Double(part) / Double(whole) : 0 }

    private var figures: [(String, JSONValue)] {
        [
            ("queries", .integer(questions)), ("answered", .integer(answered)), ("references", .integer(references)),
            ("references_with_page", .integer(paged)),
            ("quotes_exact", .number(share(exact, of: references).rounded(to: 6))),
            ("quotes_on_page", .number(share(onPage, of: references).rounded(to: 6))),
            ("quotes_line_by_line", .number(share(lineByLine, of: references).rounded(to: 6))),
            ("quotes_on_next_page", .number(share(onNextPage, of: followed).rounded(to: 6))),
            ("answers_correct", .number(share(correct, of: questions).rounded(to: 6))),
            ("document_recall@5", .number(recalls.mean.rounded(to: 6))),
            ("p50_ms", .number(milliseconds.percentile(0.5).rounded(to: 3))),
            ("p99_ms", .number(milliseconds.percentile(0.99).rounded(to: 3))),
        ]
    }

    var json: JSONValue {
        var fields = Dictionary(figures, uniquingKeysWith: { one, _ in one })
        fields["document_recall@5_interval"] = Bootstrap.interval(of: recalls)?.json
        return .object(fields)
    }

    var rows: [[String]] { figures.map { [$0.0, $0.1.double.map { "\($0)" } ?? ""] } }
}
