import Foundation
import Testing

@testable import Vectors

@Suite("A part of a tokenizer")
struct TokenizerPartsTests {
    private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    @Test("cuts text by GPT-2's pattern", arguments: [
        ("don't", ["don", "'t"]),
        (" we'll've 'tis", [" we", "'ll", "'ve", " '", "tis"]),
        ("a  b", ["a", " ", " b"]),
        ("a \n\n b", ["a", " \n\n", " b"]),
        ("\n\n", ["\n\n"]),
        ("x1², y", ["x", "1²", ",", " y"]),
        (" 房租 ½!", [" 房租", " ½", "!"]),
        ("e\u{301}", ["e", "\u{301}"]),
    ] as [(String, [String])])
    func words(_ text: String, _ expected: [String]) {
        var words: [[UInt8]] = []
        Array(text.utf8).withUnsafeBufferPointer { bytes in
            var start = 0
            while start < bytes.count {
                let end = WordPattern.end(of: start, in: bytes)
                words.append(Array(bytes[start..<end]))
                start = end
            }
        }
        #expect(words == expected.map { Array($0.utf8) })
    }

    @Test("finds special tokens, the longest first, with the white space that they take along")
    func added() {
        let tokens = AddedTokens([
            AddedTokens.Token(literal: Array("<m>".utf8), id: 1, takesSpaceBefore: true),
            AddedTokens.Token(literal: Array("<m>x".utf8), id: 2, takesSpaceBehind: true),
            AddedTokens.Token(literal: Array("wort".utf8), id: 3, isWholeWord: true),
        ])
        func matches(_ text: String) -> [String] {
            Array(text.utf8).withUnsafeBufferPointer { bytes in
                var found: [String] = []
                var start = 0
                while let match = tokens.next(in: bytes, from: start) {
                    found.append("\(match.id)\(Self.text(Array(bytes[match.range])))")
                    start = match.range.upperBound
                }
                return found
            }
        }
        #expect(matches("a \u{A0}<m> <m>x  <m>") == ["1 \u{A0}<m>", "2<m>x  ", "1<m>"])
        #expect(matches("wort, Vorwort wortü (wort)") == ["3wort", "3wort"])
    }

    @Test("normalises step by step", arguments: [
        (.strip(left: true, right: true), " \u{3000}a b\n ", "a b"),
        (.strip(left: false, right: true), " a ", " a"),
        (.replace([0x20], least: 2, with: Array("▁".utf8)), "a b  c   ", "a b▁c▁"),
        (.replace(Array("ab".utf8), least: nil, with: []), "cababd", "cd"),
        (.prepend([0x20]), "a", " a"),
        (.prepend([0x20]), "", ""),
        (.lowercase, "ΟΔΟΣ Ä ẞ A", "οδοσ ä ß a"),
        (.compatiblyComposed, "ﬁ e\u{301} Ⅳ", "fi é IV"),
    ] as [(TextNormalizer.Step, String, String)])
    func normalises(_ step: TextNormalizer.Step, _ text: String, _ expected: String) {
        let result = Array(text.utf8).withUnsafeBufferPointer(TextNormalizer(steps: [step]).callAsFunction)
        #expect(result == Array(expected.utf8))
    }

    @Test("keeps case and accents as BERT's rules say", arguments: [
        (WordRules(), "Größe Ça 房租", ["große", "ca", "房", "租"]),
        (WordRules(lowercases: true, stripsAccents: false), "Größe Ça İ", ["größe", "ça", "i\u{307}"]),
        (WordRules(lowercases: false, stripsAccents: false), "Größe, Ça\u{301}", ["Größe", ",", "Ça\u{301}"]),
        (WordRules(lowercases: false, stripsAccents: true), "Größe Ça", ["Große", "Ca"]),
        (WordRules(isolatesIdeographs: false), "a房租b", ["a房租b"]),
    ] as [(WordRules, String, [String])])
    func rules(_ rules: WordRules, _ text: String, _ expected: [String]) {
        let words = WordPiece(Vocabulary([]), unknownID: 0, rules: rules).words(of: text[...])
        #expect(words.map { Array($0.utf8) } == expected.map { Array($0.utf8) })
    }

    @Test("takes the pieces of the greatest probability, and unknown characters together")
    func unigram() {
        let scores = [("?", 0), ("a", -1), ("b", -1), ("ab", -1.5), ("abc", -9), ("c", -1), ("cd", -2)]
        let model = Unigram(
            scores.map { (Array($0.0.utf8), $0.1) }, unknownID: 0, fallsBackToBytes: false)
        func ids(_ text: String) -> [Int32] {
            var workspace = Unigram.Workspace()
            var ids: [Int32] = []
            _ = Array(text.utf8).withUnsafeBufferPointer {
                model.visit($0, &workspace) {
                    ids.append($0)
                    return true
                }
            }
            return ids
        }
        #expect(ids("abcd") == [3, 6])
        #expect(ids("abc") == [3, 5])
        #expect(ids("xyabzé") == [0, 3, 0])
    }

    @Test("is refused by name where it is not implemented", arguments: [
        ("\"type\":\"BertNormalizer\"", "\"type\":\"Nmt\""),
        ("\"type\":\"BertPreTokenizer\"", "\"type\":\"Punctuation\""),
        ("\"type\":\"WordPiece\"", "\"type\":\"WordLevel\""),
        ("\"type\":\"BertProcessing\"", "\"type\":\"Other\""),
        ("\"max_input_chars_per_word\":100", "\"max_input_chars_per_word\":50"),
    ])
    func refuses(_ old: String, _ new: String) throws {
        let file = """
            {"added_tokens":[],"normalizer":{"type":"BertNormalizer"},"pre_tokenizer":{"type":"BertPreTokenizer"},
            "post_processor":{"type":"BertProcessing","sep":["[SEP]",2],"cls":["[CLS]",1]},
            "model":{"type":"WordPiece","max_input_chars_per_word":100,"vocab":{"[UNK]":0,"[CLS]":1,"[SEP]":2}}}
            """
        let sound = try TokenizerFile(Array(file.utf8), path: "t", limit: 3).tokenizer()
        #expect(sound.ids(of: "a") == [0])
        let error = #expect(throws: ModelError.self) {
            try TokenizerFile(Array(file.replacing(old, with: new).utf8), path: "t", limit: 3).tokenizer()
        }
        guard case .unsupported = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(throws: ModelError.self) { try TokenizerFile(Array(file.utf8), path: "t", limit: 2).tokenizer() }
    }
}
