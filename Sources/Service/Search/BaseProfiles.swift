import Knowledge
import Synchronization

/// What a knowledge base is like to an embedding model. Needs no labels: it is measured on its own chunks.
struct BaseProfile: Sendable {
    /// Word pieces a word; see `EncoderTrust`.
    var fertility: Double
    /// The similarity that three of four questions about nothing stay below, by the question's language.
    var unrelatedSimilarity: [Language: Double]
    /// How many there are.
    var chunks: Int

    enum Language: Hashable, Sendable {
        /// One that the embedding model knows, and one that it does not.
        case known, foreign
    }
}

/// Profiles of the knowledge bases that are searched: measured at the first search, and again when one has doubled.
final class BaseProfiles: Sendable {
    private static let sampledChunks = 200

    private struct Held {
        /// One measurement for all searches that come meanwhile.
        var measuring: Task<BaseProfile, any Error>
        var documents: Int
    }

    private let index: any PassageIndex
    private let chunks: any ChunkStore
    private let workers: Workers
    private let profiles = Mutex<[KnowledgeBaseID: Held]>([:])
    /// Vectors of the unrelated questions, by model.
    private let questions = Mutex<[EmbeddingModel: [BaseProfile.Language: [[Float]]]]>([:])

    init(index: any PassageIndex, chunks: any ChunkStore, workers: Workers) {
        self.index = index
        self.chunks = chunks
        self.workers = workers
    }

    func profile(of base: KnowledgeBase, _ embedder: any Embedder, scope: Scope) async throws -> BaseProfile {
        let documents = base.counts.completed
        let measuring = profiles.withLock { profiles in
            if let held = profiles[base.index], (held.documents...2 * held.documents).contains(documents) {
                return held.measuring
            }
            // Not a child of the search that began it: others wait for it too when that search is cancelled.
            let measuring = Task { try await self.measure(base, embedder, scope) }
            profiles[base.index] = Held(measuring: measuring, documents: documents)
            return measuring
        }
        do {
            return try await measuring.value
        } catch {
            profiles.withLock { if $0[base.index]?.measuring == measuring { $0[base.index] = nil } }
            throw error
        }
    }

    private func measure(_ base: KnowledgeBase, _ embedder: any Embedder, _ scope: Scope) async throws -> BaseProfile {
        let (texts, count) = try await chunks.sample(of: base.index, count: Self.sampledChunks, in: scope)
        var profile = BaseProfile(
            fertility: try await workers.run {
                EncoderTrust.fertility(of: texts.joined(separator: "\n"), by: embedder)
            },
            unrelatedSimilarity: [:], chunks: count)
        for (language, vectors) in try await questions(embedder) {
            var nearest: [Float] = []
            for vector in vectors {
                nearest += try await index.search(vector, in: [base.index], documents: nil, limit: 1).map(\.similarity)
            }
            nearest.sort()
            profile.unrelatedSimilarity[language] = nearest.isEmpty ? nil : Double(nearest[nearest.count * 3 / 4])
        }
        return profile
    }

    private func questions(_ embedder: any Embedder) async throws -> [BaseProfile.Language: [[Float]]] {
        if let held = questions.withLock({ $0[embedder.model] }) { return held }
        let texts = UnrelatedQuestions.english + UnrelatedQuestions.german
        let vectors = try await embedder.embed(texts.map(EmbeddingInput.text), as: .query, priority: .urgent).vectors
        var byLanguage: [BaseProfile.Language: [[Float]]] = [:]
        for (text, vector) in zip(texts, vectors) {
            let fertility = EncoderTrust.fertility(of: text, by: embedder)
            byLanguage[EncoderTrust.knows(fertility) ? .known : .foreign, default: []].append(vector)
        }
        questions.withLock { [byLanguage] in $0[embedder.model] = byLanguage }
        return byLanguage
    }
}
