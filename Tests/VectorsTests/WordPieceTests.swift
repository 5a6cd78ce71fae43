import Foundation
import Testing

@testable import Vectors

@Suite("The tokenizer")
struct WordPieceTests {
    /// Enough pieces to see every rule; ids are positions.
    private static let tiny: Tokenizer = {
        let names = [
            "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "un", "##aff", "##able", "##a", "##b", "caf", "##e",
            "!", "x", "y", "中", "ß", "[", "]", "sep", "hello",
        ]
        let tokens = names.map { Array($0.utf8) }
        let vocabulary = Vocabulary(tokens)
        let added = names.prefix(5).enumerated().map { AddedTokens.Token(literal: Array($1.utf8), id: Int32($0)) }
        return Tokenizer(
            WordPiece(vocabulary, unknownID: 1), frame: Tokenizer.Frame(classID: 2, separatorID: 3),
            added: AddedTokens(added), count: tokens.count, pieces: PieceTable(tokens, .continuations))
    }()

    private static let words = WordPiece(Vocabulary([]), unknownID: 1)

    @Test("cuts words into the longest pieces", arguments: [
        ("", []),
        ("unaffable", [7, 8, 9]),
        ("UNAFFABLE a", [7, 8, 9, 5]),
        ("unaffx a", [1, 5]),
        ("Café!café", [12, 13, 14, 12, 13]),
        ("a\u{c}b a\u{200B}b", [5, 11, 5, 11]),
        ("a中b", [5, 17, 6]),
        ("ẞ", [18]),
        ("x[MASK]y hello [SEP] hello [sep]", [15, 4, 16, 22, 3, 22, 19, 21, 20]),
        ("[[SEP]", [19, 3]),
        (" \u{1C}\u{85}a\u{1F} ", [5]),
    ] as [(String, [Int32])])
    func cuts(_ text: String, _ ids: [Int32]) {
        #expect(Self.tiny.ids(of: text[...]) == ids)
        #expect(Self.tiny.count(text[...]) == ids.count)
    }

    @Test("knows words of 100 scalars, but none of 101")
    func limitsWords() {
        #expect(Self.tiny.count(String(repeating: "a", count: 100)[...]) == 100)
        #expect(Self.tiny.ids(of: String(repeating: "a", count: 101)[...]) == [1])
        #expect(Self.tiny.ids(of: String(repeating: "\u{1E9B}\u{323}", count: 5_000)[...]) == [1])
    }

    @Test("stops at its limit")
    func stops() {
        #expect(Self.tiny.ids(of: "a b a b", limit: 3) == [5, 6, 5])
        #expect(Self.tiny.ids(of: "unaffable", limit: 2) == [7, 8])
        #expect(Self.tiny.ids(of: "a", limit: 0) == [])
    }

    /// One digest per 4096 code points over the words of `a?b a?b …`; see Scripts/make-unicode-tables.py.
    @Test("splits and normalises every code point as Hugging Face does")
    func matchesEveryCodePoint() throws {
        let digests = try String(decoding: Reference.fixture("word-digests.txt"), as: UTF8.self).split(separator: "\n")
        #expect(digests.count == 272)
        for (block, digest) in digests.enumerated() {
            var text = ""
            for code in UInt32(block * 4096)..<UInt32((block + 1) * 4096) {
                guard let scalar = Unicode.Scalar(code) else { continue }
                text.unicodeScalars.append(contentsOf: ["a", scalar, "b", " "])
            }
            let words = Self.words.words(of: text[...])
            var hash: UInt64 = 0xCBF2_9CE4_8422_2325
            for byte in words.joined(separator: "\n").utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
            #expect(hash == UInt64(digest, radix: 16), "block \(String(block * 4096, radix: 16))")
        }
    }

    private struct Words: Decodable {
        var text: String
        var words: [String]
    }

    @Test("orders, drops and keeps marks as Hugging Face does")
    func matchesMarks() throws {
        for line in try Reference.fixture("words.jsonl").split(separator: UInt8(ascii: "\n")) {
            let expected = try JSONDecoder().decode(Words.self, from: Data(line))
            let words = Self.words.words(of: expected.text[...])
            // Compared by bytes: Swift's strings are equal when they are canonically equivalent.
            #expect(words.map { Array($0.utf8) } == expected.words.map { Array($0.utf8) })
        }
    }

    @Test("gives the ids of sentence-transformers", .enabled(if: Reference.isModelInstalled))
    func matchesFixture() throws {
        try check(Reference.texts(Reference.fixture("texts.jsonl")))
    }

    @Test("gives the ids of sentence-transformers for the whole reference set", .enabled(if: Reference.hasSharedTexts))
    func matchesReference() throws {
        try check(Reference.texts(Data(contentsOf: URL(filePath: Reference.sharedTexts + "/texts.jsonl"))))
    }

    private func check(_ texts: [Reference.Text]) throws {
        let tokenizer = try ModelFolder(path: try #require(Reference.model)).tokenizer
        for expected in texts {
            let ids = [tokenizer.classID] + tokenizer.ids(of: expected.text[...], limit: 254) + [tokenizer.separatorID]
            #expect(ids == expected.token_ids, "\(expected.text.prefix(80))")
        }
    }
}
