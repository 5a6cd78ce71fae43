import Knowledge
import Synchronization

/// How well an embedding model knows the language of a text, told by how finely its tokenizer must cut the words.
///
/// A tokenizer's vocabulary holds the words of the language that the model learned from: it cuts an English word into 1.0 to
/// 1.2 pieces where the model is English, a German one into 2 to 3.3. Where the model does not know the language its
/// similarities say less, and the words must say more.
enum EncoderTrust {
    /// Pieces a word of a language that the model knows, and of one that it does not know at all.
    private static let known = 1.2
    private static let unknown = 2.2
    /// What similarities are worth in an unknown language.
    private static let least = 0.3
    private static let maxPieces = 3.0

    /// From `least` to 1.
    static func value(query: Double, base: Double) -> Double {
        let pieces = (min(maxPieces, query) + base) / 2
        let strangeness = min(1, max(0, (pieces - known) / (unknown - known)))
        return 1 - (1 - least) * strangeness
    }

    /// Word pieces for each word of letters; as for a known language where there is no such word.
    static func fertility(of text: String, by counter: any TokenCounter) -> Double {
        let words = text.split { !$0.isLetter }
        guard !words.isEmpty else { return known }
        return Double(counter.count(words.joined(separator: " ")[...])) / Double(words.count)
    }
}

/// What is known of each knowledge base's language. Measured when it is first searched, and again once it has doubled.
final class LanguageProfiles: Sendable {
    private static let sampledChunks = 200

    private struct Profile {
        var fertility: Double
        var documents: Int
    }

    private let chunks: any ChunkStore
    private let workers: Workers
    private let profiles = Mutex<[KnowledgeBaseID: Profile]>([:])

    init(chunks: any ChunkStore, workers: Workers) {
        self.chunks = chunks
        self.workers = workers
    }

    /// Word pieces a word in a knowledge base.
    func fertility(of base: KnowledgeBase, by counter: any TokenCounter, scope: Scope) async throws -> Double {
        let documents = base.counts.completed
        if let held = profiles.withLock({ $0[base.id] }), documents <= 2 * held.documents { return held.fertility }
        let texts = try await chunks.sample(of: base.id, count: Self.sampledChunks, in: scope)
        let fertility = try await workers.run {
            EncoderTrust.fertility(of: texts.joined(separator: "\n"), by: counter)
        }
        profiles.withLock { $0[base.id] = Profile(fertility: fertility, documents: documents) }
        return fertility
    }
}
