import Knowledge
import Synchronization
import TestSupport
import Testing

@testable import Service

/// Chunks by number.
private struct Texts: ChunkStore {
    let texts: [String]

    func passages(_ places: [ChunkPlace], in scope: Scope) async throws -> [Passage] {
        places.map { place in
            Passage(
                chunk: place.chunk, knowledgeBase: place.knowledgeBase, document: place.document, file: .random(),
                filename: "a.txt", title: nil, headingPath: [], page: nil, locator: nil, characters: 0..<1,
                text: texts[Int(place.chunk.rawValue)], tokenCount: 1, attributes: [:], score: 0)
        }
    }

    func sample(of generation: KnowledgeBaseID, count: Int, in scope: Scope) async throws -> (texts: [String], chunks: Int) {
        ([], 0)
    }
    func spans(around places: [ChunkPlace], reach: Int, in scope: Scope) async throws -> [ChunkSpan] { [] }
    func texts(_ stretches: [(document: DocumentID, bytes: Range<Int>)], in scope: Scope) async throws -> [String?] { [] }
}

/// Remembers what it was asked to embed.
private final class ListeningEmbedder: Embedder {
    let words = WordEmbedder()
    let heard = Mutex<[String]>([])
    var model: EmbeddingModel { words.model }

    func count(_ text: Substring) -> Int { words.count(text) }

    func embed(
        _ inputs: [EmbeddingInput], as role: EmbeddingRole, priority: Workers.Priority
    ) async throws -> Embeddings {
        for case .text(let text) in inputs { heard.withLock { $0.append(text) } }
        return try await words.embed(inputs, as: role, priority: priority)
    }
}

@Suite("The nearest sentence")
struct NearestSentenceTests {
    private static let texts = [
        "The weir was built of oak. In spring the weir of Lindenhof was repaired by carpenters. Its keeper lives nearby.",
        "Nobody knows anything here. All of that is quite something else. And so on it goes for ever.",
        "Short.",
    ]

    @Test(
        "is looked for in one sentence of each chunk: what shares most words with the question, of equals the first",
        arguments: [
            (0, "In spring the weir of Lindenhof was repaired by carpenters."), (1, "Nobody knows anything here."),
            (2, "Short."),
        ])
    func reads(_ chunk: Int64, _ expected: String) async throws {
        let embedder = ListeningEmbedder()
        let question = "When was the weir of Lindenhof repaired?"
        let vector = try await WordEmbedder().embed([.text(question)], as: .query, priority: .urgent).vectors[0]
        let nearest = NearestSentence(
            question: question, vector: vector, embedder: embedder, chunks: Texts(texts: Self.texts), scope: World.scope)
        let place = ChunkPlace(knowledgeBase: .random(), document: .random(), chunk: ChunkID(chunk))
        let similarity = try await nearest.similarity(in: [Candidate(place: place)])
        #expect(embedder.heard.withLock { $0 } == [expected])
        let sentence = try await WordEmbedder().embed([.text(expected)], as: .passage, priority: .urgent).vectors[0]
        let product = zip(vector, sentence).reduce(0) { $0 + Double($1.0) * Double($1.1) }
        #expect(abs(try #require(similarity) - product) < 1e-6)
    }
}
