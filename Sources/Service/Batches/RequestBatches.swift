package import FoundationEssentials
package import Knowledge

/// Where people hand in batches of requests, look after them, and stop them.
package struct RequestBatches: Sendable {
    /// OpenAI's limit.
    package static let maxInputBytes = 200_000_000

    let store: any RequestBatchStore
    let files: any FileStore
    let running: RunningBatches
    let wakeUp: WakeUp

    package init(store: any RequestBatchStore, files: any FileStore, running: RunningBatches, wakeUp: WakeUp) {
        self.store = store
        self.files = files
        self.running = running
        self.wakeUp = wakeUp
    }

    package func create(
        _ endpoint: RequestBatch.Endpoint, input: FileID, metadata: [String: String],
        outputLifetime: TimeInterval? = nil, in scope: Scope
    ) async throws -> RequestBatch {
        let parameter = "input_file_id"
        do {
            let file = try await files.file(input, in: scope)
            guard file.purpose == "batch" else {
                throw RequestError.invalid(parameter: parameter, message: "must be a file with the purpose 'batch'")
            }
            guard file.bytes <= Self.maxInputBytes else {
                throw RequestError.invalid(
                    parameter: parameter, message: "must be a file of at most \(Self.maxInputBytes) bytes")
            }
            let batch = RequestBatch(
                tenant: scope.tenant, key: scope.key, endpoint: endpoint, inputFile: input, metadata: metadata,
                createdAt: Date(), outputLifetime: outputLifetime)
            try await store.add(batch, in: scope)
            wakeUp()
            return try await store.requestBatch(batch.id, in: scope)
        } catch RequestError.notFound("file", let id, nil) {
            throw RequestError.notFound("file", id: id, parameter: parameter)
        }
    }

    package func batch(_ id: RequestBatchID, in scope: Scope) async throws -> RequestBatch {
        try await store.requestBatch(id, in: scope)
    }

    package func batches(page: Page, in scope: Scope) async throws -> Listing<RequestBatch> {
        try await store.requestBatches(page: page, in: scope)
    }

    /// What is under way is given up at once; the batch ends as soon as its files are written.
    package func cancel(_ id: RequestBatchID, in scope: Scope) async throws -> RequestBatch {
        let batch = try await store.cancelRequestBatch(id, in: scope)
        running.stop(id)
        wakeUp()
        return batch
    }
}
