package import Documents
import FoundationEssentials
package import Knowledge

/// Takes one document from bytes to index: read, chunk, embed, store.
package struct IngestDocument: Sendable {
    /// Chunks embedded and put on disk at a time: what a stop waits for, and what a crash costs.
    private static let embeddedAtOnce = 64

    let reader: any DocumentReader
    let embedders: Embedders
    let cut: CutText

    /// - Parameter workers: Cut what was read.
    package init(reader: any DocumentReader, embedders: Embedders, workers: Workers) {
        self.reader = reader
        self.embedders = embedders
        cut = CutText(workers: workers)
    }

    /// Refuses by its size alone what would be refused once it is read.
    static func check(_ file: StoredFile) throws(DocumentFailure) {
        guard file.bytes <= TextExtractor.maxInputBytes else {
            throw DocumentFailure(
                .tooLarge, "The file is larger than \(TextExtractor.maxInputBytes >> 20) MiB. Split it, and add the parts.")
        }
    }

    /// - Throws: `DocumentFailure` where the document itself is at fault, whatever the embedder throws, or
    ///   `CancellationError`.
    package func callAsFunction(
        _ run: JobRun, _ file: StoredFile, keepingVectorsIn jobs: any JobStore
    ) async throws -> IndexedContent {
        try Self.check(file)
        run.enter(.reading)
        let data = try await jobs.content(run.lease)
        let embedder = try embedders.embedder(for: run.lease.embedding)
        let text = try await reader.read(data, filename: file.name)
        run.enter(.chunking)
        let chunks = try await cut(text, run.lease.chunking, filename: file.name, for: embedder)
        run.foundChunks(chunks.count, pages: text.quality.pages ?? chunks.compactMap(\.page).max())
        let vectors = try await EmbedChunks(embedder: embedder, jobs: jobs, run: run, atOnce: Self.embeddedAtOnce)(chunks)
        run.enter(.storing)
        return IndexedContent(
            title: text.title, text: text.text, layout: try text.layout(), chunks: chunks, vectors: vectors)
    }
}

/// Cuts the text of a document on the threads for it.
struct CutText: Sendable {
    /// A document of more would be in the way of all others for hours.
    private static let maxChunks = 20_000

    let workers: Workers

    func callAsFunction(
        _ text: ExtractedText, _ chunking: Chunking, filename: String, for embedder: any Embedder
    ) async throws -> [Chunk] {
        try await workers.run(.background) {
            let chunks = Chunker(window: embedder.model.window, counter: embedder)
                .chunks(of: text, chunking: chunking, filename: filename)
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
