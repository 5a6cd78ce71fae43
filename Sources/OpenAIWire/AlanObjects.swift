import FoundationEssentials
package import Knowledge

// Alan's own objects: experts, knowledge bases, documents. `resource_id` is Alan's name for `id`.

package func wire(_ expert: Expert) -> JSONValue {
    let settings = expert.settings
    var fields = settings.other
    fields["user_system_prompt"] = .string(settings.instructions)
    fields["model"] = .string(settings.model ?? "")
    fields["temperature"] = settings.temperature.map(JSONValue.number) ?? .null
    fields["top_p"] = settings.topP.map(JSONValue.number) ?? .null
    fields["knowledgebase_ids"] = .array(settings.knowledgeBases.map { .string($0.rawValue) })
    fields["initial_message"] = settings.initialMessage.map(JSONValue.string) ?? .null
    fields["initial_conversation"] = .array(
        settings.initialConversation.map { ["role": .string($0.role), "content": .string($0.content)] })
    fields["suggestions"] = .array(settings.suggestions.map(JSONValue.string))
    fields["icon"] = settings.icon.map(JSONValue.string) ?? .null
    fields["on_empty"] = .string(settings.onEmpty.rawValue)
    return [
        "id": .string(expert.id.rawValue), "resource_id": .string(expert.id.rawValue), "object": "expert",
        "title": .string(expert.title), "description": .string(expert.summary), "created_at": wire(expert.createdAt),
        "settings": .object(fields),
    ]
}

/// A knowledge base on Alan's face.
package func wireKnowledgeBase(_ base: KnowledgeBase) -> JSONValue {
    [
        "id": .string(base.id.rawValue), "resource_id": .string(base.id.rawValue), "object": "knowledgebase",
        "title": .string(base.name), "description": .string(base.summary), "created_at": wire(base.createdAt),
        "status": base.counts.inProgress > 0 ? "indexing" : base.counts.completed > 0 ? "ready" : "empty",
        "document_counts": wire(base.counts), "usage_bytes": .integer(base.usageBytes),
        "embedding_model": .string(base.embedding.name), "chunking_strategy": wire(base.chunking),
        "reindexing": base.reindexing.map(wire) ?? .null, "former_index": base.former.map(wire) ?? .null,
    ]
}

/// A document on Alan's face: its id is its own, the file's beside it.
package func wireDocument(_ document: Document) -> JSONValue {
    var fields: [String: JSONValue] = [
        "id": .string(document.id.rawValue), "resource_id": .string(document.id.rawValue), "object": "document",
        "knowledgebase_id": .string(document.knowledgeBase.rawValue), "file_id": .string(document.file.rawValue),
        "filename": .string(document.filename), "title": document.title.map(JSONValue.string) ?? .null,
        "status": .string(document.status.name), "attributes": .object(document.attributes),
        "chunk_count": .integer(document.chunkCount), "created_at": wire(document.createdAt), "error": .null,
    ]
    if case .failed(let failure) = document.status { fields["error"] = wire(failure) }
    return .object(fields)
}

/// A document with the name that its owner gave it.
package func wire(_ named: NamedDocument) -> JSONValue {
    guard case .object(var fields) = wireDocument(named.document) else { return .null }
    fields["external_id"] = .string(named.name)
    fields["sha256"] = .string(named.sha256)
    return .object(fields)
}

package func wire(_ job: Job) -> JSONValue {
    [
        "id": .string(job.id.rawValue), "object": "job", "kind": .string(job.kind.rawValue),
        "status": .string(job.status.rawValue), "knowledgebase_id": .string(job.knowledgeBase.rawValue),
        "document_id": job.kind == .ingest ? .string(job.document.rawValue) : .null, "attempts": .integer(job.attempts),
        "progress": wire(job.progress), "reason": job.reason.map { .string($0.rawValue) } ?? .null,
        "message": job.message.map(JSONValue.string) ?? .null, "created_at": wire(job.createdAt),
        "updated_at": wire(job.updatedAt),
    ]
}

/// `seconds_left` is for the embedding, which is nearly all of the work.
package func wire(_ progress: JobProgress) -> JSONValue {
    func tenths(_ value: Double) -> JSONValue { .number((value * 10).rounded() / 10) }
    return [
        "stage": .string(progress.stage.rawValue), "pages": progress.pages.map(JSONValue.integer) ?? .null,
        "documents": progress.documents.map { ["total": .integer($0.total), "done": .integer($0.done)] } ?? .null,
        "chunks": [
            "total": .integer(progress.chunks), "done": .integer(progress.done), "reused": .integer(progress.reused),
        ],
        "chunks_per_second": progress.chunksPerSecond.map(tenths) ?? .null,
        "seconds_left": progress.secondsLeft.map(tenths) ?? .null,
    ]
}

/// A key without its secret.
package func wire(_ key: APIKey) -> JSONValue {
    [
        "id": .string(key.id.rawValue), "object": "key", "name": .string(key.name),
        "tenant": .string(key.tenant.rawValue), "role": .string(key.role.rawValue), "hint": .string("…" + key.hint),
        "created_at": wire(key.createdAt), "revoked_at": key.revokedAt.map(wire) ?? .null,
    ]
}

extension Expert.Settings {
    /// Reads Alan's settings object over these settings: fields that are absent stay as they are, `null` unsets.
    package mutating func apply(_ body: Fields) throws {
        let unset = Set(body.values.filter { $0.value == .null }.keys)
        if unset.contains("model") { model = nil }
        if unset.contains("temperature") { temperature = nil }
        if unset.contains("top_p") { topP = nil }
        if unset.contains("initial_message") { initialMessage = nil }
        if unset.contains("icon") { icon = nil }
        for key in unset { other[key] = nil }
        instructions = try body.string("user_system_prompt", maxLength: 65_536) ?? instructions
        if let name = try body.string("model", maxLength: 256) { model = name.isEmpty ? nil : name }
        temperature = try body.number("temperature", in: 0...2) ?? temperature
        topP = try body.number("top_p", in: 0...1) ?? topP
        if let ids = try body.strings("knowledgebase_ids", maxCount: KnowledgeChoice.maxKnowledgeBases, maxLength: 128) {
            knowledgeBases = ids.map(KnowledgeBaseID.init)
        }
        initialMessage = try body.string("initial_message", maxLength: 65_536) ?? initialMessage
        if let turns = try body.objects("initial_conversation", maxCount: 64) {
            initialConversation = try turns.map { turn in
                guard let role: Question.Role = try turn.choice("role") else { throw turn.missing("role") }
                return Expert.Turn(role: role.rawValue, content: try turn.requiredString("content"))
            }
        }
        suggestions = try body.strings("suggestions", maxCount: 64, maxLength: 4_096) ?? suggestions
        icon = try body.string("icon", maxLength: 256) ?? icon
        onEmpty = try body.choice("on_empty") ?? onEmpty
        for (key, value) in body.values where !Self.known.contains(key) && value != .null { other[key] = value }
        guard other.count <= 32 else {
            throw RequestError.invalid(parameter: body.path, message: "must have at most 32 further fields")
        }
    }

    private static let known: Set<String> = [
        "user_system_prompt", "model", "temperature", "top_p", "knowledgebase_ids", "initial_message",
        "initial_conversation", "suggestions", "icon", "on_empty",
    ]
}
