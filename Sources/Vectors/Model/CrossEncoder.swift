import CKernels
import Foundation
import Knowledge

/// A BERT model that reads a query and a passage together and gives one number for how well they fit.
///
/// (Nogueira and Cho, Passage Re-ranking with BERT, 2019.) The folder is what `transformers` saves for a
/// `BertForSequenceClassification` with one label, such as cross-encoder/ms-marco-MiniLM-L6-v2.
package final class CrossEncoder: Reranker {
    /// Tokens of a batch.
    private static let batchTokens = 1_024

    private let encoder: Encoder
    private let tokenizer: WordPiece
    private let maxTokens: Int
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
        encoder = try Encoder(
            weights, files.bert.shape, pooling: .classToken, capacity: max(Self.batchTokens, files.maxTokens),
            kernels: kernels)
        pooler = try Dense(weights, "bert.pooler.dense", inputs: files.bert.hidden, outputs: files.bert.hidden)
        classifier = try Dense(weights, "classifier", inputs: files.bert.hidden, outputs: 1)
        tokenizer = files.tokenizer
        maxTokens = files.maxTokens
        workers = Workers(count: threads, name: "rerank")
    }

    /// The sigmoid of the model's number for each pair. A pair that is too long loses the end of its passage, and a query of more than
    /// half the model's length its own end.
    package func relevance(of passages: [String], to query: String) async throws -> [Double] {
        try await logits(of: passages, to: query).map { 1 / (1 + exp(-Double($0))) }
    }

    func logits(of passages: [String], to query: String) async throws -> [Float] {
        let question = tokenizer.ids(of: query[...], limit: (maxTokens - 3) / 2)
        let pairs = try await workers.run(.urgent) { [self] in
            passages.map { passage in
                let rest = tokenizer.ids(of: passage[...], limit: maxTokens - 3 - question.count)
                return [tokenizer.classID] + question + [tokenizer.separatorID] + rest + [tokenizer.separatorID]
            }
        }
        let second = question.count + 2
        var logits = [Float](repeating: 0, count: pairs.count)
        try await withThrowingTaskGroup(of: (Range<Int>, [Float]).self) { group in
            for batch in Self.batches(of: pairs) {
                group.addTask { [self] in
                    let found = try await workers.run(.urgent) { [self] in
                        encoder.classStates(
                            of: pairs[batch], secondStarts: ArraySlice(batch.map { _ in second })
                        ).map { classifier(pooler($0).map(tanh))[0] }
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
    let bert: BertConfiguration
    let tokenizer: WordPiece
    let maxTokens: Int

    init(path: String) throws {
        bert = try ModelFolder.bert(path + "/config.json")
        guard bert.tokenTypes >= 2 else {
            throw ModelError.unsupported(file: path + "/config.json", reason: "type_vocab_size \(bert.tokenTypes)")
        }
        let options = try ModelFolder.uncasedOptions(path)
        maxTokens = max(8, try ModelFolder.maxTokens(path, options, bert))
        tokenizer = try ModelFolder.tokenizer(path, bert).tokenizer
        weightsPath = path + "/model.safetensors"
    }
}

/// A small linear layer, one row at a time.
private struct Dense: Sendable {
    private let weights: [Float]
    private let bias: [Float]

    init(_ file: Safetensors, _ name: String, inputs: Int, outputs: Int) throws {
        weights = try Self.tensor(file, name + ".weight", [outputs, inputs])
        bias = try Self.tensor(file, name + ".bias", [outputs])
    }

    private static func tensor(_ file: Safetensors, _ name: String, _ shape: [Int]) throws -> [Float] {
        try file.tensor(name, shape: shape)
        var values = [Float](repeating: 0, count: shape.reduce(1, *))
        try values.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            try file.read(name, shape: shape, into: base)
        }
        return values
    }

    func callAsFunction(_ input: [Float]) -> [Float] {
        bias.indices.map { row in
            var sum = bias[row]
            for column in input.indices { sum += weights[row * input.count + column] * input[column] }
            return sum
        }
    }
}
