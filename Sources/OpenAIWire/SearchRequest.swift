package import Knowledge

/// A `POST /vector_stores/{id}/search` body.
package struct SearchRequest: Sendable {
    package var search: PassageSearch
    /// Whether each hit says how it was found.
    package var explain: Bool
    /// A file whose place in the search, or absence from it, is asked for.
    package var explainedFile: FileID?

    package init(_ body: Fields) throws {
        let queries =
            switch body["query"] {
            case nil: throw body.missing("query")
            case .string(let query)?: [query]
            case .array?: try body.strings("query", maxCount: 16) ?? []
            default: throw body.wrongType("query", "a string or an array of strings")
            }
        guard queries.contains(where: { !$0.allSatisfy(\.isWhitespace) }) else {
            throw body.invalid("query", "must not be empty")
        }
        search = PassageSearch(
            queries: queries.filter { !$0.allSatisfy(\.isWhitespace) }.map { SearchQuery($0) },
            filter: try body.object("filters").map { fields in
                var conditions = 0
                return try AttributeFilter(fields, conditions: &conditions)
            },
            files: try body.strings("file_ids", maxCount: 1_000, maxLength: 128)?.map(FileID.init),
            ranking: try Ranking(body.object("ranking_options") ?? Fields([:])),
            limit: try body.integer("max_num_results", in: 1...50) ?? 10)
        explain = try body.bool("explain") ?? false
        explainedFile = try body.string("explain_file_id", maxLength: 128).map(FileID.init)
    }
}

extension SearchSettings {
    /// Reads `search_settings` over these: fields that are absent stay as they are, `null` unsets.
    package mutating func apply(_ body: Fields) throws {
        if body.values["embedding_weight"] == .null { embeddingWeight = nil }
        if body.values["minimum_score"] == .null { minimumScore = nil }
        embeddingWeight = try body.number("embedding_weight", in: 0...1) ?? embeddingWeight
        minimumScore = try body.number("minimum_score", in: 0...1) ?? minimumScore
    }
}

/// `none` is OpenAI's name for no reranking; its own ranker means the server's default.
private enum Ranker: String, CaseIterable {
    case none, auto
    case standard = "default-2024-11-15"
}

extension Ranking {
    /// Reads OpenAI's `ranking_options`, and our own further ones.
    init(_ options: Fields) throws {
        self.init()
        mode = try options.choice("mode") ?? mode
        isExact = try options.bool("exact") ?? isExact
        fusion = try options.choice("fusion") ?? fusion
        minimumScore = try options.number("score_threshold", in: 0...1) ?? minimumScore
        perDocument = try options.integer("max_per_document", in: 1...50)
        collapsesDuplicates = try options.bool("collapse_duplicates") ?? collapsesDuplicates
        if let ranker = try options.choice("ranker", of: Ranker.self) { reranks = ranker != .none }
        // What the search would decide if the knowledge base had no weights of its own.
        if options["hybrid_search"]?.string == "auto" {
            usesStoredWeights = false
            return
        }
        guard let hybrid = try options.object("hybrid_search") else { return }
        guard let embedding = try hybrid.number("embedding_weight", in: 0...1_000) else {
            throw hybrid.missing("embedding_weight")
        }
        guard let text = try hybrid.number("text_weight", in: 0...1_000) else { throw hybrid.missing("text_weight") }
        guard embedding + text > 0 else {
            throw hybrid.invalid("embedding_weight", "must not be 0 together with text_weight")
        }
        weights = Weights(embedding: embedding, text: text)
    }
}

extension AttributeFilter {
    /// Deepest nesting of `and` and `or`, and most conditions in all: each is asked of every document.
    private static let maxDepth = 8
    private static let maxConditions = 128

    /// Reads OpenAI's comparison and compound filters.
    init(_ body: Fields, depth: Int = 0, conditions: inout Int) throws {
        conditions += 1
        guard conditions <= Self.maxConditions else {
            throw body.invalid("filters", "must hold at most \(Self.maxConditions) conditions in all")
        }
        let type = try body.requiredString("type")
        switch type {
        case "and", "or":
            guard depth < Self.maxDepth else { throw body.invalid("filters", "must not be nested deeper than 8") }
            guard let filters = try body.objects("filters", maxCount: Self.maxConditions) else {
                throw body.missing("filters")
            }
            let parts = try filters.map { try AttributeFilter($0, depth: depth + 1, conditions: &conditions) }
            self = type == "and" ? .all(parts) : .any(parts)
        default:
            guard let comparison: Comparison = try body.choice("type") else { throw body.missing("type") }
            guard let value = body["value"] else { throw body.missing("value") }
            let needsList = comparison == .oneOf || comparison == .noneOf
            guard (value.array != nil) == needsList, value.object == nil else {
                throw body.wrongType("value", needsList ? "an array" : "a string, number or boolean")
            }
            self = .compare(try body.requiredString("key", maxLength: 64), comparison, value)
        }
    }
}

/// A page of search results in OpenAI's shape, with our place of each hit beside it.
package func wire(_ passages: [Passage], queries: [String], explain: Bool = false) -> JSONValue {
    let data = passages.map { passage -> JSONValue in
        var hit: [String: JSONValue] = [
            "file_id": .string(passage.file.rawValue), "filename": .string(passage.filename),
            "score": .number(passage.score), "attributes": .object(passage.attributes),
            "content": [["type": "text", "text": .string(passage.text)]],
            "document_id": .string(passage.document.rawValue), "title": passage.title.map(JSONValue.string) ?? .null,
            "heading_path": .array(passage.headingPath.map(JSONValue.string)),
            "start": .integer(passage.characters.lowerBound), "end": .integer(passage.characters.upperBound),
            "page": passage.page.map(JSONValue.integer) ?? .null,
            "locator": passage.locator.map(JSONValue.string) ?? .null,
        ]
        if explain { hit["explain"] = wire(passage.evidence, score: passage.score) }
        return .object(hit)
    }
    return [
        "object": "vector_store.search_results.page", "search_query": .array(queries.map(JSONValue.string)),
        "data": .array(data), "has_more": false, "next_page": .null,
    ]
}

/// What each stage of a search says of a hit; null where a stage did not see it.
package func wire(_ evidence: Evidence, score: Double) -> JSONValue {
    func number(_ value: Double?) -> JSONValue { value.map(JSONValue.number) ?? .null }
    func rank(_ value: Int?) -> JSONValue { value.map(JSONValue.integer) ?? .null }
    return [
        "query": .integer(evidence.query),
        "dense": [
            "rank": rank(evidence.denseRank), "similarity": number(evidence.similarity),
            "index": evidence.denseSearch.map(wire) ?? .null,
        ],
        "keyword": [
            "rank": rank(evidence.keywordRank), "bm25": number(evidence.keywordScore),
            "coverage": number(evidence.coverage),
        ],
        "rerank": ["relevance": number(evidence.relevance)],
        "score": .number(score),
    ]
}

private func wire(_ report: SearchReport) -> JSONValue {
    [
        "plan": .string(report.plan.rawValue), "exact": .bool(report.isExact), "kernel": .string(report.kernel),
        "scanned": .integer(report.scanned), "refined": .integer(report.refined),
        "rescored": .integer(report.rescored), "bytes": .integer(report.bytes),
    ]
}

/// Attributes of a document: up to 16 pairs, keys of 64 characters, values strings of 512, numbers or booleans.
package func attributes(_ body: Fields, _ key: String = "attributes") throws -> [String: JSONValue]? {
    guard let object = try body.object(key) else { return nil }
    guard object.values.count <= 16 else { throw body.invalid(key, "must have at most 16 pairs") }
    for (name, value) in object.values {
        guard name.count <= 64 else { throw body.invalid(key, "must have keys of at most 64 characters") }
        switch value {
        case .string(let text) where text.count > 512:
            throw object.invalid(name, "must be at most 512 characters long")
        case .string, .integer, .number, .bool: break
        default: throw object.wrongType(name, "a string, number or boolean")
        }
    }
    return object.values
}

/// `metadata`: up to 16 pairs of strings.
package func metadata(_ body: Fields) throws -> [String: String]? {
    guard let pairs = try attributes(body, "metadata") else { return nil }
    return try Dictionary(
        uniqueKeysWithValues: pairs.map { name, value in
            guard let text = value.string else {
                throw RequestError.wrongType(parameter: body.path(of: "metadata") + ".\(name)", expected: "a string")
            }
            return (name, text)
        })
}

/// `chunking_strategy`: nil for `auto` and where absent.
package func chunking(_ body: Fields) throws -> Chunking? {
    guard let strategy = try body.object("chunking_strategy") else { return nil }
    switch try strategy.requiredString("type") {
    case "auto", "other": return nil
    case "static":
        guard let fixed = try strategy.object("static") else { throw strategy.missing("static") }
        guard let size = try fixed.integer("max_chunk_size_tokens", in: 100...4_096) else {
            throw fixed.missing("max_chunk_size_tokens")
        }
        let overlap = try fixed.integer("chunk_overlap_tokens", in: 0...4_096) ?? 0
        guard overlap <= size / 2 else {
            throw fixed.invalid("chunk_overlap_tokens", "must be at most half of max_chunk_size_tokens")
        }
        return .fixed(maxTokens: size, overlapTokens: overlap)
    default: throw strategy.invalid("type", "must be one of: auto, static")
    }
}
