import Crypto
import FoundationEssentials
import GRDB
import Knowledge

/// Tells chunks that have the same vector: the first 16 bytes of SHA-256 over knowledge base, model fingerprint and what
/// is embedded, with a zero byte in between.
///
/// The knowledge base is part of it, so that nobody learns from a fast answer what another tenant has stored.
struct ChunkDigest: Hashable, Sendable {
    let bytes: Data

    /// - Parameter base: The knowledge base itself: its generations share vectors.
    init(_ chunk: Chunk, of base: KnowledgeBaseID, _ model: EmbeddingModel) {
        var hash = SHA256()
        for part in [base.rawValue, model.fingerprint, chunk.context + chunk.text] {
            hash.update(data: Data(part.utf8))
            hash.update(data: Data([0]))
        }
        bytes = Data(hash.finalize().prefix(16))
    }
}

extension Connection {
    /// The vector of that digest, from an indexed chunk or from an earlier run of the job; nil where it is not there, or
    /// no longer what was stored.
    func vector(of digest: ChunkDigest, for lease: JobLease) throws -> [Float]? {
        let indexed = try cachedStatement(
            sql: """
                SELECT vector, crc32 FROM chunk JOIN chunk_vector ON chunk_vector.chunk_id = chunk.id
                WHERE chunk.digest = ? LIMIT 1
                """)
        let staged = try cachedStatement(
            sql: "SELECT vector, crc32 FROM staged_vector WHERE job_id = ? AND digest = ?")
        let row =
            try Row.fetchOne(staged, arguments: [lease.job.id.rawValue, digest.bytes])
            ?? Row.fetchOne(indexed, arguments: [digest.bytes])
        guard let row else { return nil }
        var vector: [Float] = []
        let blob = VectorBlob(bytes: try row.get("vector"), crc32: try row.get("crc32"))
        return blob.append(to: &vector, dimension: lease.embedding.dimension) ? vector : nil
    }

    func stage(_ vector: [Float], _ digest: ChunkDigest, for job: JobID) throws {
        let blob = VectorBlob(vector)
        try cachedStatement(
            sql: "INSERT OR REPLACE INTO staged_vector (job_id, digest, vector, crc32) VALUES (?, ?, ?, ?)"
        ).execute(arguments: [job.rawValue, digest.bytes, blob.bytes, blob.crc32])
    }
}
