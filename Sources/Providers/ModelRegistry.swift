import FoundationEssentials
package import Knowledge

/// All models there are: the built-in ones and those of the providers.
package actor ModelRegistry: ModelCatalog {
    /// How often providers are asked what they have.
    package struct Pace: Sendable {
        /// A listing is good for this long,
        package var listing: Duration = .seconds(60)
        /// a failure to get one for this long,
        package var failure: Duration = .seconds(5)
        /// and for a name that nobody knows it may be asked for again after this long.
        package var unknownName: Duration = .seconds(1)
        /// How long anybody waits for a listing.
        package var patience: Duration = .seconds(2)

        package init() {}
    }

    private struct Listing {
        var cards: [ModelCard]
        /// Whether the provider, as far as is known, would answer.
        var isAvailable: Bool { failure == nil }
        /// What kept it from answering the last time.
        var failure: UpstreamError?
        var askedAt: ContinuousClock.Instant
    }

    private let local: [(card: ModelCard, model: any LanguageModel)]
    private let embedding: [ModelCard]
    private let providers: [OpenAICompatibleProvider]
    private let pace: Pace
    private var listings: [Int: Listing] = [:]

    /// - Parameters:
    ///   - local: Language models that run here.
    ///   - embedding: Embedding models that run here; they are listed and do not answer.
    ///   - providers: Where two have a model of the same name, the first one answers.
    package init(
        local: [(card: ModelCard, model: any LanguageModel)], embedding: [ModelCard] = [],
        providers: [OpenAICompatibleProvider] = [], pace: Pace = Pace()
    ) {
        self.local = local
        self.embedding = embedding
        self.providers = providers
        self.pace = pace
    }

    /// Local models, then each provider's: those configured, or those it lists. Every name once.
    ///
    /// The models of a provider that cannot be reached are unavailable: those configured, or those it listed before.
    package func cards() async -> [ModelCard] {
        await refresh(providers.indices.filter { isStale($0) })
        var names: Set<String> = []
        let all = local.map(\.card) + embedding + providers.indices.flatMap(cards)
        return all.filter { names.insert($0.id).inserted }
    }

    package func languageModel(named name: String) async throws -> any LanguageModel {
        if let model = local.first(where: { $0.card.id == name })?.model { return model }
        let embeds = embedding.contains { $0.id == name } || providers.contains { $0.settings.embeddingModels.contains(name) }
        if embeds { throw RequestError.unknownModel(name) }
        if let model = providedModel(named: name) { return model }
        let now = ContinuousClock.now
        await refresh(
            providers.indices.filter { index in
                guard providers[index].settings.models == nil else { return false }
                return listings[index].map { $0.askedAt + pace.unknownName <= now } ?? true
            })
        if let model = providedModel(named: name) { return model }
        // A server that could not be asked may well have it: that is its failure, not a wrong name.
        throw unanswered ?? RequestError.unknownModel(name)
    }

    /// Why a provider that alone knows its models could not be asked for them.
    private var unanswered: (any Error)? {
        providers.indices.lazy.filter { self.providers[$0].settings.models == nil }
            .compactMap { self.listings[$0]?.failure }.first
    }

    private func providedModel(named name: String) -> (any LanguageModel)? {
        let index = providers.indices.first { index in
            let settings = providers[index].settings
            guard !settings.embeddingModels.contains(name) else { return false }
            return settings.models?.contains(name) ?? listings[index]?.cards.contains { $0.id == name } ?? false
        }
        return index.map { providers[$0].languageModel(named: name) }
    }

    private func cards(ofProvider index: Int) -> [ModelCard] {
        let settings = providers[index].settings
        let listing = listings[index]
        guard let models = settings.models else {
            return (listing?.cards ?? []).map { card in
                var card = card
                card.isAvailable = listing?.isAvailable ?? false
                return card
            }
        }
        return (models + settings.embeddingModels).map { name in
            var card =
                listing?.cards.first { $0.id == name }
                ?? ModelCard(id: name, ownedBy: settings.name, createdAt: Date(timeIntervalSince1970: 0))
            card.isAvailable = listing?.isAvailable ?? false
            return card
        }
    }

    // MARK: - Asking

    private func isStale(_ index: Int) -> Bool {
        guard let listing = listings[index] else { return true }
        return listing.askedAt + (listing.isAvailable ? pace.listing : pace.failure) <= .now
    }

    /// Asks these providers at the same time.
    private func refresh(_ indices: [Int]) async {
        let pace = pace
        await withTaskGroup(of: (Int, Listing?).self) { group in
            for index in indices {
                let provider = providers[index]
                group.addTask { (index, await Self.listing(of: provider, pace)) }
            }
            for await (index, listing) in group {
                guard var listing else { continue }
                // What it had before an outage it will have after it.
                if !listing.isAvailable { listing.cards = listings[index]?.cards ?? [] }
                listings[index] = listing
            }
        }
    }

    /// - Returns: `nil` if the question was cancelled, which says nothing about the provider.
    private static func listing(of provider: OpenAICompatibleProvider, _ pace: Pace) async -> Listing? {
        let askedAt = ContinuousClock.now
        let deadline = Deadline(instant: askedAt + pace.patience, waitingFor: "total")
        do {
            let cards = try await withDeadline(deadline, provider: provider.settings.name) {
                try await provider.listing()
            }
            return Listing(cards: cards, askedAt: askedAt)
        } catch UpstreamError.rejected {
            // It is there and has no list, as some gateways.
            return Listing(cards: [], askedAt: askedAt)
        } catch is CancellationError {
            return nil
        } catch let error as UpstreamError {
            return Listing(cards: [], failure: error, askedAt: askedAt)
        } catch {
            let failure = UpstreamError.unreachable(provider: provider.settings.name, reason: "no listing")
            return Listing(cards: [], failure: failure, askedAt: askedAt)
        }
    }
}
