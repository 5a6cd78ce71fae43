package import Knowledge

/// Embeds texts with a model that runs in this process, on threads of its own or of those who ask.
package final class LocalEmbedder: Embedder {
    /// The instruction sets that this processor has, by name.
    package static var kernels: [String] { Kernels.all.map(\.name) }

    package let model: EmbeddingModel
    package let countsByVocabulary = true
    package var tokenizer: (any TokenCodec)? { textTokenizer }
    private let textTokenizer: Tokenizer
    private let encoder: Encoder
    private let runner: BatchRunner

    /// The instruction set in use, such as `avx2`.
    package var kernel: String { encoder.kernels.name }
    /// What the weights are multiplied in.
    package var precision: String { encoder.precision.rawValue }
    package var threads: Int { runner.threads }
    package var load: EmbeddingLoad { runner.load }

    /// Loads a model: reads, hashes and packs its weights, which takes about a quarter of a second for 90 MB and blocks.
    ///
    /// - Parameters:
    ///   - folder: In sentence-transformers' layout: `modules.json`, `config.json`, `model.safetensors`, `vocab.txt` or
    ///     `tokenizer.json`, the pooling module's folder.
    ///   - name: What clients and knowledge bases call it.
    ///   - threads: Batches of documents that are computed at once, and as many of questions.
    ///   - precision: Nil means the fastest on this machine whose vectors are as good as float32's.
    ///   - kernel: One of `kernels`; nil means the fastest.
    /// - Throws: `ModelError`.
    package convenience init(
        folder: String, name: String, threads: Int, precision: Precision? = nil, kernel: String? = nil
    ) throws {
        guard let kernels = kernel.map(Kernels.named) ?? .best else {
            throw ModelError.unsupported(file: folder, reason: "kernel \(kernel ?? "") on this processor")
        }
        try self.init(folder: folder, name: name, threads: threads, kernels: kernels, precision: precision)
    }

    init(folder: String, name: String, threads: Int, kernels: Kernels, precision: Precision? = nil) throws {
        let folder = try ModelFolder(path: folder)
        let (encoder, fingerprint) = try Workers.both {
            try Encoder(
                folder, capacity: BatchRunner.mostTokens + folder.maxTokens, kernels: kernels, precision: precision)
        } and: {
            try folder.fingerprint()
        }
        self.encoder = encoder
        textTokenizer = folder.tokenizer
        let prompts = (
            query: folder.prompts["query"] ?? "",
            passage: folder.prompts["passage"] ?? folder.prompts["document"] ?? ""
        )
        let prepare = Preparation(tokenizer: folder.tokenizer, maxTokens: folder.maxTokens, prompts: prompts)
        runner = BatchRunner(
            threads: threads, BatchRunner.Steps(prepare: { try prepare($0) }, encode: { encoder.encode($0[...]) }))
        // What is in front of each passage is not room for its own text.
        model = EmbeddingModel(
            name: name, dimension: folder.dimension,
            maxTokens: folder.maxTokens - folder.tokenizer.count(prompts.passage[...]),
            fingerprint: fingerprint)
    }

    package var addsUpWords: Bool { textTokenizer.addsUpWords }

    package func count(_ text: Substring) -> Int { textTokenizer.count(text) }

    /// Embeds all inputs, or throws. Inputs that with their prompt are longer than the model takes are cut there; an
    /// empty text has a vector too.
    ///
    /// Urgent work does not wait for background work. Of one priority, callers take turns text by text and share batches.
    /// - Throws: `RequestError.invalid` for token ids that the vocabulary does not have; `CancellationError`.
    package func embed(
        _ inputs: [EmbeddingInput], as role: EmbeddingRole, priority: Workers.Priority
    ) async throws -> Embeddings {
        try await runner.embed(inputs, as: role, priority: priority)
    }
}

/// From an input to the ids that the encoder takes.
private struct Preparation: Sendable {
    let tokenizer: Tokenizer
    let maxTokens: Int
    let prompts: (query: String, passage: String)

    func callAsFunction(_ item: EmbeddingQueue.Item) throws -> BatchRunner.Prepared {
        let limit = maxTokens - 2
        var ids: [Int32]
        switch item.input {
        case .text(let text):
            let prompt = item.role == .query ? prompts.query : prompts.passage
            ids = tokenizer.ids(of: (prompt + text)[...], limit: limit + 1)
        case .tokens(let tokens):
            try check(tokens, of: item)
            ids = tokens.prefix(limit + 1).map { Int32($0) }
        }
        let isCut = ids.count > limit
        if isCut { ids.removeLast() }
        return BatchRunner.Prepared(ids: [tokenizer.classID] + ids + [tokenizer.separatorID], isCut: isCut)
    }

    private func check(_ tokens: [Int], of item: EmbeddingQueue.Item) throws {
        let vocabulary = tokenizer.vocabulary
        if let stranger = tokens.first(where: { !vocabulary.contains($0) }) {
            throw RequestError.invalid(
                parameter: "input",
                message: "input \(item.index): token \(stranger) is not in the vocabulary of \(vocabulary.count)")
        }
    }
}
