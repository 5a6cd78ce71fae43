import Testing

@testable import Knowledge
@testable import Service

@Suite("Choosing knowledge")
struct ResolveKnowledgeTests {
    private let world = World()
    private let a, b, own: KnowledgeBaseID
    private let keeper: ExpertID

    init() {
        a = world.base("vs_a")
        b = world.base("vs_b")
        let own = world.base("vs_own")
        self.own = own
        keeper = world.expert("expert_keeper") { settings in
            settings.knowledgeBases = [own]
            settings.model = "theirs"
            settings.temperature = 0.2
            settings.onEmpty = .refuse
        }
    }

    private func resolve(
        model: String? = "asked", _ choice: KnowledgeChoice = KnowledgeChoice(), _ parameters: [String: JSONValue] = [:]
    ) async throws -> ResolvedKnowledge {
        let question = Question(model: model, turns: [], knowledge: choice, parameters: parameters)
        return try await ResolveKnowledge(experts: world, bases: world, defaultModel: "standard")(
            question, in: World.scope)
    }

    @Test("takes exactly the request's list, each once, in its order")
    func request() async throws {
        let resolved = try await resolve(KnowledgeChoice(expert: keeper, knowledgeBases: [b, a, b]))
        #expect(resolved.bases.map(\.id) == [b, a])
        #expect(resolved.source == .request)
    }

    @Test("searches nothing for an empty list, even with an expert")
    func emptyList() async throws {
        let resolved = try await resolve(KnowledgeChoice(expert: keeper, knowledgeBases: []))
        #expect(resolved.bases.isEmpty)
        #expect(resolved.source == .none)
        #expect(resolved.status == "none")
    }

    @Test("falls back to the expert's list, and without an expert to none")
    func absent() async throws {
        #expect(try await resolve(KnowledgeChoice(expert: keeper)).bases.map(\.id) == [own])
        #expect(try await resolve(KnowledgeChoice(expert: keeper)).source == .expert)
        #expect(try await resolve().bases.isEmpty)
    }

    @Test("joins both lists in merge mode, and hears the expert alone in expert mode")
    func modes() async throws {
        let merged = try await resolve(KnowledgeChoice(expert: keeper, knowledgeBases: [a, own], mode: .merge))
        #expect(merged.bases.map(\.id) == [a, own])
        #expect(merged.source == .merge)
        let alone = try await resolve(
            KnowledgeChoice(expert: keeper, knowledgeBases: [a], mode: .expert), ["temperature": 1])
        #expect(alone.bases.map(\.id) == [own])
        #expect(alone.model == "theirs")
        #expect(alone.parameters["temperature"] == 0.2)
        await #expect(throws: RequestError.missing(parameter: "alan.expert_id")) {
            try await resolve(KnowledgeChoice(mode: .expert))
        }
    }

    @Test("prefers the request's scalars to the expert's, and those to the server's")
    func scalars() async throws {
        let asked = try await resolve(KnowledgeChoice(expert: keeper), ["temperature": 1])
        #expect(asked.model == "asked")
        #expect(asked.parameters["temperature"] == 1)
        let silent = try await resolve(model: nil, KnowledgeChoice(expert: keeper))
        #expect(silent.model == "theirs")
        #expect(silent.parameters["temperature"] == 0.2)
        #expect(silent.onEmpty == .refuse)
        #expect(try await resolve(model: nil).model == "standard")
    }

    @Test("reads expert/<id> and kb/<id> as models")
    func names() async throws {
        let expert = try await resolve(model: "expert/expert_keeper")
        #expect(expert.bases.map(\.id) == [own])
        #expect(expert.model == "theirs")
        let base = try await resolve(model: "kb/vs_a")
        #expect(base.bases.map(\.id) == [a])
        #expect(base.model == "standard")
    }

    @Test("never answers from less than was asked for")
    func unknown() async throws {
        let missing = KnowledgeBaseID(rawValue: "vs_none")
        await #expect(
            throws: RequestError.notFound(
                "knowledge base", id: "vs_none", parameter: "alan.knowledgebase_ids[1]")
        ) { try await resolve(KnowledgeChoice(knowledgeBases: [a, missing])) }
        await #expect(
            throws: RequestError.notFound("expert", id: "expert_none", parameter: "alan.expert_id")
        ) { try await resolve(KnowledgeChoice(expert: ExpertID(rawValue: "expert_none"))) }
        await #expect(throws: RequestError.unknownModel("kb/vs_none")) { try await resolve(model: "kb/vs_none") }
        await #expect(throws: RequestError.unknownModel("expert/x")) { try await resolve(model: "expert/x") }
        try await world.remove(own, in: World.scope)
        await #expect(
            throws: RequestError.notFound("knowledge base", id: "vs_own", parameter: "alan.expert_id")
        ) { try await resolve(KnowledgeChoice(expert: keeper)) }
    }

    @Test("says when an answer comes from what is ready so far")
    func indexing() async throws {
        let busy = world.base("vs_busy", counts: DocumentCounts(inProgress: 1, completed: 3))
        let empty = world.base("vs_empty", counts: DocumentCounts())
        #expect(try await resolve(KnowledgeChoice(knowledgeBases: [a, busy])).status == "indexing")
        #expect(try await resolve(KnowledgeChoice(knowledgeBases: [a])).status == "ready")
        #expect(try await resolve(KnowledgeChoice(knowledgeBases: [empty])).status == "empty")
    }
}
