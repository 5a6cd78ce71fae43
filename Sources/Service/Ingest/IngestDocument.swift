package import Documents
package import FoundationEssentials
package import Knowledge

/// Takes one document from bytes to index: read, chunk, embed, store.
package struct IngestDocument: Sendable {
    /// Chunks embedded and put on disk at a time: what a stop waits for, and what a crash costs.
    private static let embeddedAtOnce = 64

    /// A document of more would be in the way of all others for hours.
    private static let maxChunks = 20_000

    let reader: any DocumentReader
    let embedders: Embedders
    let workers: Workers

    /// - Parameter workers: Cut what was read.
    package init(reader: any DocumentReader, embedders: Embedders, workers: Workers) {
        self.reader = reader
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
    package func callAsFunction(
        _ run: JobRun, _ data: Data, keepingVectorsIn jobs: any JobStore
    ) async throws -> IndexedContent {
        let embedder = try embedders.embedder(for: run.lease.embedding)
        let text = try await reader.read(data, filename: run.lease.file.name)
        run.enter(.chunking)
        let chunks = try await cut(text, run.lease, counter: embedder)
        run.foundChunks(chunks.count, pages: text.quality.pages ?? chunks.compactMap(\.page).max())
        let vectors = try await EmbedChunks(embedder: embedder, jobs: jobs, run: run, atOnce: Self.embeddedAtOnce)(chunks)
        run.enter(.storing)
        return IndexedContent(title: text.title, text: text.text, chunks: chunks, vectors: vectors)
    }

    private func cut(
        _ text: ExtractedText, _ lease: JobLease, counter: any TokenCounter
    ) async throws -> [Chunk] {
        let window = lease.embedding.window
        return try await workers.run(.background) {
            let chunks = Chunker(window: window, counter: counter)
                .chunks(of: text, chunking: lease.chunking, filename: lease.file.name)
            guard !chunks.isEmpty else { throw DocumentFailure(.empty, "There is no text in this file.") }
            guard chunks.count <= Self.maxChunks else {
                throw DocumentFailure(
                    .tooLarge,
                    "This file has \(chunks.count) passages; at most \(Self.maxChunks) are indexed. Split it into parts.")
            }
            return chunks
        }
    }
}
