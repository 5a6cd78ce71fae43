package import Knowledge

/// The embedding models at hand, by name.
package struct Embedders: Sendable {
    /// What a new knowledge base gets.
    package let standard: any Embedder
    private let byName: [String: any Embedder]

    package init(standard: any Embedder, others: [any Embedder] = []) {
        self.standard = standard
        byName = Dictionary(([standard] + others).map { ($0.model.name, $0) }, uniquingKeysWith: { first, _ in first })
    }

    package var models: [EmbeddingModel] { byName.values.map(\.model).sorted { $0.name < $1.name } }

    /// What each model has to do, and has done since the start.
    package var loads: [(model: String, load: EmbeddingLoad)] {
        byName.values.map { ($0.model.name, $0.load) }.sorted { $0.0 < $1.0 }
    }

    /// The embedder of that name; the standard one where no name is given.
    package func embedder(named name: String?) throws -> any Embedder {
        guard let name else { return standard }
        guard let embedder = byName[name] else { throw RequestError.unknownModel(name) }
        return embedder
    }

    /// The embedder that made a knowledge base's vectors: the same fingerprint, for vectors of two models do not compare.
    package func embedder(for model: EmbeddingModel) throws -> any Embedder {
        guard let embedder = byName[model.name] else {
            throw RequestError.conflict(
                "The embedding model \(model.name) of this knowledge base is not installed on this server.")
        }
        guard embedder.model.fingerprint == model.fingerprint else {
            throw RequestError.conflict(
                "This knowledge base was made with another version of \(model.name) than the one installed.")
        }
        return embedder
    }
}
