import FoundationEssentials
import Knowledge
import Testing

@testable import Providers

@Suite("The model registry")
struct ModelRegistryTests {
    private struct Echo: LanguageModel {
        func answer(_ prompt: Prompt) async throws -> AsyncThrowingStream<ModelEvent, any Error> {
            AsyncThrowingStream { nil }
        }
    }

    private static let date = Date(timeIntervalSince1970: 1)
    private let builtIn = ModelCard(id: "extractive", ownedBy: "almanac", createdAt: date)
    private let encoder = ModelCard(id: "minilm", ownedBy: "almanac", createdAt: date, hiddenSize: 384)

    private func registry(
        _ providers: [ProviderSettings], unknownName: Duration = .seconds(600), patience: Duration = .seconds(60),
        listing: Duration = .seconds(600)
    ) -> ModelRegistry {
        var pace = ModelRegistry.Pace()
        pace.listing = listing
        pace.failure = listing
        pace.unknownName = unknownName
        pace.patience = patience
        return ModelRegistry(
            local: [(builtIn, Echo())], embedding: [encoder], providers: providers.map(OpenAICompatibleProvider.init),
            pace: pace)
    }

    /// Waits for a listing however busy the machine is.
    private static var patient: ModelRegistry.Pace {
        var pace = ModelRegistry.Pace()
        pace.patience = .seconds(60)
        return pace
    }

    private static func list(_ ids: [String]) -> Act {
        .json(["data": .array(ids.map { ["id": .string($0), "owned_by": "them"] })])
    }

    @Test("lists local models first, then what providers list, every name once")
    func cards() async throws {
        try await FakeUpstream.run { _ in
            Self.list(["a", "extractive", "b/c"])
        } _: { upstream, settings in
            let registry = registry([settings, settings])
            let cards = await registry.cards()
            #expect(cards.map(\.id) == ["extractive", "minilm", "a", "b/c"])
            #expect(cards.map(\.ownedBy) == ["almanac", "almanac", "them", "them"])
            #expect(cards.allSatisfy { $0.isAvailable })
            #expect(await registry.cards() == cards)
            #expect(upstream.requests.count == 2)
            let builtIn = try await registry.languageModel(named: "extractive")
            #expect(builtIn is Echo)
            let provided = try await registry.languageModel(named: "b/c")
            #expect(provided is EqualModels)
            #expect(upstream.requests.count == 2)
            await #expect(throws: RequestError.unknownModel("minilm")) {
                try await registry.languageModel(named: "minilm")
            }
        }
    }

    @Test("asks once more for a name that it does not know, but not at every such name")
    func unknown() async throws {
        let models = Shared(["a"])
        try await FakeUpstream.run { _ in
            Self.list(models.withLock { $0 })
        } _: { upstream, settings in
            let eager = registry([settings], unknownName: .zero)
            _ = await eager.cards()
            models.withLock { $0 = ["a", "new"] }
            _ = try await eager.languageModel(named: "new")
            await #expect(throws: RequestError.unknownModel("none")) { try await eager.languageModel(named: "none") }
            #expect(upstream.requests.count == 3)

            let calm = registry([settings])
            for _ in 0..<5 {
                await #expect(throws: RequestError.unknownModel("none")) { try await calm.languageModel(named: "none") }
            }
            #expect(upstream.requests.count == 4)
        }
    }

    @Test("offers configured models without asking, as unavailable where the server is down")
    func configured() async throws {
        var down = try ProviderSettings.testing(port: 1)
        down.models = ["x", "y"]
        down.embeddingModels = ["e"]
        let registry = registry([down])
        let model = try await registry.languageModel(named: "y")
        #expect(model is OpenAICompatibleModel)
        let cards = await registry.cards().dropFirst(2)
        #expect(cards.map(\.id) == ["x", "y", "e"])
        #expect(cards.allSatisfy { !$0.isAvailable && $0.ownedBy == "fake" })
        for name in ["e", "z"] {
            await #expect(throws: RequestError.unknownModel(name)) { try await registry.languageModel(named: name) }
        }
    }

    @Test("takes models for available where the server answers, with or without a list", arguments: [200, 404])
    func withoutList(status: Int) async throws {
        try await FakeUpstream.run { _ in
            status == 200 ? Self.list(["a"]) : .answer(status: status, "")
        } _: { _, settings in
            var settings = settings
            settings.models = ["a", "b"]
            let cards = await registry([settings]).cards().dropFirst(2)
            #expect(cards.map(\.id) == ["a", "b"])
            #expect(cards.allSatisfy { $0.isAvailable })
        }
    }

    @Test("does not wait for a server that says nothing")
    func silence() async throws {
        try await FakeUpstream.run { _ in
            .silence
        } _: { _, settings in
            let registry = registry([settings], patience: .milliseconds(50))
            #expect(await registry.cards().map(\.id) == ["extractive", "minilm"])
            await #expect(throws: UpstreamError.timedOut(provider: "fake", waitingFor: "total")) {
                try await registry.languageModel(named: "a")
            }
        }
    }

    @Test("keeps what a server listed while it fails, as unavailable, and forgets only what a new list lacks")
    func outage() async throws {
        let act = Shared(Self.list(["a", "b"]))
        try await FakeUpstream.run { _ in
            act.withLock { $0 }
        } _: { _, settings in
            let registry = registry([settings], unknownName: .zero, listing: .zero)
            let known = await registry.cards().dropFirst(2)
            #expect(known.map(\.id) == ["a", "b"])

            for failure in [Act.answer(status: 503, ""), .answer(status: 401, ""), .answer("no list")] {
                act.withLock { $0 = failure }
                let cards = await registry.cards().dropFirst(2)
                #expect(cards.map(\.id) == ["a", "b"])
                #expect(cards.allSatisfy { !$0.isAvailable })
            }
            act.withLock { $0 = .answer(status: 503, "") }
            let failed = UpstreamError.failed(provider: "fake", status: 503)
            let answer = try await registry.languageModel(named: "a").events()
            #expect(answer.error as? UpstreamError == failed)
            await #expect(throws: failed) { try await registry.languageModel(named: "c") }

            act.withLock { $0 = .answer(status: 404, "") }
            #expect(await registry.cards().dropFirst(2) == known)

            act.withLock { $0 = Self.list(["b"]) }
            #expect(await registry.cards().dropFirst(2) == known.dropFirst())
            await #expect(throws: RequestError.unknownModel("a")) { try await registry.languageModel(named: "a") }
        }
    }

    @Test("calls a name unknown only when no server that could list it failed to say so")
    func downAtStart() async throws {
        try await FakeUpstream.run { _ in
            Self.list(["a"])
        } _: { _, up in
            var down = try ProviderSettings.testing(port: 1)
            down.embeddingModels = ["e"]
            var configured = down
            configured.models = ["x"]
            let refused = UpstreamError.unreachable(provider: "fake", reason: "connection refused")

            let registry = registry([up, down])
            await #expect(throws: refused) { try await registry.languageModel(named: "none") }
            #expect(try await registry.languageModel(named: "a") is OpenAICompatibleModel)
            for name in ["e", "minilm"] {
                await #expect(throws: RequestError.unknownModel(name)) { try await registry.languageModel(named: name) }
            }

            let sure = self.registry([up, configured])
            _ = await sure.cards()
            await #expect(throws: RequestError.unknownModel("none")) { try await sure.languageModel(named: "none") }
        }
    }
}
