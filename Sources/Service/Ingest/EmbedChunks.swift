import FoundationEssentials
import Knowledge

/// Gives every chunk its vector, and embeds only those that have none yet.
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
        let made = try await embed(missing[...], of: chunks)
        for (index, vector) in made { vectors[index] = vector }
        return vectors.compactMap { $0 }
    }

    /// Embeds the chunks at these places in pieces, and keeps each as it is made.
    private func embed(_ places: ArraySlice<Int>, of chunks: [Chunk]) async throws -> [Int: [Float]] {
        var rest = places
        var vectors: [Int: [Float]] = [:]
        return try await withThrowingTaskGroup(of: (ArraySlice<Int>, Embeddings).self) { group in
            func beginNext() {
                let piece = rest.prefix(atOnce)
                rest = rest.dropFirst(atOnce)
                guard !piece.isEmpty else { return }
                let inputs = piece.map { EmbeddingInput.text(chunks[$0].context + chunks[$0].text) }
                group.addTask { [embedder] in
                    (piece, try await embedder.embed(inputs, as: .passage, priority: .background))
                }
            }
            // One is computed while the one before is stored.
            beginNext()
            beginNext()
            while let (piece, made) = try await group.next() {
                beginNext()
                for (index, vector) in zip(piece, made.vectors) { vectors[index] = vector }
                run.cut(made.cut.count)
                // What is made last is stored, and counted, with the document.
                if !group.isEmpty { try await keep(made.vectors, of: piece.map { chunks[$0] }) }
            }
            return vectors
        }
    }

    private func keep(_ vectors: [[Float]], of chunks: [Chunk]) async throws {
        let progress = run.progress(embedding: chunks.count)
        guard try await jobs.stage(vectors, of: chunks, for: run.lease, at: Date(), progress: progress) else {
            throw CancellationError()
        }
        run.embedded(chunks.count)
    }
}
