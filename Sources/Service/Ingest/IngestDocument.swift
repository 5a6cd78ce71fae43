import Documents
package import FoundationEssentials
package import Knowledge

/// Takes one document from bytes to index: extract, chunk, embed, store.
package struct IngestDocument: Sendable {
    /// Chunks embedded at a time, so that a cancelled job stops soon.
    private static let embeddedAtOnce = 256

    let embedders: Embedders
    let workers: Workers

    package init(embedders: Embedders, workers: Workers) {
        self.embedders = embedders
        self.workers = workers
    }

    /// Refuses by its size alone what would be refused once it is read.
    package func check(_ lease: JobLease) throws(DocumentFailure) {
        guard lease.file.bytes <= TextExtractor.maxInputBytes else {
            throw DocumentFailure(
                .tooLarge, "The file is larger than \(TextExtractor.maxInputBytes >> 20) MiB. Split it, and add the parts.")
        }
    }

    /// - Throws: `DocumentFailure` where the document itself is at fault, whatever the embedder throws, or
    ///   `CancellationError`.
    package func callAsFunction(_ lease: JobLease, _ data: Data) async throws -> IndexedContent {
        let embedder = try embedders.embedder(for: lease.embedding)
        let (text, chunks) = try await read(data, lease, counter: embedder)
        let vectors = try await embed(chunks, with: embedder)
        return IndexedContent(title: text.title, text: text.text, chunks: chunks, vectors: vectors)
    }

    private func read(
        _ data: Data, _ lease: JobLease, counter: any TokenCounter
    ) async throws -> (ExtractedText, [Chunk]) {
        let window = lease.embedding.window
        return try await workers.run(.background) {
            let text = try TextExtractor().extract(data, filename: lease.file.name)
            let chunks = Chunker(window: window, counter: counter)
                .chunks(of: text, chunking: lease.chunking, filename: lease.file.name)
            guard !chunks.isEmpty else { throw DocumentFailure(.empty, "There is no text in this file.") }
            return (text, chunks)
        }
    }

    private func embed(_ chunks: [Chunk], with embedder: any Embedder) async throws -> [[Float]] {
        var vectors: [[Float]] = []
        for start in stride(from: 0, to: chunks.count, by: Self.embeddedAtOnce) {
            let slice = chunks[start..<min(start + Self.embeddedAtOnce, chunks.count)]
            let inputs = slice.map { EmbeddingInput.text($0.context + $0.text) }
            vectors += try await embedder.embed(inputs, as: .passage, priority: .background).vectors
        }
        return vectors
    }
}
