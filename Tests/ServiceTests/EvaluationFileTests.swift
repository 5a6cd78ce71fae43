import Foundation
import Testing

@testable import Service

@Suite("The files of a question set")
struct EvaluationFileTests {
    private func file(_ text: String) -> EvaluationFile { EvaluationFile(name: "f", data: Data(text.utf8)) }

    @Test("are read in order, without blank lines, with either line ending")
    func corpus() throws {
        let text = #"{"_id": "a", "title": "T", "text": "x\ny"}"# + "\r\n\n" + #"{"_id": "b", "text": "z", "more": [1]}"#
        #expect(
            try file(text).corpus() == [
                CorpusEntry(id: "a", title: "T", text: "x\ny"), CorpusEntry(id: "b", title: "", text: "z"),
            ])
    }

    @Test("hold the turns before a question, also as tasks of which one kind is wanted")
    func queries() throws {
        let history = #"{"_id": "1", "text": "it?", "history": [{"speaker": "user", "text": "u"}, {"speaker": "agent", "text": "s"}]}"#
        let turns = [EvaluationQuery.Turn(isUser: true, text: "u"), EvaluationQuery.Turn(isUser: false, text: "s")]
        #expect(try file(history).queries() == [EvaluationQuery(id: "1", text: "it?", history: turns)])
        let tasks = """
            {"_id": "a", "answerability": "ANSWERABLE", "conversation": [{"speaker": "user", "text": "x"}]}
            {"_id": "b", "answerability": "UNANSWERABLE", "conversation": [{"speaker": "agent", "text": "s"}, {"speaker": "user", "text": "y"}]}
            """
        #expect(
            try file(tasks).queries(answerability: "UNANSWERABLE") == [
                EvaluationQuery(id: "b", text: "y", history: [EvaluationQuery.Turn(isUser: false, text: "s")])
            ])
    }

    @Test("hold grades below a header, or without one")
    func judgements() throws {
        let rows = "q1\ta b\t2\nq1\tc\t0\nq2\ta b\t1\n"
        let expected = ["q1": ["a b": 2, "c": 0], "q2": ["a b": 1]]
        #expect(try file("query-id\tcorpus-id\tscore\n" + rows).judgements() == expected)
        #expect(try file(rows).judgements() == expected)
    }

    @Test("hold spans with their places")
    func spans() throws {
        let line = #"{"query_id": "q", "corpus_id": "d", "spans": [{"start": 3, "end": 5, "text": "ab"}]}"#
        #expect(try file(line).spans() == [GoldSpan(query: "q", document: "d", characters: 3..<5, text: "ab")])
    }

    @Test(
        "are refused with the line that is wrong",
        arguments: [
            (#"{"_id": "a", "text": "x"}"# + "\n{", 2, "no JSON"), (#"{"_id": "a"}"#, 1, "'text' is missing"),
            (#"{"_id": 1, "text": "x"}"#, 1, "'_id' is missing"), ("[]", 1, "an object"),
            (#"{"_id": "a", "text": "x"}"# + "\n\n" + #"{"_id": "a", "text": "y"}"#, 3, "before"),
        ])
    func wrongCorpus(text: String, line: Int, reason: String) {
        let error = #expect(throws: EvaluationFileError.self) { try file(text).corpus() }
        #expect(error?.line == line && error?.description.contains(reason) == true, "\(error?.description ?? "")")
    }

    @Test(
        "name the judgement that makes no sense",
        arguments: [
            ("h\th\th\na\tb", 2), ("h\th\th\na\tb\tx", 2), ("a\tb\t1\na\tb\t2", 2), ("h\th\th\na b 1", 2),
        ])
    func wrongJudgements(text: String, line: Int) {
        let error = #expect(throws: EvaluationFileError.self) { try file(text).judgements() }
        #expect(error?.line == line)
    }

    @Test("are refused where there is nothing in them", arguments: ["", "\n\n", "h\th\th\n"])
    func empty(text: String) {
        #expect(throws: EvaluationFileError.self) { try file(text).judgements() }
        #expect(throws: EvaluationFileError.self) { try EvaluationFile(name: "f", data: Data("\n".utf8)).corpus() }
    }
}
