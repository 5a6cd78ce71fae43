package import Documents
import FoundationEssentials
package import Knowledge

/// Makes all of a knowledge base's chunks and vectors anew by other settings, apart from those that are searched meanwhile,
/// and then changes over.
///
/// What was not done yet is asked for again and again, so that documents which come in between are not forgotten, and a run
/// after a crash goes on where that one ended.
package struct ReindexKnowledgeBase: Sendable {
    /// Chunks made together, at least a document's: what is embedded in one piece and stored in one transaction, and what a
    /// crash costs.
    private static let chunksAtOnce = 64
    /// Documents that may fail before the rest is not tried any more.
    private static let maxFailures = 100

    let store: any ReindexStore
    let jobs: any JobStore
    let reader: any DocumentReader
    let embedders: Embedders
    let index: any PassageIndex
    let cut: CutText

    /// - Parameter workers: Cut what was read.
    package init(
        store: any ReindexStore, jobs: any JobStore, reader: any DocumentReader, embedders: Embedders,
        index: any PassageIndex, workers: Workers
    ) {
        self.store = store
        self.jobs = jobs
        self.reader = reader
        self.embedders = embedders
        self.index = index
        cut = CutText(workers: workers)
    }

    /// - Throws: `DocumentFailure` where documents could not be indexed anew, whatever the embedder throws, or
    ///   `CancellationError`.
    package func callAsFunction(_ run: JobRun) async throws {
        let embedder = try embedders.embedder(for: run.lease.embedding)
        var failures: [(name: String, failure: DocumentFailure)] = []
        try await catchUp(run, embedder, &failures)
        try Self.check(failures)
        await warmUp(run.lease)
        // From here on no more documents are begun in this knowledge base, so that there is an end to catching up.
        run.enter(.storing)
        guard try await jobs.renew(run.lease, at: Date(), progress: run.progress) else { throw CancellationError() }
        while true {
            try await catchUp(run, embedder, &failures)
            try Self.check(failures)
            switch try await store.changeOver(run.lease) {
            case .done: return
            case .incomplete: continue
            case .lost: throw CancellationError()
            }
        }
    }

    /// Does what there is to do until there is nothing left but what failed.
    private func catchUp(
        _ run: JobRun, _ embedder: any Embedder, _ failures: inout [(name: String, failure: DocumentFailure)]
    ) async throws {
        var reached: Int64 = 0
        while true {
            guard let step = try await store.documents(lackingIn: run.lease, after: reached, limit: Self.chunksAtOnce) else {
                throw CancellationError()
            }
            run.begin(step.progress, storedChunks: step.chunks)
            guard let last = step.documents.last else { return }
            do {
                try await index(step.documents, run, embedder)
            } catch let failure as DocumentFailure where step.documents.count == 1 {
                failures.append((last.file.name, failure))
                if failures.count == Self.maxFailures { return }
            } catch is DocumentFailure {
                // One of them is at fault: each by itself.
                for document in step.documents {
                    do {
                        try await index([document], run, embedder)
                    } catch let failure as DocumentFailure {
                        failures.append((document.file.name, failure))
                    }
                }
                if failures.count >= Self.maxFailures { return }
            }
            reached = last.revision
        }
    }

    /// Cuts, embeds and stores some documents together.
    private func index(_ documents: [StoredText], _ run: JobRun, _ embedder: any Embedder) async throws {
        var pieces: [(document: StoredText, chunks: [Chunk])] = []
        for document in documents {
            let text = try await text(of: document, run.lease)
            let chunks = try await cut(text, document.chunking, filename: document.file.name, for: embedder)
            pieces.append((document, chunks))
        }
        let all = pieces.flatMap(\.chunks)
        run.foundChunks(all.count, pages: nil)
        var vectors = try await vectors(of: all, run, embedder)[...]
        let contents = pieces.map { document, chunks in
            defer { vectors = vectors.dropFirst(chunks.count) }
            return (
                document: document.document,
                content: IndexedContent(
                    title: document.title, text: document.text, chunks: chunks,
                    vectors: Array(vectors.prefix(chunks.count)))
            )
        }
        guard try await store.keep(contents, for: run.lease, at: Date(), progress: run.progress) else {
            throw CancellationError()
        }
    }

    private func vectors(of chunks: [Chunk], _ run: JobRun, _ embedder: any Embedder) async throws -> [[Float]] {
        do {
            return try await EmbedChunks(embedder: embedder, jobs: jobs, run: run, atOnce: Self.chunksAtOnce)(chunks)
        } catch UpstreamError.rejected(let provider, _, let message) {
            throw DocumentFailure(.embeddingFailed, "The embedding server '\(provider)' refused the text: \(message)")
        }
    }

    /// The text with its structure: as it was kept or, of documents that were indexed before it was, as it is read now.
    private func text(of document: StoredText, _ lease: JobLease) async throws -> ExtractedText {
        if let layout = document.layout, let text = try? ExtractedText(document.text, layout: layout) { return text }
        var lease = lease
        lease.file = document.file
        do {
            let text = try await reader.read(jobs.content(lease), filename: document.file.name)
            if text.text == document.text { return text }
        } catch is DocumentFailure {
            // It was readable once, and its text is still there.
        }
        // Citations point into the text as it is stored: that stays, and only its paragraphs are known.
        return ExtractedText(paragraphsOf: document.text, title: document.title)
    }

    /// Has the index load what was made, so that the first question after the change need not wait for it.
    private func warmUp(_ lease: JobLease) async {
        var query = [Float](repeating: 0, count: lease.embedding.dimension)
        query[0] = 1
        // What fails here is tried again by that question.
        _ = try? await index.search(
            query, in: [KnowledgeBaseID(rawValue: lease.job.document.rawValue)], documents: nil, limit: 1)
    }

    private static func check(_ failures: [(name: String, failure: DocumentFailure)]) throws(DocumentFailure) {
        guard let first = failures.first else { return }
        let named = failures.prefix(3).map { "'\($0.name)': \($0.failure.message)" }.joined(separator: " ")
        throw DocumentFailure(
            first.failure.reason,
            "\(failures.count) \(failures.count == 1 ? "document" : "documents") could not be indexed anew, so that "
                + "everything stays as it was. \(named)")
    }
}
