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

    private static let tooLong: [Act] = [
        .json(["error": ["message": "This model's maximum context length is 99 tokens"]], status: 400),
        .json(["error": "must have less than 99 tokens", "error_type": "Validation"], status: 422),
        .answer(status: 413, ""),
        .json(["error": ["message": "input (207 tokens) is too large to process"]], status: 500),
    ]

    @Test("cuts a text further that the server still finds too long, and says so", arguments: tooLong)
    func tooLongByItself(refusal: Act) async throws {
        try await FakeUpstream.run { seen in
            let longest = seen.body["input"]?.array?.map { $0.string?.utf8.count ?? 0 }.max() ?? 0
            return longest > 1_100 ? refusal : Self.answer(seen)
        } _: { upstream, settings in
            let embedder = try await RemoteEmbedder.connect(provider: OpenAICompatibleProvider(settings), model: "e")
            let long = String(repeating: "word ", count: 400)
            let result = try await embedder.embed(
                texts(2) + [.text(long)] + texts(1), as: .passage, priority: .background)
            #expect(result.cut == [2] && result.vectors.count == 4)
            #expect(result.vectors[2][0] > result.vectors[1][0])
        }
    }

    @Test("keeps a request's tokens within what providers take")
    func tokenCap() async throws {
        try await FakeUpstream.run {
            Self.answer($0)
        } _: { upstream, settings in
            let embedder = try await RemoteEmbedder.connect(
                provider: OpenAICompatibleProvider(settings), model: "e", maxTokens: 100_000)
            // By the estimate, a euro sign is 1.7 tokens.
            let inputs = (0..<8).map { _ in EmbeddingInput.text(String(repeating: "€", count: 46_000)) }
            let result = try await embedder.embed(inputs, as: .passage, priority: .background)
            #expect(result.vectors.count == 8 && result.cut.isEmpty)
            let sizes = upstream.requests.dropFirst().map { $0.body["input"]?.array?.count ?? 0 }
            #expect(sizes.sorted() == [2, 3, 3])
        }
    }

    /// A server that holds back its answers to all but the first request, which is the probe, and to questions.
    private func holdingBack(
        _ test: @Sendable (FakeUpstream, RemoteEmbedder, AsyncStream<Void>.Continuation) async throws -> Void
    ) async throws {
        let (gate, opening) = AsyncStream<Void>.makeStream()
        let opened = Task { for await _ in gate {} }
        try await FakeUpstream.run { seen in
            if ![["dimension"], ["question"]].contains(seen.body["input"]?.array) { await opened.value }
            return Self.answer(seen)
        } _: { upstream, settings in
            defer { opening.finish() }
            let embedder = try await RemoteEmbedder.connect(provider: OpenAICompatibleProvider(settings), model: "e")
            try await test(upstream, embedder, opening)
        }
    }

    /// Occupies all places for documents.
    private func occupy(
        _ embedder: RemoteEmbedder, _ upstream: FakeUpstream
    ) async -> [Task<Embeddings, any Error>] {
        var tasks: [Task<Embeddings, any Error>] = []
        for number in 1...4 {
            tasks.append(Task { try await embedder.embed(texts(1), as: .passage, priority: .background) })
            while upstream.requests.count < 1 + number { await Task.yield() }
        }
        return tasks
    }

    @Test("puts texts of different callers into one request")
    func sharing() async throws {
        try await holdingBack { upstream, embedder, opening in
            var tasks = await occupy(embedder, upstream)
            for waiting in 1...5 {
                tasks.append(Task { try await embedder.embed(texts(2), as: .passage, priority: .background) })
                while embedder.load.waiting < 2 * waiting { await Task.yield() }
            }
            opening.finish()
            for task in tasks.dropFirst(4) { expectInOrder(try await task.value, 2) }
            for task in tasks.prefix(4) { expectInOrder(try await task.value, 1) }
            #expect(upstream.requests.map { $0.body["input"]?.array?.count ?? 0 } == [1, 1, 1, 1, 1, 10])
        }
    }

    @Test("answers a question while documents occupy all their places")
    func urgency() async throws {
        try await holdingBack { upstream, embedder, opening in
            let tasks = await occupy(embedder, upstream)
            let question = try await embedder.embed([.text("question")], as: .query, priority: .urgent)
            #expect(question.vectors.count == 1)
            opening.finish()
            for task in tasks { _ = try await task.value }
        }
    }

    @Test("sends nothing more of what was cancelled")
    func cancellation() async throws {
        try await holdingBack { upstream, embedder, opening in
            let tasks = await occupy(embedder, upstream)
            let cancelled = Task { try await embedder.embed(texts(90), as: .passage, priority: .background) }
            while embedder.load.waiting < 90 { await Task.yield() }
            cancelled.cancel()
            await #expect(throws: CancellationError.self) { try await cancelled.value }
            #expect(embedder.load.waiting == 0)
            opening.finish()
            for task in tasks { _ = try await task.value }
            _ = try await embedder.embed([.text("question")], as: .query, priority: .urgent)
            #expect(upstream.requests.count == 6)
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
            let result = try await embedder.embed(
                [.text(long), .text(""), .tokens([1, 2, 3, 4, 5, 6]), .tokens([]), .text("one")], as: .query,
                priority: .urgent)
            #expect(result.cut == [0, 2])
            let sent = upstream.requests.dropFirst().compactMap { $0.body["input"]?.array }
            #expect(sent.flatMap(\.self).count == 5 && sent.contains([[1, 2, 3, 4]]))
            #expect(Set(sent.flatMap(\.self)) == ["word word word ", " ", "one", [1, 2, 3, 4]])
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
