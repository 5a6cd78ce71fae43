import Foundation
import Knowledge
import Testing

@testable import Vectors

@Suite("The local embedder", .enabled(if: Reference.isModelInstalled))
struct LocalEmbedderTests {
    private static let shared = Result {
        try LocalEmbedder(folder: Reference.model ?? "", name: "all-MiniLM-L6-v2", threads: 2)
    }

    @Test("describes its model")
    func describes() throws {
        let model = try Self.shared.get().model
        #expect(model.name == "all-MiniLM-L6-v2")
        #expect(model.dimension == 384)
        #expect(model.maxTokens == 256)
        #expect(model.fingerprint == (try ModelFolder(path: Reference.model ?? "").fingerprint()))
        // Knowledge bases made with the published files stay valid.
        #expect(model.fingerprint == "8bb81033c1ac0ab7b807436c3144693c4096a78268388ec02a002d1c7ddf4f15")
    }

    @Test("gives the vectors of sentence-transformers with every instruction set", arguments: Kernels.all.map(\.name))
    func matchesFixture(_ kernel: String) async throws {
        let kernels = try #require(Kernels.all.first { $0.name == kernel })
        let embedder = try LocalEmbedder(
            folder: Reference.model ?? "", name: "all-MiniLM-L6-v2", threads: 2, kernels: kernels, precision: .float32)
        let texts = try Reference.texts(Reference.fixture("texts.jsonl"))
        let vectors = Reference.vectors(try Reference.fixture("vectors.f32"), dimension: 384)
        try await check(embedder, texts, vectors, atLeast: 0.999_999)
    }

    /// The least cosine to the vectors of sentence-transformers that each precision promises.
    private static let promises: [(Precision, Double)] = [(.float32, 0.999_999), (.bfloat16, 0.9999), (.int8, 0.999)]

    @Test(
        "gives the vectors of sentence-transformers for the whole reference set, as near as its precision promises",
        .enabled(if: Reference.hasSharedTexts), arguments: promises)
    func matchesReference(_ precision: Precision, cosine: Double) async throws {
        let embedder = try LocalEmbedder(
            folder: Reference.model ?? "", name: "all-MiniLM-L6-v2", threads: 2, kernels: .best, precision: precision)
        let texts = try Reference.texts(Data(contentsOf: URL(filePath: Reference.sharedTexts + "/texts.jsonl")))
        let file = try Data(contentsOf: URL(filePath: Reference.sharedTexts + "/vectors.npy"))
        let vectors = Reference.vectors(Data(file.suffix(texts.count * 384 * 4)), dimension: 384)
        try await check(embedder, texts, vectors, atLeast: cosine)
    }

    private func check(
        _ embedder: LocalEmbedder, _ texts: [Reference.Text], _ vectors: [[Float]], atLeast promised: Double
    ) async throws {
        let embeddings = try await embedder.embed(texts.map { .text($0.text) }, as: .passage, priority: .background)
        #expect(embeddings.tokenCounts == texts.map(\.token_ids.count))
        var worst = 1.0
        for (vector, expected) in zip(embeddings.vectors, vectors) { worst = min(worst, cosine(vector, expected)) }
        #expect(embeddings.vectors.count == vectors.count)
        #expect(worst >= promised)
    }

    @Test("gives a text the same vector alone and in company, from text and from ids")
    func ignoresCompany() async throws {
        let embedder = try Self.shared.get()
        let texts = try Reference.texts(Reference.fixture("texts.jsonl")).prefix(24)
        let together = try await embedder.embed(texts.map { .text($0.text) }, as: .passage, priority: .background)
        for (text, vector) in zip(texts, together.vectors) {
            let alone = try await embedder.embed([.text(text.text)], as: .query, priority: .urgent)
            #expect(alone.vectors == [vector])
            let ids = text.token_ids.dropFirst().dropLast().map { Int($0) }
            #expect(try await embedder.embed([.tokens(ids)], as: .query, priority: .urgent).vectors == [vector])
        }
    }

    @Test("takes nothing, and the empty text, and refuses ids that the vocabulary lacks")
    func takesEdges() async throws {
        let embedder = try Self.shared.get()
        #expect(try await embedder.embed([], as: .query, priority: .urgent).vectors.isEmpty)
        let empty = try await embedder.embed([.text(""), .tokens([])], as: .query, priority: .urgent)
        #expect(empty.tokenCounts == [2, 2])
        #expect(abs(cosine(empty.vectors[0], empty.vectors[1]) - 1) < 1e-6)
        let tokens = Array(repeating: 1037, count: 9_999)
        let long = try await embedder.embed([.tokens(tokens)], as: .query, priority: .urgent)
        #expect(long.tokenCounts == [256])
        for stranger in [-1, 30_522, Int.max] {
            await #expect(throws: RequestError.self) {
                _ = try await embedder.embed([.tokens([101, stranger])], as: .query, priority: .urgent)
            }
        }
    }

    @Test("stops when its task is cancelled")
    func stops() async throws {
        let embedder = try Self.shared.get()
        let text = EmbeddingInput.text(String(repeating: "word ", count: 300))
        let work = Task {
            try await embedder.embed(Array(repeating: text, count: 10_000), as: .passage, priority: .background)
        }
        work.cancel()
        await #expect(throws: CancellationError.self) { try await work.value }
    }
}
