import FoundationEssentials
import Knowledge

/// Gives every chunk of a document its vector, and embeds only those that have none yet.
///
/// What is embedded is kept in pieces, so that a run after a crash goes on where this one ended.
struct EmbedChunks: Sendable {
    let embedder: any Embedder
    let jobs: any JobStore
    let run: JobRun
    /// Chunks embedded and kept in one piece.
    let atOnce: Int

    /// - Throws: `CancellationError` where the run is to stop, or has lost its lease.
    func callAsFunction(_ chunks: [Chunk]) async throws -> [[Float]] {
        run.enter(.embedding)
        var vectors = try await jobs.vectors(of: chunks, for: run.lease)
        let missing = vectors.indices.filter { vectors[$0] == nil }
        run.knew(chunks.count - missing.count)
        // What was told of is on disk, so that counters do not fall after a crash.
        if missing.count < chunks.count, try await !jobs.renew(run.lease, at: Date(), progress: run.progress) {
            throw CancellationError()
        }
        for start in stride(from: 0, to: missing.count, by: atOnce) {
            try Task.checkCancellation()
            let piece = missing[start..<min(start + atOnce, missing.count)]
            let inputs = piece.map { EmbeddingInput.text(chunks[$0].context + chunks[$0].text) }
            let made = try await embedder.embed(inputs, as: .passage, priority: .background).vectors
            for (index, vector) in zip(piece, made) { vectors[index] = vector }
            // What is made last is stored, and counted, with the document.
            if piece.endIndex < missing.endIndex { try await keep(made, of: piece.map { chunks[$0] }) }
        }
        return vectors.compactMap { $0 }
    }

    private func keep(_ vectors: [[Float]], of chunks: [Chunk]) async throws {
        let progress = run.progress(embedding: chunks.count)
        guard try await jobs.stage(vectors, of: chunks, for: run.lease, at: Date(), progress: progress) else {
            throw CancellationError()
        }
        run.embedded(chunks.count)
    }
}
