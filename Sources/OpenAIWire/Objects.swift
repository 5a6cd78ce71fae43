package import FoundationEssentials
package import Knowledge

// OpenAI's objects as JSON. One function a type, all called `wire`, so that a route reads `wire(file)`.

package func wire(_ time: Date) -> JSONValue { .integer(Int(time.timeIntervalSince1970)) }

package func wire(_ file: StoredFile) -> JSONValue {
    var object: [String: JSONValue] = [
        "id": .string(file.id.rawValue), "object": "file", "bytes": .integer(file.bytes),
        "created_at": wire(file.createdAt), "filename": .string(file.name), "purpose": .string(file.purpose),
        "status": "processed",
    ]
    object["expires_at"] = file.expiresAt.map(wire)
    return .object(object)
}

package func wire(_ base: KnowledgeBase) -> JSONValue {
    [
        "id": .string(base.id.rawValue), "object": "vector_store", "created_at": wire(base.createdAt),
        "name": .string(base.name), "description": .string(base.summary),
        "status": base.counts.inProgress > 0 ? "in_progress" : "completed",
        "usage_bytes": .integer(base.usageBytes), "last_active_at": wire(base.lastActiveAt),
        "metadata": .object(base.metadata.mapValues(JSONValue.string)), "file_counts": wire(base.counts),
        "embedding_model": .string(base.embedding.name), "search_settings": wire(base.search),
        "chunking_strategy": wire(base.chunking), "reindexing": base.reindexing.map(wire) ?? .null,
        "former_index": base.former.map(wire) ?? .null,
        "expires_after": base.expiryDays.map { ["anchor": "last_active_at", "days": .integer($0)] } ?? .null,
        "expires_at": base.expiresAt.map(wire) ?? .null,
    ]
}

/// A change of model or chunking that is under way, or has failed.
package func wire(_ reindexing: Reindexing) -> JSONValue {
    let job = reindexing.job
    return [
        "job_id": .string(job.id.rawValue), "status": .string(job.status.rawValue), "progress": wire(job.progress),
        "embedding_model": .string(reindexing.settings.embedding.name),
        "chunking_strategy": wire(reindexing.settings.chunking), "message": job.message.map(JSONValue.string) ?? .null,
    ]
}

package func wire(_ former: FormerIndex) -> JSONValue {
    [
        "embedding_model": .string(former.settings.embedding.name),
        "chunking_strategy": wire(former.settings.chunking), "kept_until": wire(former.keptUntil),
    ]
}

/// Our own part of a vector store.
package func wire(_ settings: SearchSettings) -> JSONValue {
    [
        "embedding_weight": settings.embeddingWeight.map(JSONValue.number) ?? .null,
        "minimum_score": settings.minimumScore.map(JSONValue.number) ?? .null,
    ]
}

package func wire(_ counts: DocumentCounts) -> JSONValue {
    [
        "in_progress": .integer(counts.inProgress), "completed": .integer(counts.completed),
        "failed": .integer(counts.failed), "cancelled": .integer(counts.cancelled), "total": .integer(counts.total),
    ]
}

/// `in_progress` until nothing of it waits or runs any more; `failed` only where nothing came of any file.
package func wire(_ batch: FileBatch) -> JSONValue {
    let counts = batch.counts
    let status =
        if counts.inProgress > 0 {
            "in_progress"
        } else if batch.isCancelled {
            "cancelled"
        } else {
            counts.total > 0 && counts.failed == counts.total ? "failed" : "completed"
        }
    return [
        "id": .string(batch.id.rawValue), "object": "vector_store.files_batch", "created_at": wire(batch.createdAt),
        "vector_store_id": .string(batch.knowledgeBase.rawValue), "status": .string(status),
        "file_counts": wire(counts),
    ]
}

/// A vector store file: its id is the file's, as OpenAI has it; `document_id` is our own.
package func wire(_ document: Document) -> JSONValue {
    var object: [String: JSONValue] = [
        "id": .string(document.file.rawValue), "object": "vector_store.file",
        "created_at": wire(document.createdAt), "vector_store_id": .string(document.knowledgeBase.rawValue),
        "status": .string(document.status.name), "usage_bytes": .integer(document.usageBytes),
        "attributes": .object(document.attributes), "chunking_strategy": wire(document.chunking),
        "document_id": .string(document.id.rawValue), "filename": .string(document.filename),
        "chunk_count": .integer(document.chunkCount), "last_error": .null,
    ]
    if case .failed(let failure) = document.status { object["last_error"] = wire(failure) }
    return .object(object)
}

package func wire(_ failure: DocumentFailure) -> JSONValue {
    ["code": .string(failure.reason.openAICode), "message": .string(failure.message), "reason": .string(failure.reason.rawValue)]
}

/// `structured` has no name in OpenAI's schema, which allows `other` for that.
package func wire(_ chunking: Chunking) -> JSONValue {
    switch chunking {
    case .structured:
        ["type": "other", "other": ["name": "structured"]]
    case .fixed(let maxTokens, let overlapTokens):
        [
            "type": "static",
            "static": [
                "max_chunk_size_tokens": .integer(maxTokens), "chunk_overlap_tokens": .integer(overlapTokens),
            ],
        ]
    }
}

package func wire(_ card: ModelCard) -> JSONValue {
    [
        "id": .string(card.id), "object": "model", "created": wire(card.createdAt), "owned_by": .string(card.ownedBy),
        "status": card.isAvailable ? "available" : "unavailable",
        "meta_data": [
            "max_sequence_length": .integer(card.maxSequenceLength), "hidden_size": .integer(card.hiddenSize),
            "max_output_length": .integer(card.maxOutputLength),
        ],
    ]
}

package func wire(_ usage: TokenUsage) -> JSONValue {
    let counts: [String: JSONValue] = [
        "prompt_tokens": .integer(usage.prompt), "completion_tokens": .integer(usage.completion),
        "total_tokens": .integer(usage.total),
    ]
    return .object(counts.merging(usage.details) { own, _ in own })
}

/// A list page: `first_id` and `last_id` are what a client sends as `before` and `after`.
package func wire<Element>(_ listing: Listing<Element>, _ object: (Element) -> JSONValue) -> JSONValue {
    let data = listing.elements.map(object)
    return [
        "object": "list", "data": .array(data), "has_more": .bool(listing.hasMore),
        "first_id": data.first?["id"] ?? .null, "last_id": data.last?["id"] ?? .null,
    ]
}

/// The answer to a delete.
package func wireDeleted(_ id: String, object: String) -> JSONValue {
    ["id": .string(id), "object": .string(object), "deleted": true]
}

extension DocumentStatus {
    /// OpenAI's name.
    package var name: String {
        switch self {
        case .inProgress: "in_progress"
        case .completed: "completed"
        case .failed: "failed"
        case .cancelled: "cancelled"
        }
    }
}

extension DocumentFailure.Reason {
    /// OpenAI knows three codes.
    var openAICode: String {
        switch self {
        case .unsupportedType: "unsupported_file"
        case .empty, .noTextLayer, .encrypted, .unreadable, .tooLarge, .timedOut: "invalid_file"
        case .embeddingFailed, .readerCrashed, .internalError: "server_error"
        }
    }
}
