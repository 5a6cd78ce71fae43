import Synchronization

/// Texts of all callers that wait to be embedded, and the callers that wait for them.
///
/// An embedder has some servers, which take text after text and make batches of them, whoever they are from; a server
/// starts when there are texts and ends when there are none. Callers take turns text by text, so that one with thousands
/// delays another with three by three texts and not by thousands. Texts are held as they came: a text is prepared when
/// its batch is formed, so that memory does not grow with the queue.
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
        let priority: Workers.Priority
        let continuation: CheckedContinuation<Embeddings, any Error>
        var taken = 0
        var missing: Int
        var result: Embeddings

        init(
            _ inputs: [EmbeddingInput], _ role: EmbeddingRole, _ priority: Workers.Priority,
            _ continuation: CheckedContinuation<Embeddings, any Error>
        ) {
            self.inputs = inputs
            self.role = role
            self.priority = priority
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
        var servers: [Workers.Priority: Int] = [:]
        /// Texts that no server has taken.
        var waiting: [Workers.Priority: Int] = [:]
        var load = EmbeddingLoad()

        mutating func next(_ priority: Workers.Priority) -> Item? {
            while turns[priority]?.isEmpty == false, let id = turns[priority]?.removeFirst() {
                guard let request = requests[id] else { continue }
                let index = request.taken
                requests[id]?.taken += 1
                waiting[priority, default: 0] -= 1
                if index + 1 < request.inputs.count { turns[priority]?.append(id) }
                return Item(input: request.inputs[index], role: request.role, index: index, request: id)
            }
            return nil
        }
    }

    private let state = Mutex(State())
    /// Held while a server of the priority fills a batch.
    private let fillingUrgent = Mutex(())
    private let fillingBackground = Mutex(())
    private let width: Int
    private let patience: Int

    /// - Parameters:
    ///   - width: The most servers of each priority.
    ///   - patience: How many urgent texts may wait for each server that is at work, before another begins. Where a batch takes
    ///     hardly longer than one text, those that come during one are better served together, by the next.
    package init(width: Int, patience: Int = 0) {
        self.width = max(1, width)
        self.patience = max(0, patience)
    }

    /// How much waits, and how much was done so far.
    package var load: EmbeddingLoad {
        state.withLock { state in
            var load = state.load
            load.waiting = state.waiting.values.reduce(0, +)
            return load
        }
    }

    // MARK: - For those who want vectors

    /// Waits until all inputs have their vectors, or one of them failed.
    ///
    /// - Parameter serve: Starts so many servers, at least one: each calls `takeBatch` until it gets none, or ends by
    ///   `endServer`.
    /// - Throws: What the embedder says of one of the inputs. `CancellationError` as soon as the task is cancelled; then
    ///   no more of its texts are taken, and of those that were nothing is kept.
    package func embed(
        _ inputs: [EmbeddingInput], as role: EmbeddingRole, priority: Workers.Priority, serve: (Int) -> Void
    ) async throws -> Embeddings {
        try Task.checkCancellation()
        guard !inputs.isEmpty else { return Embeddings(vectors: [], tokenCounts: []) }
        let id = state.withLock { state in
            state.lastRequest += 1
            return state.lastRequest
        }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let more = add(id, Request(inputs, role, priority, continuation))
                if more > 0 { serve(more) }
                // A cancellation that came before found nothing to end.
                if Task.isCancelled { end(id, throwing: CancellationError()) }
            }
        } onCancel: {
            end(id, throwing: CancellationError())
        }
    }

    /// Returns how many servers are to start.
    private func add(_ id: Int, _ request: Request) -> Int {
        state.withLock { state in
            let (count, priority) = (request.inputs.count, request.priority)
            state.requests[id] = request
            state.turns[priority, default: []].append(id)
            state.waiting[priority, default: 0] += count
            let servers = state.servers[priority, default: 0]
            let patience = priority == .urgent ? patience : 0
            guard state.waiting[priority, default: 0] > patience * servers else { return 0 }
            let each = servers == 0 ? 1 : max(1, patience)
            let more = min(width - servers, (count + each - 1) / each)
            state.servers[priority, default: 0] += more
            return more
        }
    }

    // MARK: - For servers

    /// Gives a server the texts whose turn it is, one after the other, until it wants no more or none are left.
    ///
    /// - Parameter take: Takes a text, and says whether there is room for another.
    /// - Returns: False where none of this priority waited. The server that asked must end.
    package func takeBatch(_ priority: Workers.Priority, _ take: (Item) -> Bool) -> Bool {
        let first = state.withLock { state in
            let item = state.next(priority)
            // In the same breath, so that whoever comes next starts another.
            if item == nil { state.servers[priority, default: 0] -= 1 }
            return item
        }
        guard var item = first else { return false }
        while take(item), let next = state.withLock({ $0.next(priority) }) { item = next }
        return true
    }

    /// As `takeBatch`, but of each priority one server at a time: it takes all it can before the next begins, so that
    /// batches are few. Those of the other priority do not wait for it.
    ///
    /// - Parameter take: As for `takeBatch`. Quick, since a thread may wait for it.
    package func takeFullBatch(_ priority: Workers.Priority, _ take: (Item) -> Bool) -> Bool {
        switch priority {
        case .urgent: fillingUrgent.withLock { _ in takeBatch(priority, take) }
        case .background: fillingBackground.withLock { _ in takeBatch(priority, take) }
        }
    }

    /// Lets a server end if none of this priority wait. False where some do: then it must go on.
    package func endServer(_ priority: Workers.Priority) -> Bool {
        state.withLock { state in
            guard state.waiting[priority, default: 0] == 0 else { return false }
            state.servers[priority, default: 0] -= 1
            return true
        }
    }

    /// Whether anybody still waits for the vector of a text that was taken.
    package func isWanted(_ item: Item) -> Bool {
        state.withLock { $0.requests[item.request] != nil }
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
            if let request { state.waiting[request.priority, default: 0] -= request.inputs.count - request.taken }
            return request
        }
        request?.continuation.resume(throwing: error)
    }
}
