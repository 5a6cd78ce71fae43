import CKernels
import Foundation
import Knowledge

/// A model that reads a query and a passage together and gives one number for how well they fit.
///
/// (Nogueira and Cho, Passage Re-ranking with BERT, 2019.) The folder is what `transformers` saves for a
/// `BertForSequenceClassification` or `XLMRobertaForSequenceClassification` with one label, such as
/// cross-encoder/ms-marco-MiniLM-L6-v2 or BAAI/bge-reranker-base.
package final class CrossEncoder: Reranker {
    /// Tokens of a batch.
    private static let batchTokens = 1_024

    private let encoder: Encoder
    private let tokenizer: Tokenizer
    private let maxTokens: Int
    /// Whether the second text's tokens are of another type than the first's.
    private let hasTypes: Bool
    private let pooler: Dense
    private let classifier: Dense
    private let workers: Workers

    /// Loads the model; blocks.
    ///
    /// - Parameter threads: How many batches are computed at once.
    /// - Throws: `ModelError`.
    package convenience init(folder: String, threads: Int) throws {
        try self.init(folder: folder, threads: threads, kernels: .best)
    }

    init(folder: String, threads: Int, kernels: Kernels) throws {
        let files = try ClassifierFolder(path: folder)
        let weights = try Safetensors(path: files.weightsPath)
        let configuration = files.configuration
        encoder = try Encoder(
            weights, configuration.shape(weights, longestText: files.maxTokens), pooling: .classToken,
            capacity: max(Self.batchTokens, files.maxTokens), kernels: kernels)
        let (first, second) = files.head
        pooler = try Dense(
            weights, first, inputs: configuration.hidden, outputs: configuration.hidden, activation: .tanh)
        classifier = try Dense(weights, second, inputs: configuration.hidden, outputs: 1)
        tokenizer = files.tokenizer
        maxTokens = files.maxTokens
        hasTypes = files.tokenizer.frame.secondType > 0
        workers = Workers(count: threads, name: "rerank")
    }

    /// The sigmoid of the model's number for each pair. A pair that is too long loses the end of its passage, and a
    /// query of more than half the model's length its own end.
    package func relevance(of passages: [String], to query: String) async throws -> [Double] {
        try await logits(of: passages, to: query).map { 1 / (1 + exp(-Double($0))) }
    }

    func logits(of passages: [String], to query: String) async throws -> [Float] {
        let frame = tokenizer.frame
        let between = Array(repeating: frame.separatorID, count: frame.separatorsBetween)
        let room = maxTokens - 2 - between.count
        let question = [frame.classID] + tokenizer.ids(of: query[...], limit: room / 2) + between
        let pairs = try await workers.run(.urgent) { [self] in
            passages.map { passage in
                question + tokenizer.ids(of: passage[...], limit: maxTokens - 1 - question.count) + [frame.separatorID]
            }
        }
        var logits = [Float](repeating: 0, count: pairs.count)
        try await withThrowingTaskGroup(of: (Range<Int>, [Float]).self) { group in
            for batch in Self.batches(of: pairs) {
                // Not on a thread that asks: other requests would wait behind all batches.
                group.addTask(executorPreference: workers) { [self] in
                    let found = try await workers.run(.urgent) { [self] in
                        let starts = pairs[batch].map { hasTypes ? question.count : $0.count }
                        return encoder.classStates(of: pairs[batch], secondStarts: starts[...]).map {
                            classifier(pooler($0))[0]
                        }
                    }
                    return (batch, found)
                }
            }
            for try await (batch, found) in group { logits.replaceSubrange(batch, with: found) }
        }
        return logits
    }

    private static func batches(of pairs: [[Int32]]) -> [Range<Int>] {
        var batches: [Range<Int>] = []
        var tokens = 0
        for (index, pair) in pairs.enumerated() {
            if let last = batches.last, tokens + pair.count <= batchTokens {
                batches[batches.count - 1] = last.lowerBound..<index + 1
                tokens += pair.count
            } else {
                batches.append(index..<index + 1)
                tokens = pair.count
            }
        }
        return batches
    }
}

/// A model folder that `transformers` saved for a classifier of one label.
private struct ClassifierFolder {
    let weightsPath: String
    let configuration: EncoderConfiguration
    let tokenizer: Tokenizer
    let maxTokens: Int
    /// The names of the two layers on top of the first token's state.
    let head: (String, String)

    init(path: String) throws {
        let files = ModelFiles(path: path)
        configuration = try files.configuration()
        switch configuration.family {
        case .bert: head = ("pooler.dense", "classifier")
        case .roberta: head = ("classifier.dense", "classifier.out_proj")
        default:
            throw ModelError.unsupported(
                file: path + "/config.json", reason: "a reranker of model_type \(configuration.modelType)")
        }
        tokenizer = try files.tokenizer(configuration).tokenizer
        guard tokenizer.frame.takesPairs else {
            throw ModelError.unsupported(
                file: path + "/tokenizer.json",
                reason: "a pair of texts with other than one or two separators between")
        }
        if tokenizer.frame.secondType >= configuration.tokenTypes ?? 2 {
            throw ModelError.unsupported(
                file: path + "/config.json", reason: "type_vocab_size \(configuration.tokenTypes ?? 2)")
        }
        maxTokens = try files.maxTokens(configuration)
        guard maxTokens >= 8 else {
            throw ModelError.unsupported(file: path + "/config.json", reason: "a length of \(maxTokens) tokens")
        }
        weightsPath = path + "/model.safetensors"
    }
}
