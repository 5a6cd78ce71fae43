package import Knowledge

/// Embeds texts with a model that runs in this process, on threads of its own.
package final class LocalEmbedder: Embedder {
    /// Tokens of a batch. More hardly compute faster, and urgent work waits for a batch to end: about 0.1 s.
    private static let batchTokens = 512
    /// No batch is made smaller than this to occupy more threads.
    private static let minBatchTokens = 96
    /// Texts that are cut into tokens without a break.
    private static let tokenizedAtOnce = 64

    package let model: EmbeddingModel
    package let countsByVocabulary = true
    private let tokenizer: Tokenizer
    private let encoder: Encoder
    private let workers: Workers
    private let prompts: (query: String, passage: String)

    /// The instruction set in use: `portable`, `avx2`, `avx512` or `neon`.
    package var kernel: String { encoder.kernels.name }
    /// What the kernels compute in.
    package var precision: String { "float32" }
    package var threads: Int { workers.count }

    /// Loads a model: reads, hashes and packs its weights, which takes about a third of a second for 90 MB and blocks.
    ///
    /// - Parameters:
    ///   - folder: In sentence-transformers' layout: `modules.json`, `config.json`, `model.safetensors`, `vocab.txt` or
    ///     `tokenizer.json`, the pooling module's folder.
    ///   - name: What clients and knowledge bases call it.
    ///   - threads: How many texts are computed at once.
    /// - Throws: `ModelError`.
    package convenience init(folder: String, name: String, threads: Int) throws {
        try self.init(folder: folder, name: name, threads: threads, kernels: .best)
    }

    init(folder: String, name: String, threads: Int, kernels: Kernels) throws {
        let folder = try ModelFolder(path: folder)
        encoder = try Encoder(folder, capacity: max(Self.batchTokens, folder.maxTokens), kernels: kernels)
        tokenizer = folder.tokenizer
        prompts = (
            query: folder.prompts["query"] ?? "",
            passage: folder.prompts["passage"] ?? folder.prompts["document"] ?? ""
        )
        model = EmbeddingModel(
            name: name, dimension: folder.dimension, maxTokens: folder.maxTokens, fingerprint: try folder.fingerprint())
        workers = Workers(count: threads, name: "embed")
    }

    package func count(_ text: Substring) -> Int { tokenizer.count(text) }

    /// Embeds all inputs, or throws. Longer inputs are cut at `model.maxTokens`; an empty text has a vector too.
    ///
    /// Background work yields to urgent work between batches, and stops there when its task is cancelled.
    /// - Throws: `RequestError.invalid` for token ids that the vocabulary does not have; `CancellationError`.
    package func embed(
        _ inputs: [EmbeddingInput], as role: EmbeddingRole, priority: Workers.Priority
    ) async throws -> Embeddings {
        try checkTokens(inputs)
        let texts = try await tokenize(inputs, as: role, priority: priority)
        var batches = batches(of: texts)[...]
        var vectors = [[Float]](repeating: [], count: texts.count)
        try await withThrowingTaskGroup(of: (Range<Int>, [[Float]]).self) { group in
            func start(_ batch: Range<Int>) {
                group.addTask { [encoder, workers] in
                    (batch, try await workers.run(priority) { encoder.encode(texts[batch]) })
                }
            }
            // One batch per thread under way, so that other callers' batches come in between.
            for batch in batches.prefix(workers.count) { start(batch) }
            batches = batches.dropFirst(workers.count)
            while let (batch, done) = try await group.next() {
                vectors.replaceSubrange(batch, with: done)
                if let next = batches.popFirst() { start(next) }
            }
        }
        return Embeddings(vectors: vectors, tokenCounts: texts.map(\.count))
    }

    private func checkTokens(_ inputs: [EmbeddingInput]) throws {
        let vocabulary = 0..<tokenizer.vocabulary.count
        for (index, input) in inputs.enumerated() {
            guard case .tokens(let tokens) = input else { continue }
            if let stranger = tokens.first(where: { !vocabulary.contains($0) }) {
                throw RequestError.invalid(
                    parameter: "input",
                    message: "input \(index): token \(stranger) is not in the vocabulary of \(vocabulary.count)")
            }
        }
    }

    /// The ids of every input, special tokens included, cut to the model's length.
    private func tokenize(
        _ inputs: [EmbeddingInput], as role: EmbeddingRole, priority: Workers.Priority
    ) async throws -> [[Int32]] {
        let prompt = role == .query ? prompts.query : prompts.passage
        let limit = model.maxTokens - 2
        var texts: [[Int32]] = []
        texts.reserveCapacity(inputs.count)
        for first in stride(from: 0, to: inputs.count, by: Self.tokenizedAtOnce) {
            let slice = inputs[first..<min(first + Self.tokenizedAtOnce, inputs.count)]
            texts += try await workers.run(priority) { [tokenizer] in
                slice.map { input in
                    let ids =
                        switch input {
                        case .text(let text): tokenizer.ids(of: (prompt + text)[...], limit: limit)
                        case .tokens(let tokens): tokens.prefix(limit).map { Int32($0) }
                        }
                    return [tokenizer.classID] + ids + [tokenizer.separatorID]
                }
            }
        }
        return texts
    }

    /// Neighbouring texts of up to `batchTokens` together, or less where that keeps all threads busy.
    private func batches(of texts: [[Int32]]) -> [Range<Int>] {
        let total = texts.reduce(0) { $0 + $1.count }
        let share = (total + workers.count - 1) / workers.count
        let budget = min(Self.batchTokens, max(Self.minBatchTokens, share))
        var batches: [Range<Int>] = []
        var first = 0
        var tokens = 0
        for (index, text) in texts.enumerated() {
            if index > first, tokens + text.count > budget {
                batches.append(first..<index)
                first = index
                tokens = 0
            }
            tokens += text.count
        }
        if first < texts.count { batches.append(first..<texts.count) }
        return batches
    }
}
