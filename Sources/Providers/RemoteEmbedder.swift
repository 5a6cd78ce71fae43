import FoundationEssentials
package import Knowledge
import Synchronization

/// Embeds with a model of an OpenAI-compatible server.
///
/// Texts of all callers share requests. Of each priority, four requests are on their way at a time, so that a question
/// does not wait for documents. Texts are cut to the model's limit here, by `TokenEstimator`, so that the server neither
/// refuses nor silently cuts them.
package final class RemoteEmbedder: Embedder {
    /// What OpenAI takes in one request; 2,048 texts would be allowed too, but then one caller waits for all.
    private static let mostTokens = 300_000

    package let model: EmbeddingModel
    private let endpoint: EmbeddingEndpoint
    private let queue = EmbeddingQueue(width: 4)
    /// Texts in one request. Shrinks when the server shows that it takes less.
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

    package var load: EmbeddingLoad { queue.load }

    /// Roles make no difference: the API does not know them.
    ///
    /// - Returns: Token counts are the server's where it reports them, spread over the texts by estimate.
    /// - Throws: `UpstreamError`, or `CancellationError`.
    package func embed(
        _ inputs: [EmbeddingInput], as role: EmbeddingRole, priority: Workers.Priority
    ) async throws -> Embeddings {
        try await queue.embed(inputs, as: role, priority: priority) { servers in
            // Belong to no caller: what they send holds texts of several.
            for _ in 0..<servers { Task { while await sendBatch(priority) {} } }
        }
    }

    /// Sends what waits as one request, or as several where the server does not take it as one; false where nothing waits.
    private func sendBatch(_ priority: Workers.Priority) async -> Bool {
        guard let texts = collect(priority) else { return false }
        // A request holds either texts or token ids.
        await send(texts.filter(\.isText))
        await send(texts.filter { !$0.isText })
        return true
    }

    private func collect(_ priority: Workers.Priority) -> [RemoteText]? {
        let limit = batchLimit.withLock { $0 }
        var items: [EmbeddingQueue.Item] = []
        var tokens = 0
        let isServing = queue.takeFullBatch(priority) { item in
            items.append(item)
            tokens += min(RemoteText.mostTokens(of: item.input), model.maxTokens)
            // Whether there is room for one as long as the model takes.
            return items.count < limit && tokens + model.maxTokens <= Self.mostTokens
        }
        // Looking through the texts takes its time, for which no other server should wait.
        return isServing ? items.map { RemoteText($0, maxTokens: model.maxTokens) } : nil
    }

    /// Sends a batch; in halves where the server finds it too large, which it tells in many ways.
    private func send(_ batch: [RemoteText]) async {
        var pending = [batch]
        var largest = batch.count
        var wasRefused = false
        while var part = pending.popLast() {
            part.removeAll { !queue.isWanted($0.item) }
            if part.isEmpty { continue }
            do {
                deliver(part, try await endpoint.embed(part.map(\.input)))
            } catch UpstreamError.rejected(_, let status, _) where status != 404 && part.count > 1 {
                let middle = (part.count + 1) / 2
                pending += [Array(part[middle...]), Array(part[..<middle])]
                largest = min(largest, middle)
            } catch {
                wasRefused = true
                if error.namesLength, part.count == 1, let half = part[0].half {
                    pending.append([half])
                } else {
                    queue.fail(part.map(\.item), error)
                }
            }
        }
        // Only where all went through: a text that the server refuses for itself says nothing about the size of batches.
        if largest < batch.count, !wasRefused { batchLimit.withLock { $0 = min($0, largest) } }
    }

    /// Spreads the server's count over the texts by their estimates, so that the sum is the server's.
    private func deliver(_ batch: [RemoteText], _ reply: EmbeddingEndpoint.Reply) {
        let sum = batch.reduce(0) { $0 + $1.tokens }
        let total = sum > 0 ? reply.tokens ?? sum : 0
        var soFar = 0
        var given = 0
        queue.deliver(
            zip(batch, reply.vectors).map { text, vector in
                soFar += text.tokens
                let share = Int((Double(total) * Double(soFar) / Double(max(1, sum))).rounded()) - given
                given += share
                return text.item.made(vector, tokens: share, isCut: text.isCut)
            })
    }
}

extension Error {
    /// Whether it is a refusal of one text for its length, in the words of OpenAI, vLLM, TEI or llama.cpp.
    fileprivate var namesLength: Bool {
        guard case .rejected(_, let status, let message)? = self as? UpstreamError else { return false }
        let text = message.lowercased()
        return status == 413 || ["token", "too long", "too large", "context length"].contains { text.contains($0) }
    }
}
