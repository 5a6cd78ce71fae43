import Synchronization

/// Texts of all callers that wait to be embedded, and the callers that wait for them.
///
/// An embedder takes text after text and makes batches of them, whoever they are from. Callers take turns text by text,
/// so that one with thousands delays another with three by three texts and not by thousands. Texts are held as they came:
/// what it takes to prepare one is spent when its batch is formed, so that memory does not grow with the queue.
package final class EmbeddingQueue: Sendable {
    /// One text, and whose it is.
    package struct Item: Sendable {
        package let input: EmbeddingInput
        package let role: EmbeddingRole
        /// Its place among the caller's inputs.
        package let index: Int
        fileprivate let request: Int

        /// What comes of it when it is embedded.
        package func made(_ vector: [Float], tokens: Int, isCut: Bool) -> Made {
            Made(item: self, vector: vector, tokens: tokens, isCut: isCut)
        }
    }

    /// A text that is embedded.
    package struct Made: Sendable {
        fileprivate let item: Item
        fileprivate let vector: [Float]
        fileprivate let tokens: Int
        fileprivate let isCut: Bool
    }

    private struct Request {
        let inputs: [EmbeddingInput]
        let role: EmbeddingRole
        let continuation: CheckedContinuation<Embeddings, any Error>
        var taken = 0
        var missing: Int
        var result: Embeddings

        init(_ inputs: [EmbeddingInput], _ role: EmbeddingRole, _ continuation: CheckedContinuation<Embeddings, any Error>) {
            self.inputs = inputs
            self.role = role
            self.continuation = continuation
            missing = inputs.count
            result = Embeddings(
                vectors: [[Float]](repeating: [], count: inputs.count),
                tokenCounts: [Int](repeating: 0, count: inputs.count))
        }
    }

    private struct State {
        var requests: [Int: Request] = [:]
        var lastRequest = 0
        /// Whose text is next. Some of them may have ended meanwhile.
        var turns: [Workers.Priority: [Int]] = [:]
        var load = EmbeddingLoad()
    }

    private let state = Mutex(State())

    package init() {}

    /// How much waits, and how much was done so far.
    package var load: EmbeddingLoad { state.withLock { $0.load } }

    // MARK: - For those who want vectors

    /// Waits until all inputs have their vectors, or one of them failed.
    ///
    /// - Parameter start: Called once the texts stand in the queue; sees to it that somebody takes them.
    /// - Throws: What the embedder says of one of the inputs. `CancellationError` as soon as the task is cancelled; then
    ///   no more of its texts are taken, and of those that were nothing is kept.
    package func embed(
        _ inputs: [EmbeddingInput], as role: EmbeddingRole, priority: Workers.Priority, start: () -> Void
    ) async throws -> Embeddings {
        guard !inputs.isEmpty else { return Embeddings(vectors: [], tokenCounts: []) }
        let id = state.withLock { state in
            state.lastRequest += 1
            return state.lastRequest
        }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                state.withLock { state in
                    state.requests[id] = Request(inputs, role, continuation)
                    state.turns[priority, default: []].append(id)
                    state.load.waiting += inputs.count
                }
                // A cancellation that came before found nothing to end.
                if Task.isCancelled { end(id, throwing: CancellationError()) } else { start() }
            }
        } onCancel: {
            end(id, throwing: CancellationError())
        }
    }

    // MARK: - For embedders

    /// The text whose turn it is, nil where none of this priority waits.
    package func next(_ priority: Workers.Priority) -> Item? {
        state.withLock { state in
            while state.turns[priority]?.isEmpty == false, let id = state.turns[priority]?.removeFirst() {
                guard let request = state.requests[id] else { continue }
                let index = request.taken
                state.requests[id]?.taken += 1
                state.load.waiting -= 1
                if index + 1 < request.inputs.count { state.turns[priority]?.append(id) }
                return Item(input: request.inputs[index], role: request.role, index: index, request: id)
            }
            return nil
        }
    }

    /// Hands over what was made. Callers whose last text is among it go on; those that have ended meanwhile get nothing.
    package func deliver(_ batch: [Made]) {
        let complete = state.withLock { state in
            batch.compactMap { made -> Request? in
                let (id, index) = (made.item.request, made.item.index)
                state.load.texts += 1
                state.load.tokens += made.tokens
                state.requests[id]?.result.vectors[index] = made.vector
                state.requests[id]?.result.tokenCounts[index] = made.tokens
                if made.isCut { state.requests[id]?.result.cut.insert(index) }
                state.requests[id]?.missing -= 1
                return state.requests[id]?.missing == 0 ? state.requests.removeValue(forKey: id) : nil
            }
        }
        for request in complete { request.continuation.resume(returning: request.result) }
    }

    /// Ends the requests that these texts are from, and no others.
    package func fail(_ items: [Item], _ error: any Error) {
        for item in items { end(item.request, throwing: error) }
    }

    private func end(_ id: Int, throwing error: any Error) {
        let request = state.withLock { state in
            let request = state.requests.removeValue(forKey: id)
            if let request { state.load.waiting -= request.inputs.count - request.taken }
            return request
        }
        request?.continuation.resume(throwing: error)
    }
}
