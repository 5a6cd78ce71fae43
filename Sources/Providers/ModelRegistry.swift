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
        /// What the provider listed last, which outlives failures; `nil` where it has given no list.
        var cards: [ModelCard]?
        /// Why it could not be asked last time.
        var failure: (any Error)?
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
    ///   - providers: Where two have a model of the same name, the first one answers, and where it
    ///     cannot, the next.
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
    /// Models of a provider that cannot be reached are unavailable: those configured, or those it listed last. A name that
    /// several providers have is available where one of them is.
    package func cards() async -> [ModelCard] {
        await refresh(providers.indices.filter { isStale($0) })
        var all: [ModelCard] = []
        var places: [String: Int] = [:]
        for card in local.map(\.card) + embedding + providers.indices.flatMap(cards) {
            if let place = places[card.id] {
                all[place].isAvailable = all[place].isAvailable || card.isAvailable
            } else {
                places[card.id] = all.count
                all.append(card)
            }
        }
        return all
    }

    /// The model to answer with, also where its provider cannot be reached at the moment: that shows when it answers.
    ///
    /// - Throws: `RequestError.unknownModel`, or the `UpstreamError` of the first provider that might list the model
    ///   and could not be asked.
    package func languageModel(named name: String) async throws -> any LanguageModel {
        if let model = local.first(where: { $0.card.id == name })?.model { return model }
        if embedding.contains(where: { $0.id == name }) { throw RequestError.unknownModel(name) }
        if let model = providedModel(named: name) { return model }
        let now = ContinuousClock.now
        await refresh(
            providers.indices.filter { index in
                guard providers[index].settings.models == nil else { return false }
                return listings[index].map { $0.askedAt + pace.unknownName <= now } ?? true
            })
        if let model = providedModel(named: name) { return model }
        throw failure(hiding: name) ?? RequestError.unknownModel(name)
    }

    /// The model at every provider that has it.
    private func providedModel(named name: String) -> (any LanguageModel)? {
        let models = providers.indices.filter { has(name, atProvider: $0) }.map { index in
            let own = providers[index].settings.aliases[name] ?? name
            let listed = listings[index]?.cards?.first { $0.id == own }?.maxSequenceLength ?? 0
            return providers[index].model(named: name, listedTokens: listed > 0 ? listed : nil)
        }
        return models.count > 1 ? EqualModels(models: models) : models.first
    }

    private func has(_ name: String, atProvider index: Int) -> Bool {
        let settings = providers[index].settings
        guard !settings.embeddingModels.contains(name) else { return false }
        if settings.aliases[name] != nil { return true }
        return settings.models?.contains(name) ?? listings[index]?.cards?.contains { $0.id == name } ?? false
    }

    /// Why nobody can say that there is no such model.
    private func failure(hiding name: String) -> (any Error)? {
        for (index, provider) in providers.enumerated() {
            let settings = provider.settings
            guard settings.models == nil, !settings.embeddingModels.contains(name) else { continue }
            if let failure = listings[index]?.failure { return failure }
        }
        return nil
    }

    private func cards(ofProvider index: Int) -> [ModelCard] {
        let settings = providers[index].settings
        let listing = listings[index]
        let listed = listing?.cards ?? []
        let configured = settings.models.map { models in
            (models + settings.embeddingModels).map { name in
                listed.first { $0.id == name }
                    ?? ModelCard(id: name, ownedBy: settings.name, createdAt: Date(timeIntervalSince1970: 0))
            }
        }
        let isAvailable = listing.map { $0.failure == nil } ?? false
        let aliases = settings.aliases.sorted { $0.key < $1.key }.map { alias, name in
            var card = listed.first { $0.id == name }
                ?? ModelCard(id: name, ownedBy: settings.name, createdAt: Date(timeIntervalSince1970: 0))
            card.id = alias
            return card
        }
        return ((configured ?? listed) + aliases).map { card in
            var card = card
            card.isAvailable = isAvailable
            return card
        }
    }

    // MARK: - Asking

    private func isStale(_ index: Int) -> Bool {
        guard let listing = listings[index] else { return true }
        return listing.askedAt + (listing.failure == nil ? pace.listing : pace.failure) <= .now
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
                if let listing { note(listing, ofProvider: index) }
            }
        }
    }

    private func note(_ listing: Listing, ofProvider index: Int) {
        let last = listings[index] ?? listing
        // An answer that took long says less than one to a question asked after it.
        let (newer, older) = last.askedAt <= listing.askedAt ? (listing, last) : (last, listing)
        listings[index] = Listing(cards: newer.cards ?? older.cards, failure: newer.failure, askedAt: newer.askedAt)
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
            return Listing(askedAt: askedAt)
        } catch is CancellationError {
            return nil
        } catch {
            return Listing(failure: error, askedAt: askedAt)
        }
    }
}
