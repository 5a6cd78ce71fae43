import Knowledge

/// A `file_search` tool.
struct FileSearch {
    var path: String
    var bases: [KnowledgeBaseID]
    var filter: AttributeFilter?
    var ranking: Ranking
    var limit: Int?

    init(_ tool: Fields) throws {
        path = tool.path
        let most = KnowledgeChoice.maxKnowledgeBases
        guard let ids = try tool.strings("vector_store_ids", maxCount: most, maxLength: 128) else {
            throw tool.missing("vector_store_ids")
        }
        guard !ids.isEmpty else { throw tool.invalid("vector_store_ids", "must name at least one vector store") }
        bases = ids.map(KnowledgeBaseID.init)
        limit = try tool.integer("max_num_results", in: 1...50)
        filter = try tool.object("filters").map { fields in
            var conditions = 0
            return try AttributeFilter(fields, conditions: &conditions)
        }
        ranking = try Ranking(tool.object("ranking_options") ?? Fields([:]))
        // As in every answer: each thing is said once.
        ranking.collapsesDuplicates = true
    }
}

/// `tools` and `tool_choice` of a response: what this server does itself, and what goes to the model.
struct ResponseTools {
    private(set) var search: FileSearch?
    /// Whether the choice lets the server search.
    private(set) var maySearch = true
    /// `tools` and `tool_choice` as chat completions call them; empty where there is no function.
    private(set) var parameters: [String: JSONValue] = [:]

    init(_ body: Fields) throws {
        var functions: [JSONValue] = []
        for tool in try body.objects("tools", maxCount: 128) ?? [] {
            switch try tool.requiredString("type", maxLength: 64) {
            case "file_search":
                guard search == nil else {
                    throw RequestError.invalid(parameter: tool.path, message: "must be the only file_search tool")
                }
                search = try FileSearch(tool)
            case "function": functions.append(try Self.function(tool))
            default: throw tool.invalid("type", "must be one of: file_search, function")
            }
        }
        let choice = try Self.choice(body)
        if choice == "none" { maySearch = false }
        guard !functions.isEmpty else {
            guard choice?.object == nil else {
                throw body.invalid("tool_choice", "names a function that 'tools' lacks")
            }
            return
        }
        parameters = ["tools": .array(functions)]
        parameters["tool_choice"] = choice
    }

    /// A function without the level that chat completions put around it.
    private static func function(_ tool: Fields) throws -> JSONValue {
        var function: [String: JSONValue] = ["name": .string(try tool.requiredString("name", maxLength: 128))]
        function["description"] = try tool.string("description").map(JSONValue.string)
        function["parameters"] = try tool.object("parameters").map { .object($0.values) }
        function["strict"] = try tool.bool("strict").map(JSONValue.bool)
        return ["type": "function", "function": .object(function)]
    }

    /// nil where it says nothing to the model: absent, or the search, which takes place in any case.
    private static func choice(_ body: Fields) throws -> JSONValue? {
        switch body["tool_choice"] {
        case nil: return nil
        case .string(let word)?:
            guard ["none", "auto", "required"].contains(word) else {
                throw body.invalid("tool_choice", "must be one of: none, auto, required, or an object")
            }
            return .string(word)
        case .object?:
            guard let choice = try body.object("tool_choice") else { return nil }
            switch try choice.requiredString("type", maxLength: 64) {
            case "file_search": return nil
            case "function":
                return [
                    "type": "function",
                    "function": ["name": .string(try choice.requiredString("name", maxLength: 128))],
                ]
            default: throw choice.invalid("type", "must be one of: file_search, function")
            }
        default: throw body.wrongType("tool_choice", "a string or an object")
        }
    }
}
