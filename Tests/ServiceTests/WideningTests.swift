import Foundation
import Testing

@testable import Knowledge
@testable import Service

/// One document of numbered sentences, a chunk each, with a section of three and a page of five chunks.
private struct NumberedDocument: ChunkStore {
    static let knowledgeBase = KnowledgeBaseID.random()
    static let document = DocumentID.random()
    static let sentences = (0..<40).map { "Satz \($0) über die Größe. " }
    static let text = sentences.joined()

    static let spans: [ChunkSpan] = {
        var (byte, character) = (0, 0)
        return sentences.enumerated().map { position, sentence in
            // The last space belongs to no chunk, as between blocks.
            let (bytes, characters) = (sentence.utf8.count, sentence.unicodeScalars.count)
            defer { (byte, character) = (byte + bytes, character + characters) }
            return ChunkSpan(
                chunk: ChunkID(Int64(position + 100)), document: document, position: position,
                bytes: byte..<byte + bytes - 1, characters: character..<character + characters - 1,
                headingPath: ["Section \(position / 3)"], page: position / 5, tokenCount: 10)
        }
    }()

    static func passage(_ position: Int) -> Passage {
        let span = spans[position]
        return Passage(
            chunk: span.chunk, knowledgeBase: knowledgeBase, document: document, file: .random(), filename: "a.md",
            title: nil, headingPath: span.headingPath, page: span.page, locator: nil, characters: span.characters,
            text: String(sentences[position].dropLast()), tokenCount: 10, attributes: [:], score: 0.5)
    }

    func sample(of base: KnowledgeBaseID, count: Int, in scope: Scope) async throws -> (texts: [String], chunks: Int) { ([], 0) }

    func passages(_ places: [ChunkPlace], in scope: Scope) async throws -> [Passage] { [] }

    func spans(around places: [ChunkPlace], reach: Int, in scope: Scope) async throws -> [ChunkSpan] {
        let wanted = places.map { Int($0.chunk.rawValue) - 100 }
        return Self.spans.filter { span in wanted.contains { abs($0 - span.position) <= reach } }
    }

    func texts(_ stretches: [(document: DocumentID, bytes: Range<Int>)], in scope: Scope) async throws -> [String?] {
        stretches.map { String(decoding: Array(Self.text.utf8)[$0.bytes], as: UTF8.self) }
    }
}

@Suite("Widening")
struct WideningTests {
    @Test("gives stretches of the text that hold each passage once, within section, page and tokens")
    func widens() async throws {
        let scalars = Array(NumberedDocument.text.unicodeScalars)
        for maxTokens in [0, 10, 20, 30, 1_000] {
            let found = [7, 8, 20, 3, 39, 21, 22].map(NumberedDocument.passage)
            let widen = Widening(chunks: NumberedDocument(), maxTokens: maxTokens)
            let wider = try await widen(found, in: World.scope)
            #expect(wider.first?.place == found.first?.place)
            for passage in wider {
                let stretch = String(String.UnicodeScalarView(scalars[passage.characters]))
                #expect(passage.text == stretch && stretch == stretch.trimmingCharacters(in: .whitespaces))
                let inside = NumberedDocument.spans.filter { passage.characters.overlaps($0.characters) }
                #expect(Set(inside.map(\.headingPath)).count == 1 && Set(inside.map(\.page)).count == 1)
                #expect(inside.count * 10 <= max(10, maxTokens))
            }
            for passage in found {
                #expect(wider.count { $0.characters.contains(passage.characters.lowerBound) } == 1)
            }
        }
    }
}

@Suite("Near copies")
struct DuplicateTests {
    private func passage(_ text: String) -> Passage {
        var passage = NumberedDocument.passage(0)
        passage.text = text
        return passage
    }

    @Test("of a better passage go, and passages that share some words stay")
    func collapses() {
        let long = (0..<60).map { "word\($0)" }
        let first = passage(long.joined(separator: " "))
        let copy = passage("  " + long.joined(separator: ", ").uppercased() + "!")
        let half = passage((long.prefix(30) + (0..<30).map { "other\($0)" }).joined(separator: " "))
        let short = passage("word0 word1")
        #expect([first, copy, half, short, passage("Word0 word1")].withoutCopies() == [first, half, short])
    }
}
