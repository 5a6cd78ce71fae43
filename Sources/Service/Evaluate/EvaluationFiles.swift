package import Foundation
package import Knowledge

/// What is wrong with a file of an evaluation, and in which line.
package struct EvaluationFileError: Error, Hashable, Sendable, CustomStringConvertible {
    package let file: String
    /// From 1; nil where the whole file is meant.
    package let line: Int?
    package let reason: String

    package var description: String { line.map { "\(file), line \($0): \(reason)" } ?? "\(file): \(reason)" }
}

/// A document to search.
package struct CorpusEntry: Hashable, Sendable {
    package var id: String
    package var title: String
    package var text: String
}

/// A question to search with.
package struct EvaluationQuery: Hashable, Sendable {
    package var id: String
    package var text: String
    /// What was said before, oldest first.
    package var history: [Turn] = []
    /// What people hold to be the answer, where a set says so.
    package var answer: String?

    package struct Turn: Hashable, Sendable {
        package var isUser: Bool
        package var text: String
    }
}

/// Reads the files of question sets: BEIR's `corpus.jsonl`, `queries.jsonl` and `qrels.tsv`, and spans of answers.
///
/// Blank lines are skipped, unknown keys ignored, ids may stand only once in a file.
package struct EvaluationFile: Sendable {
    private let name: String
    private let data: Data

    /// - Parameter name: For errors.
    package init(name: String, data: Data) {
        self.name = name
        self.data = data
    }

    // MARK: - What is in it

    /// `_id`, `text`, and `title` where there is one.
    package func corpus() throws(EvaluationFileError) -> [CorpusEntry] {
        try distinct { fields, line throws(EvaluationFileError) in
            let id = try text("_id", fields, line)
            return (id, CorpusEntry(id: id, title: fields["title"]?.string ?? "", text: try text("text", fields, line)))
        }
    }

    /// `_id`, `text`, and `history` where there is one: turns with `speaker` and `text`.
    ///
    /// A line with `answerability` is a task of a conversation set; its `conversation` ends with the question.
    package func queries(
        answerability wanted: String? = nil
    ) throws(EvaluationFileError) -> [EvaluationQuery] {
        try distinct { fields, line throws(EvaluationFileError) in
            if let wanted, let found = fields["answerability"]?.string, found != wanted { return nil }
            let id = try text("_id", fields, line)
            var turns = try turns(fields["conversation"] ?? fields["history"], line)
            var question = fields["text"]?.string
            if question == nil, let last = turns.last, last.isUser {
                question = last.text
                turns.removeLast()
            }
            guard let question else { throw error(line, "'text' is missing or no text") }
            return (id, EvaluationQuery(id: id, text: question, history: turns, answer: fields["answer"]?.string))
        }
    }

    /// Grades by query and document: tab-separated `query-id`, `corpus-id`, `score` below a header line.
    package func judgements() throws(EvaluationFileError) -> [String: [String: Int]] {
        var grades: [String: [String: Int]] = [:]
        for (number, line) in lines() {
            let cells = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            guard cells.count == 3 else { throw error(number, "expected three tab-separated cells, found \(cells.count)") }
            if number == 1, Int(cells[2]) == nil { continue }
            guard let grade = Int(cells[2]) else { throw error(number, "the score '\(cells[2])' is no whole number") }
            guard grades[cells[0], default: [:]].updateValue(grade, forKey: cells[1]) == nil else {
                throw error(number, "'\(cells[1])' is judged twice for '\(cells[0])'")
            }
        }
        guard !grades.isEmpty else { throw error(nil, "there are no judgements in it") }
        return grades
    }

    /// What answers a query: `query_id`, `corpus_id` and `spans` of `start`, `end` (Unicode code points of the corpus
    /// text) and `text`. Several lines may belong to one query.
    package func spans() throws(EvaluationFileError) -> [GoldSpan] {
        var spans: [GoldSpan] = []
        for (number, fields) in try objects() {
            let query = try text("query_id", fields, number)
            let document = try text("corpus_id", fields, number)
            for span in fields["spans"]?.array ?? [] {
                guard let start = span["start"]?.integer, let end = span["end"]?.integer, 0 <= start, start < end,
                    let text = span["text"]?.string
                else { throw error(number, "a span needs 'start' < 'end' and 'text'") }
                spans.append(GoldSpan(query: query, document: document, characters: start..<end, text: text))
            }
        }
        guard !spans.isEmpty else { throw error(nil, "there are no spans in it") }
        return spans
    }

    /// Any objects, one a line, with their line numbers.
    package func objects() throws(EvaluationFileError) -> [(line: Int, fields: JSONValue)] {
        var objects: [(Int, JSONValue)] = []
        for (number, line) in lines() {
            do {
                let value = try JSONValue(json: Data(line.utf8))
                guard value.object != nil else { throw error(number, "expected an object") }
                objects.append((number, value))
            } catch let error as JSONSyntaxError {
                throw self.error(number, "no JSON at byte \(error.offset): \(error.reason)")
            } catch let error as EvaluationFileError {
                throw error
            } catch {
                throw self.error(number, "\(error)")
            }
        }
        return objects
    }

    // MARK: - Reading

    private func lines() -> [(Int, String)] {
        data.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated().compactMap { index, bytes in
            let bytes = bytes.last == 0x0D ? bytes.dropLast() : bytes
            let line = String(decoding: bytes, as: UTF8.self)
            return line.allSatisfy(\.isWhitespace) ? nil : (index + 1, line)
        }
    }

    private func error(_ line: Int?, _ reason: String) -> EvaluationFileError {
        EvaluationFileError(file: name, line: line, reason: reason)
    }

    private func text(_ key: String, _ fields: JSONValue, _ line: Int) throws(EvaluationFileError) -> String {
        guard let text = fields[key]?.string else { throw error(line, "'\(key)' is missing or no text") }
        return text
    }

    /// One element a line, in order; an id that comes again is an error, since nothing could be said of it.
    private func distinct<Element>(
        _ read: (JSONValue, Int) throws(EvaluationFileError) -> (id: String, Element)?
    ) throws(EvaluationFileError) -> [Element] {
        var elements: [Element] = []
        var ids: Set<String> = []
        for (number, fields) in try objects() {
            guard let (id, element) = try read(fields, number) else { continue }
            guard ids.insert(id).inserted else { throw error(number, "the id '\(id)' was there before") }
            elements.append(element)
        }
        guard !elements.isEmpty else { throw error(nil, "there is nothing in it") }
        return elements
    }

    private func turns(_ value: JSONValue?, _ line: Int) throws(EvaluationFileError) -> [EvaluationQuery.Turn] {
        var turns: [EvaluationQuery.Turn] = []
        for turn in value?.array ?? [] {
            guard let text = turn["text"]?.string else { throw error(line, "a turn without 'text'") }
            turns.append(EvaluationQuery.Turn(isUser: turn["speaker"]?.string == "user", text: text))
        }
        return turns
    }
}

/// A stretch of a document that answers a query.
package struct GoldSpan: Hashable, Sendable {
    package var query: String
    package var document: String
    /// Unicode code points of the corpus text.
    package var characters: Range<Int>
    package var text: String

    /// Where the span stands in the canonical text, which may have lost or gained characters before it: the occurrence
    /// of its words nearest to the place it had. nil where there is none.
    package func located(in text: [Unicode.Scalar]) -> Range<Int>? {
        let wanted = Array(self.text.precomposedStringWithCanonicalMapping.unicodeScalars)
        guard !wanted.isEmpty, wanted.count <= text.count else { return nil }
        let last = text.count - wanted.count
        let origin = min(characters.lowerBound, last)
        for distance in 0...max(origin, last - origin) {
            for start in [origin - distance, origin + distance] where (0...last).contains(start) {
                if text[start] == wanted[0], text[start..<start + wanted.count].elementsEqual(wanted) {
                    return start..<start + wanted.count
                }
            }
        }
        return nil
    }
}
