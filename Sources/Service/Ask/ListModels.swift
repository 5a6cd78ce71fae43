import FoundationEssentials
package import Knowledge

/// Everything that a client may name as a model: language models, embedding models, and this tenant's experts and
/// knowledge bases as `expert/<id>` and `kb/<id>`.
package struct ListModels: Sendable {
    /// Knowledge bases beyond so many are left out of the list; they can be named all the same.
    private static let maxKnowledgeBases = 10_000

    let catalog: any ModelCatalog
    let experts: any ExpertStore
    let bases: any KnowledgeBaseStore

    package init(catalog: any ModelCatalog, experts: any ExpertStore, bases: any KnowledgeBaseStore) {
        self.catalog = catalog
        self.experts = experts
        self.bases = bases
    }

    package func callAsFunction(in scope: Scope) async throws -> [ModelCard] {
        async let cards = catalog.cards()
        let experts = try await experts.experts(in: scope)
        let bases = try await bases.knowledgeBases(page: Page(limit: Self.maxKnowledgeBases), in: scope)
        return await cards
            + experts.map { ModelCard(id: "expert/\($0.id)", ownedBy: "almanac", createdAt: $0.createdAt) }
            + bases.elements.map { ModelCard(id: "kb/\($0.id)", ownedBy: "almanac", createdAt: $0.createdAt) }
    }
}
