import FoundationEssentials
package import Knowledge
import Synchronization

/// Embeds with a model of an OpenAI-compatible server.
///
/// At most 64 texts go in one request and four requests are on their way at a time, urgent ones first. Texts are cut to
/// the model's limit here, by `TokenEstimator`, so that the server neither refuses nor silently cuts them.
package final class RemoteEmbedder: Embedder {
    package let model: EmbeddingModel
    private let endpoint: EmbeddingEndpoint
    private let turnstile = Turnstile(width: 4)
    /// Shrinks when the server shows that it takes less.
    private let batchLimit = Mutex(64)

    private init(model: EmbeddingModel, endpoint: EmbeddingEndpoint) {
        self.model = model
        self.endpoint = endpoint
    }

    /// Embeds a word, to learn the dimension and whether the server sends vectors in base64.
    ///
    /// - Parameters:
    ///   - model: By the server's name for it.
    ///   - maxTokens: Of one text. The default is what most models take that were made for retrieval.
    /// - Throws: `UpstreamError`.
    package static func connect(
        provider: OpenAICompatibleProvider, model: String, maxTokens: Int = 512
    ) async throws -> RemoteEmbedder {
        var endpoint = EmbeddingEndpoint(transport: provider.transport, model: model, asksForBase64: true)
        var probe: EmbeddingEndpoint.Reply
        do {
            probe = try await endpoint.embed([.text("dimension")])
        } catch UpstreamError.rejected(_, status: 400, _), UpstreamError.rejected(_, status: 422, _) {
            endpoint.asksForBase64 = false
            probe = try await endpoint.embed([.text("dimension")])
        }
        let dimension = probe.vectors[0].count
        endpoint.dimension = dimension
        let description = EmbeddingModel(
            name: model, dimension: dimension, maxTokens: max(1, maxTokens),
            fingerprint: "remote \(provider.settings.baseURL) \(model) \(dimension)")
        return RemoteEmbedder(model: description, endpoint: endpoint)
    }

    /// An estimate, rather too high than too low.
    package func count(_ text: Substring) -> Int {
        TokenEstimator.count(text)
    }

    /// Roles make no difference: the API does not know them.
    ///
    /// - Returns: Token counts are the server's where it reports them, spread over the texts by estimate.
    /// - Throws: `UpstreamError`, or `CancellationError`.
    package func embed(
        _ inputs: [EmbeddingInput], as role: EmbeddingRole, priority: Workers.Priority
    ) async throws -> Embeddings {
        let inputs = inputs.map(shortened)
        let batches = batches(of: inputs)
        let parts = try await withThrowingTaskGroup(of: (Int, Embeddings).self) { group in
            for (number, range) in batches.enumerated() {
                group.addTask { (number, try await self.embed(Array(inputs[range]), priority)) }
            }
            var parts = [Embeddings?](repeating: nil, count: batches.count)
            for try await (number, part) in group { parts[number] = part }
            return parts.compactMap(\.self)
        }
        return Embeddings(vectors: parts.flatMap(\.vectors), tokenCounts: parts.flatMap(\.tokenCounts))
    }

    /// What the server takes: not too long, and not empty, which OpenAI refuses.
    private func shortened(_ input: EmbeddingInput) -> EmbeddingInput {
        switch input {
        case .text(let text):
            let start = TokenEstimator.prefix(of: text[...], maxTokens: model.maxTokens)
            return .text(start.isEmpty ? " " : String(start))
        case .tokens(let tokens):
            return tokens.isEmpty ? .text(" ") : .tokens(Array(tokens.prefix(model.maxTokens)))
        }
    }

    /// Neighbours of one kind, since a request holds either texts or tokens.
    private func batches(of inputs: [EmbeddingInput]) -> [Range<Int>] {
        let limit = batchLimit.withLock { $0 }
        var batches: [Range<Int>] = []
        for (index, input) in inputs.enumerated() {
            if let last = batches.last, last.count < limit, inputs[last.lowerBound].isText == input.isText {
                batches[batches.count - 1] = last.lowerBound..<(index + 1)
            } else {
                batches.append(index..<(index + 1))
            }
        }
        return batches
    }

    /// Embeds one batch; in halves where the server finds it too large, which it tells in many ways.
    private func embed(_ batch: [EmbeddingInput], _ priority: Workers.Priority) async throws -> Embeddings {
        var result = Embeddings(vectors: [], tokenCounts: [])
        var pending = [batch[...]]
        var smallest = batch.count
        while let part = pending.popLast() {
            do {
                let reply = try await turnstile.pass(priority) { try await endpoint.embed(Array(part)) }
                result.vectors += reply.vectors
                result.tokenCounts += tokenCounts(of: part, total: reply.tokens)
            } catch UpstreamError.rejected(_, let status, _) where status != 404 && part.count > 1 {
                let middle = part.startIndex + (part.count + 1) / 2
                pending += [part[middle...], part[..<middle]]
                smallest = min(smallest, middle - part.startIndex)
            }
        }
        // Only now, as all of it went through: a text that the server refuses for itself says nothing about the size.
        if smallest < batch.count { batchLimit.withLock { $0 = min($0, smallest) } }
        return result
    }

    /// Spreads the server's count over the texts by their estimates, so that the sum is the server's.
    private func tokenCounts(of inputs: ArraySlice<EmbeddingInput>, total: Int?) -> [Int] {
        let estimates = inputs.map { input in
            switch input {
            case .text(let text): TokenEstimator.count(text[...])
            case .tokens(let tokens): tokens.count
            }
        }
        let sum = estimates.reduce(0, +)
        guard let total, sum > 0 else { return estimates }
        var soFar = 0
        var given = 0
        return estimates.map { estimate in
            soFar += estimate
            let share = Int((Double(total) * Double(soFar) / Double(sum)).rounded()) - given
            given += share
            return share
        }
    }
}

extension EmbeddingInput {
    var isText: Bool {
        switch self {
        case .text: true
        case .tokens: false
        }
    }
}
