import FoundationEssentials
import Knowledge
import Testing

@testable import Providers

@Suite("A remote embedder", .serialized)
struct RemoteEmbedderTests {
    /// A server's vector for a text: its length and a one, so that texts of different length differ.
    private static func vector(_ input: JSONValue) -> [Float] {
        [Float(input.string?.utf8.count ?? input.array?.count ?? 0), 1]
    }

    private static func unit(_ length: Int) -> [Float] {
        let norm = Float((Double(length * length) + 1).squareRoot())
        return [Float(length) / norm, 1 / norm]
    }

    private static func base64(_ vector: [Float]) -> JSONValue {
        var bytes: [UInt8] = []
        for value in vector { withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes += $0 } }
        return .string(Data(bytes).base64EncodedString())
    }

    private static func numbers(_ vector: [Float]) -> JSONValue { .array(vector.map { .number(Double($0)) }) }

    /// What an honest server says, in an order of its own.
    private static func answer(_ seen: Seen, tokens: Int? = nil) -> Act {
        let isBase64 = seen.body["encoding_format"]?.string == "base64"
        let inputs = seen.body["input"]?.array ?? []
        let data = inputs.enumerated().map { index, input -> JSONValue in
            let vector = vector(input)
            return ["index": .integer(index), "embedding": isBase64 ? base64(vector) : numbers(vector)]
        }
        return .json([
            "data": .array(data.reversed()), "usage": ["prompt_tokens": .integer(tokens ?? inputs.count * 3)],
        ])
    }

    private func texts(_ count: Int) -> [EmbeddingInput] {
        (1...count).map { .text(String(repeating: "x", count: $0)) }
    }

    private func expectInOrder(_ embeddings: Embeddings, _ count: Int) {
        #expect(embeddings.vectors.count == count && embeddings.tokenCounts.count == count)
        for (index, vector) in embeddings.vectors.enumerated() {
            let expected = Self.unit(index + 1)
            #expect(zip(vector, expected).allSatisfy { abs($0 - $1) < 1e-6 })
        }
    }

    @Test("gives unit vectors in the order of the texts, in batches of at most 64, four at a time")
    func batches() async throws {
        let running = Shared((now: 0, most: 0))
        try await FakeUpstream.run { seen in
            running.withLock { $0 = ($0.now + 1, max($0.most, $0.now + 1)) }
            for _ in 0..<20 { await Task.yield() }
            running.withLock { $0.now -= 1 }
            return Self.answer(seen)
        } _: { upstream, settings in
            let embedder = try await RemoteEmbedder.connect(provider: OpenAICompatibleProvider(settings), model: "e")
            let embeddings = try await embedder.embed(texts(400), as: .passage, priority: .background)
            expectInOrder(embeddings, 400)
            #expect(embeddings.tokenCounts.reduce(0, +) == 1_200)
            let sizes = upstream.requests.dropFirst().map { $0.body["input"]?.array?.count ?? 0 }
            #expect(sizes.sorted() == [16, 64, 64, 64, 64, 64, 64])
            #expect(running.withLock { $0.most } <= 4)
            #expect(upstream.requests.allSatisfy { $0.path == "/v1/embeddings" })
            let none = try await embedder.embed([], as: .query, priority: .urgent)
            #expect(none.vectors.isEmpty)
        }
    }

    @Test("learns the dimension and is identified by server, model and dimension")
    func identity() async throws {
        try await FakeUpstream.run {
            Self.answer($0)
        } _: { _, settings in
            let provider = OpenAICompatibleProvider(settings)
            let embedder = try await RemoteEmbedder.connect(provider: provider, model: "e", maxTokens: 99)
            #expect(embedder.model.dimension == 2)
            #expect(embedder.model.maxTokens == 99)
            #expect(embedder.model.name == "e")
            let other = try await RemoteEmbedder.connect(provider: provider, model: "f")
            #expect(embedder.model.fingerprint != other.model.fingerprint)
            #expect(embedder.model.fingerprint == "remote \(settings.baseURL) e 2")
        }
    }

    @Test("asks for numbers where the server does not know base64")
    func floats() async throws {
        try await FakeUpstream.run { seen in
            seen.body["encoding_format"] == nil ? Self.answer(seen) : .json(["detail": "extra field"], status: 422)
        } _: { _, settings in
            let embedder = try await RemoteEmbedder.connect(provider: OpenAICompatibleProvider(settings), model: "e")
            expectInOrder(try await embedder.embed(texts(3), as: .query, priority: .urgent), 3)
        }
    }

    @Test("halves a batch that is too large, and remembers", arguments: [400, 413, 422])
    func halves(status: Int) async throws {
        try await FakeUpstream.run { seen in
            let count = seen.body["input"]?.array?.count ?? 0
            return count > 10 ? .json(["error": ["message": "batch too large"]], status: status) : Self.answer(seen)
        } _: { upstream, settings in
            let embedder = try await RemoteEmbedder.connect(provider: OpenAICompatibleProvider(settings), model: "e")
            expectInOrder(try await embedder.embed(texts(64), as: .passage, priority: .background), 64)
            let before = upstream.requests.count
            expectInOrder(try await embedder.embed(texts(16), as: .passage, priority: .background), 16)
            #expect(upstream.requests.count == before + 2)
        }
    }

    @Test("passes on why the server refuses one text, and keeps its batches")
    func refusal() async throws {
        try await FakeUpstream.run { seen in
            let isBad = seen.body["input"]?.array?.contains("xxxxx") ?? false
            return isBad ? .json(["error": ["message": "bad text"]], status: 400) : Self.answer(seen)
        } _: { upstream, settings in
            let embedder = try await RemoteEmbedder.connect(provider: OpenAICompatibleProvider(settings), model: "e")
            await #expect(throws: UpstreamError.rejected(provider: "fake", status: 400, message: "bad text")) {
                try await embedder.embed(texts(8), as: .passage, priority: .background)
            }
            let before = upstream.requests.count
            _ = try await embedder.embed(texts(4), as: .passage, priority: .background)
            #expect(upstream.requests.count == before + 1)
        }
    }

    @Test("cuts texts to the model's limit itself, and sends none that is empty")
    func shortens() async throws {
        try await FakeUpstream.run {
            Self.answer($0)
        } _: { upstream, settings in
            let embedder = try await RemoteEmbedder.connect(
                provider: OpenAICompatibleProvider(settings), model: "e", maxTokens: 4)
            let long = String(repeating: "word ", count: 50)
            _ = try await embedder.embed(
                [.text(long), .text(""), .tokens([1, 2, 3, 4, 5, 6]), .tokens([])], as: .query, priority: .urgent)
            let sent = upstream.requests.dropFirst().compactMap { $0.body["input"]?.array }
            #expect(Set(sent) == [["word word word ", " "], [[1, 2, 3, 4]], [" "]])
            #expect(embedder.count("word word word ") <= 4)
        }
    }

    @Test("refuses vectors that are not what was asked for", arguments: Self.wrong)
    func wrongAnswers(data: JSONValue) async throws {
        try await FakeUpstream.run { seen in
            (seen.body["input"]?.array?.count ?? 0) == 1 ? Self.answer(seen) : .json(["data": data])
        } _: { _, settings in
            let embedder = try await RemoteEmbedder.connect(provider: OpenAICompatibleProvider(settings), model: "e")
            let error = await #expect(throws: UpstreamError.self) {
                try await embedder.embed(texts(2), as: .passage, priority: .background)
            }
            guard case .garbage = error else {
                Issue.record("\(String(describing: error))")
                return
            }
        }
    }

    private static let wrong: [JSONValue] = [
        [], [["index": 0, "embedding": [1, 2]]],
        [["index": 0, "embedding": [1, 2]], ["index": 0, "embedding": [1, 2]]],
        [["index": 0, "embedding": [1, 2]], ["index": 2, "embedding": [1, 2]]],
        [["index": -1, "embedding": [1, 2]], ["index": 1, "embedding": [1, 2]]],
        [["index": 0, "embedding": [1, 2]], ["index": 1, "embedding": [1, 2, 3]]],
        [["index": 0, "embedding": [1]], ["index": 1, "embedding": [1]]],
        [["index": 0, "embedding": []], ["index": 1, "embedding": []]],
        [["index": 0, "embedding": [0, 0]], ["index": 1, "embedding": [1, 2]]],
        [["index": 0, "embedding": [1, 1e300]], ["index": 1, "embedding": [1, 2]]],
        [["index": 0, "embedding": base64([.nan, 1])], ["index": 1, "embedding": base64([1, 2])]],
        [["index": 0, "embedding": base64([.infinity, 1])], ["index": 1, "embedding": base64([1, 2])]],
        [["index": 0, "embedding": "AAA="], ["index": 1, "embedding": base64([1, 2])]],
        [["index": 0, "embedding": "not base64!"], ["index": 1, "embedding": base64([1, 2])]],
        [["index": 0, "embedding": .null], ["index": 1, "embedding": base64([1, 2])]],
    ]
}
