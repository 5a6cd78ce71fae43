package import FoundationEssentials
package import Knowledge

/// A `POST /batches` body.
package struct BatchRequest: Sendable {
    package var input: FileID
    package var endpoint: RequestBatch.Endpoint
    package var metadata: [String: String]
    /// How long the files that the batch writes are kept, in seconds; nil: for good.
    package var outputLifetime: TimeInterval?

    package init(_ body: Fields) throws {
        input = FileID(rawValue: try body.requiredString("input_file_id", maxLength: 128))
        guard let endpoint: RequestBatch.Endpoint = try body.choice("endpoint") else { throw body.missing("endpoint") }
        self.endpoint = endpoint
        guard try body.requiredString("completion_window", maxLength: 16) == "24h" else {
            throw body.invalid("completion_window", "must be '24h'")
        }
        metadata = try OpenAIWire.metadata(body) ?? [:]
        outputLifetime = try fileLifetime(body, "output_expires_after")
    }
}

package func wire(_ batch: RequestBatch) -> JSONValue {
    func time(_ status: RequestBatch.Status) -> JSONValue { batch.reachedAt[status].map(wire) ?? .null }
    return [
        "id": .string(batch.id.rawValue), "object": "batch", "endpoint": .string(batch.endpoint.rawValue),
        "status": .string(batch.status.rawValue), "input_file_id": .string(batch.inputFile.rawValue),
        "completion_window": "24h", "metadata": .object(batch.metadata.mapValues(JSONValue.string)),
        "output_file_id": batch.outputFile.map { .string($0.rawValue) } ?? .null,
        "error_file_id": batch.errorFile.map { .string($0.rawValue) } ?? .null,
        "errors": batch.problems.isEmpty
            ? .null : ["object": "list", "data": .array(batch.problems.map(wire))],
        "request_counts": [
            "total": .integer(batch.counts.total), "completed": .integer(batch.counts.completed),
            "failed": .integer(batch.counts.failed),
        ],
        "usage": [
            "input_tokens": .integer(batch.usage.prompt), "input_tokens_details": ["cached_tokens": 0],
            "output_tokens": .integer(batch.usage.completion), "output_tokens_details": ["reasoning_tokens": 0],
            "total_tokens": .integer(batch.usage.total),
        ],
        "created_at": wire(batch.createdAt), "expires_at": wire(batch.expiresAt), "in_progress_at": time(.inProgress),
        "finalizing_at": time(.finalizing), "completed_at": time(.completed), "failed_at": time(.failed),
        "expired_at": time(.expired), "cancelling_at": time(.cancelling), "cancelled_at": time(.cancelled),
    ]
}

package func wire(_ problem: RequestBatch.Problem) -> JSONValue {
    [
        "code": .string(problem.code), "message": .string(problem.message),
        "param": problem.parameter.map(JSONValue.string) ?? .null, "line": problem.line.map(JSONValue.integer) ?? .null,
    ]
}
