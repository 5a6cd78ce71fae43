import FoundationEssentials
import GRDB
import Knowledge

// Generations: all that was made of a knowledge base's documents by one model and one chunking. Each is filed under an id
// of its own in `edition`, `keyword_base`, `index_segment` and `removal`; the first under its knowledge base's.

/// The row of a generation.
struct Generation: Hashable, Sendable {
    /// Under which its chunks are found.
    var id: KnowledgeBaseID
    /// Whose documents it has.
    var base: KnowledgeBaseID
    var embedding: EmbeddingModel
    var chunking: Chunking

    var settings: IndexSettings { IndexSettings(embedding: embedding, chunking: chunking) }
}

/// What became of a document in a generation.
struct Edition: Hashable, Sendable {
    /// More than any document has; a product with any dimension is far from overflow.
    static let mostChunks = 1 << 20

    var document: DocumentID
    /// The generation's, as of the completion.
    var revision: Int64
    var firstChunk: Int64
    var lastChunk: Int64

    /// Of damaged numbers only so much is left that it is wrong: whoever counts the chunks then finds it.
    var chunkCount: Int {
        let (distance, isTooMuch) = lastChunk.subtractingReportingOverflow(firstChunk)
        return isTooMuch ? Self.mostChunks : Int(min(max(-1, distance), Int64(Self.mostChunks) - 1)) + 1
    }

    var completed: CompletedDocument {
        CompletedDocument(document: document, revision: revision, chunkCount: chunkCount)
    }
}

extension Job {
    /// What a re-index makes.
    var generation: KnowledgeBaseID { KnowledgeBaseID(rawValue: document.rawValue) }
}

extension EmbeddingModel {
    var vectorBytes: Int { dimension * MemoryLayout<Float>.size }
}

extension Connection {
    /// nil where it is gone.
    func generation(_ id: KnowledgeBaseID) throws -> Generation? {
        let row = try Row.fetchOne(
            self,
            sql: """
                SELECT id, COALESCE(generation_of, id) AS base, embedding_name, embedding_dimension, embedding_max_tokens,
                    embedding_fingerprint, chunking
                FROM knowledge_base WHERE id = ?
                """,
            arguments: [id.rawValue])
        return try row.map { row in
            Generation(
                id: id, base: try row.id("base"), embedding: try EmbeddingModel(row: row),
                chunking: try row.json("chunking"))
        }
    }

    /// The one that is searched.
    func currentGeneration(of base: KnowledgeBaseID) throws -> Generation {
        let id = try String.fetchOne(
            self, sql: "SELECT COALESCE(index_id, id) FROM knowledge_base WHERE id = ?", arguments: [base.rawValue])
        guard let id, let generation = try generation(KnowledgeBaseID(rawValue: id)) else {
            throw KnowledgeBase.missing(base)
        }
        return generation
    }

    /// The generations of a knowledge base beside the one that is searched.
    func otherGenerations(of base: KnowledgeBaseID) throws -> (next: Generation?, former: Generation?) {
        let row = try Row.fetchOne(
            self, sql: "SELECT next_id, former_id FROM knowledge_base WHERE id = ?", arguments: [base.rawValue])
        func generation(_ column: String) throws -> Generation? {
            try row?.find(column, as: String.self).flatMap { try self.generation(KnowledgeBaseID(rawValue: $0)) }
        }
        return (try generation("next_id"), try generation("former_id"))
    }

    /// A new generation of a knowledge base, empty.
    func addGeneration(of base: KnowledgeBaseID, with settings: IndexSettings, at time: Date) throws -> Generation {
        let generation = Generation(
            id: .random(), base: base, embedding: settings.embedding, chunking: settings.chunking)
        try execute(
            sql: """
                INSERT INTO knowledge_base (
                    id, tenant_id, name, summary, metadata, embedding_name, embedding_dimension, embedding_max_tokens,
                    embedding_fingerprint, chunking, created_at, last_active_at, generation_of
                ) VALUES (?, '(generation)', '', '', '{}', ?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                generation.id.rawValue, settings.embedding.name, settings.embedding.dimension,
                settings.embedding.maxTokens, settings.embedding.fingerprint, try jsonText(settings.chunking),
                time.milliseconds, time.milliseconds, base.rawValue,
            ])
        return generation
    }

    /// Lets go of what a cancelled re-index has made, unless it was searched before and can be again.
    func abandon(_ generation: KnowledgeBaseID, at time: Date) throws {
        let isFormer = try Bool.fetchOne(
            self, sql: "SELECT 1 FROM knowledge_base WHERE former_id = ? LIMIT 1", arguments: [generation.rawValue])
        guard isFormer == true else { return try discard(generation) }
        try execute(
            sql: "UPDATE knowledge_base SET next_id = NULL WHERE next_id = ?", arguments: [generation.rawValue])
        try expire(generation, at: time)
    }

    /// Makes a generation the one that its knowledge base is to have next, again. False where it is gone, or another one is.
    func takeUp(_ generation: KnowledgeBaseID, of base: KnowledgeBaseID) throws -> Bool {
        try execute(
            sql: """
                UPDATE knowledge_base SET next_id = :generation
                WHERE id = :base AND (next_id = :generation OR (next_id IS NULL AND former_id = :generation))
                """,
            arguments: ["generation": generation.rawValue, "base": base.rawValue])
        guard changesCount == 1 else { return false }
        try execute(
            sql: "UPDATE knowledge_base SET expires_at = NULL WHERE id = ?", arguments: [generation.rawValue])
        return true
    }

    /// Has a generation thrown away after a time in which people may still want it.
    func expire(_ generation: KnowledgeBaseID, at time: Date) throws {
        try execute(
            sql: "UPDATE knowledge_base SET expires_at = ? WHERE id = ?",
            arguments: [time.addingTimeInterval(FormerIndex.lifetime).milliseconds, generation.rawValue])
    }

    /// Lets go of a generation that is not searched. Its chunks are erased in steps.
    func discard(_ id: KnowledgeBaseID) throws {
        guard let generation = try generation(id) else { return }
        try eraseEditions(in: id)
        try execute(
            sql: """
                UPDATE knowledge_base SET next_id = NULLIF(next_id, :id), former_id = NULLIF(former_id, :id)
                WHERE id = :base
                """,
            arguments: ["id": id.rawValue, "base": generation.base.rawValue])
        guard id == generation.base else {
            return try execute(sql: "DELETE FROM knowledge_base WHERE id = ?", arguments: [id.rawValue])
        }
        // The first one's row is that of the knowledge base.
        for table in ["keyword_base", "index_segment"] {
            try execute(sql: "DELETE FROM \(table) WHERE knowledge_base_id = ?", arguments: [id.rawValue])
        }
        try execute(sql: "UPDATE knowledge_base SET expires_at = NULL WHERE id = ?", arguments: [id.rawValue])
    }
}
