package import Knowledge

/// What a request's `alan` object, model name and expert come to.
package struct ResolvedKnowledge: Sendable {
    /// Where the list of knowledge bases came from.
    package enum Source: String, Sendable { case request, expert, merge, none }

    package var expert: Expert?
    package var bases: [KnowledgeBase]
    package var source: Source
    /// The language model to ask, as the catalog knows it.
    package var model: String
    package var parameters: [String: JSONValue]
    package var onEmpty: OnEmpty

    /// `indexing` where an answer comes from what is ready so far.
    package var status: String {
        if bases.isEmpty { return "none" }
        if bases.contains(where: { $0.counts.inProgress > 0 }) { return "indexing" }
        return bases.contains(where: { $0.counts.completed > 0 }) ? "ready" : "empty"
    }
}

/// Decides which expert, knowledge bases and model answer a question.
///
/// The rules: a non-empty list in the request is exactly what is searched; `[]` turns retrieval off; without a list the
/// expert's own is used, and without an expert none. `merge` is the union, `expert` the expert's settings alone. An id
/// that this scope may not see fails the whole request: an answer is never made from less than was asked for.
package struct ResolveKnowledge: Sendable {
    let experts: any ExpertStore
    let bases: any KnowledgeBaseStore
    let defaultModel: String

    package init(experts: any ExpertStore, bases: any KnowledgeBaseStore, defaultModel: String) {
        self.experts = experts
        self.bases = bases
        self.defaultModel = defaultModel
    }

    package func callAsFunction(_ question: Question, in scope: Scope) async throws -> ResolvedKnowledge {
        let (choice, model) = try Self.unfold(question)
        let expert = try await expert(choice, question, in: scope)
        let (ids, source) = Self.list(choice, expert)
        let settings = expert?.settings ?? Expert.Settings()
        let expertRules = choice.mode == .expert
        return ResolvedKnowledge(
            expert: expert,
            bases: try await find(ids, choice, question, in: scope),
            source: source,
            model: (expertRules ? settings.model ?? model : model ?? settings.model) ?? defaultModel,
            parameters: Self.parameters(question.parameters, settings, expertRules: expertRules),
            onEmpty: expertRules ? settings.onEmpty : choice.onEmpty ?? settings.onEmpty
        )
    }

    /// Takes `expert/<id>` and `kb/<id>` apart: they say the same as `alan`, for clients that cannot send it.
    private static func unfold(_ question: Question) throws -> (KnowledgeChoice, model: String?) {
        var choice = question.knowledge
        guard let model = question.model, !model.isEmpty else { return (choice, nil) }
        if model.hasPrefix("expert/") {
            let id = ExpertID(rawValue: String(model.dropFirst("expert/".count)))
            guard choice.expert == nil || choice.expert == id else {
                throw RequestError.invalid(parameter: "alan.expert_id", message: "names another expert than the model")
            }
            choice.expert = id
            return (choice, nil)
        }
        if model.hasPrefix("kb/") {
            choice.knowledgeBases =
                choice.knowledgeBases ?? [KnowledgeBaseID(rawValue: String(model.dropFirst("kb/".count)))]
            return (choice, nil)
        }
        return (choice, model)
    }

    private func expert(_ choice: KnowledgeChoice, _ question: Question, in scope: Scope) async throws -> Expert? {
        guard let id = choice.expert else {
            guard choice.mode != .expert else { throw RequestError.missing(parameter: "alan.expert_id") }
            return nil
        }
        do {
            return try await experts.expert(id, in: scope)
        } catch RequestError.notFound {
            if question.knowledge.expert == nil, let model = question.model { throw RequestError.unknownModel(model) }
            throw RequestError.notFound("expert", id: id.rawValue, parameter: "alan.expert_id")
        }
    }

    private static func list(
        _ choice: KnowledgeChoice, _ expert: Expert?
    ) -> ([KnowledgeBaseID], ResolvedKnowledge.Source) {
        let own = expert?.settings.knowledgeBases ?? []
        switch (choice.mode, choice.knowledgeBases) {
        case (.expert, _), (_, nil): return (own.uniqued(), own.isEmpty ? .none : .expert)
        case (_, let asked?) where asked.isEmpty: return ([], .none)
        case (.merge, let asked?): return ((asked + own).uniqued(), own.isEmpty ? .request : .merge)
        case (.replace, let asked?): return (asked.uniqued(), .request)
        }
    }

    private func find(
        _ ids: [KnowledgeBaseID], _ choice: KnowledgeChoice, _ question: Question, in scope: Scope
    ) async throws -> [KnowledgeBase] {
        guard !ids.isEmpty else { return [] }
        let found = try await bases.knowledgeBases(ids, in: scope)
        await bases.putOffExpiry(of: found, in: scope)
        guard let missing = ids.first(where: { id in !found.contains { $0.id == id } }) else { return found }
        if let position = question.knowledge.knowledgeBases?.firstIndex(of: missing) {
            throw RequestError.notFound(
                "knowledge base", id: missing.rawValue, parameter: "alan.knowledgebase_ids[\(position)]")
        }
        if let model = question.model, model == "kb/\(missing.rawValue)" { throw RequestError.unknownModel(model) }
        let named = question.knowledge.expert == nil ? "model" : "alan.expert_id"
        throw RequestError.notFound("knowledge base", id: missing.rawValue, parameter: named)
    }

    /// Scalars: request over expert over the model's own default; the other way round where the expert rules alone.
    private static func parameters(
        _ asked: [String: JSONValue], _ settings: Expert.Settings, expertRules: Bool
    ) -> [String: JSONValue] {
        var own: [String: JSONValue] = [:]
        own["temperature"] = settings.temperature.map(JSONValue.number)
        own["top_p"] = settings.topP.map(JSONValue.number)
        return asked.merging(own) { request, expert in expertRules ? expert : request }
    }
}

extension Sequence where Element: Hashable {
    /// Each element once, where it stood first.
    func uniqued() -> [Element] {
        var seen: Set<Element> = []
        return filter { seen.insert($0).inserted }
    }
}
