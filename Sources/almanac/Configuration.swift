import Foundation
import Knowledge
import OpenAIWire
import Providers
import Service
import Yams

/// Everything that can be set, checked once at the start.
///
/// Flags count before `ALMANAC_*` variables, those before `almanac.yaml`, that before the values here.
struct Configuration: Sendable {
    var dataDirectory = "almanac-data"
    var host = "127.0.0.1"
    var port = 8080
    var modelsDirectory = NSHomeDirectory() + "/.cache/almanac/models"
    var embeddingModel = "all-MiniLM-L6-v2"
    var embedding = EmbeddingSettings()
    var defaultModel = ExtractiveModel.name
    /// Threads that search, and that embed unless `embedding` says otherwise.
    var threads = ProcessInfo.processInfo.activeProcessorCount
    var prefixes: [String] = []
    /// Origins whose pages may use the API from a browser; `*` for all.
    var corsOrigins: [String] = []
    var tls: TLSFiles?
    /// How much each key may ask of the models in a minute; nil: as much as it likes.
    var rateLimits: RateLimits?
    /// Whether streams end with `[DONE]`, which text-generation-webui's own examples do not expect.
    var endsStreamsWithDone = true
    var uploadLimitBytes = 512 << 20
    /// What the vector index may hold in memory beside what it searches just now.
    var indexMemoryBytes = 4 << 30
    var logLevel = "info"
    var retrieval = RetrievalLimits()
    /// The language model that is asked what a follow-up question means; nil: none.
    var rewriteModel: String?
    var ingest = IngestSettings()
    var providers: [ProviderSettings] = []
    var reranker: RerankerChoice?
    var webhooks: [WebhookEndpoint] = []
    /// The first admin key, instead of one that the program makes up.
    var adminKey: String?
    /// What the operator should know about settings that have no effect.
    var notices: [String] = []

    /// What the command line says, nil where it says nothing.
    struct Flags: Sendable {
        var configurationFile: String?
        var dataDirectory: String?
        var host: String?
        var port: Int?
    }

    /// - Throws: `ConfigurationError`, which says what to change.
    static func load(_ flags: Flags, environment: [String: String]) throws -> Configuration {
        do {
            return try read(flags, environment)
        } catch let error as RequestError {
            throw ConfigurationError("The configuration is not right. \(error.advice)")
        } catch let error as ProviderSettingsError {
            throw ConfigurationError("A provider is not right: \(error)")
        }
    }

    private static func read(_ flags: Flags, _ environment: [String: String]) throws -> Configuration {
        var configuration = Configuration()
        if let file = try yaml(flags, environment) { try configuration.apply(file) }
        try configuration.apply(environment: environment)
        configuration.dataDirectory = flags.dataDirectory ?? configuration.dataDirectory
        configuration.host = flags.host ?? configuration.host
        configuration.port = flags.port ?? configuration.port
        try configuration.apply(webUI: environment)
        configuration.modelsDirectory = NSString(string: configuration.modelsDirectory).expandingTildeInPath
        return configuration
    }

    // MARK: - File

    private static func yaml(_ flags: Flags, _ environment: [String: String]) throws -> Fields? {
        let named = flags.configurationFile ?? environment["ALMANAC_CONFIG"]
        let path = named ?? "almanac.yaml"
        guard FileManager.default.fileExists(atPath: path) else {
            guard named == nil else { throw ConfigurationError("There is no configuration file at \(path).") }
            return nil
        }
        do {
            let text = try String(contentsOfFile: path, encoding: .utf8)
            guard let loaded = try Yams.load(yaml: text) else { return nil }
            guard let object = JSONValue(yaml: loaded)?.object else {
                throw ConfigurationError("\(path) must be a mapping of settings.")
            }
            return Fields(object)
        } catch let error as YamlError {
            throw ConfigurationError("\(path) is not valid YAML: \(error)")
        }
    }

    private mutating func apply(_ file: Fields) throws {
        try file.allowOnly([
            "data", "host", "port", "models", "embedding_model", "embedding", "default_model", "threads",
            "prefixes", "upload_limit_mb", "log_level", "retrieval", "ingest", "reranker", "providers", "webhooks",
            "cors_origins", "tls", "stream_done", "limits", "index_memory_mb",
        ])
        dataDirectory = try file.string("data") ?? dataDirectory
        host = try file.string("host") ?? host
        port = try file.integer("port", in: 0...65_535) ?? port
        modelsDirectory = try file.string("models") ?? modelsDirectory
        embeddingModel = try file.string("embedding_model") ?? embeddingModel
        if let embedding = try file.object("embedding") { try self.embedding.apply(embedding) }
        defaultModel = try file.string("default_model") ?? defaultModel
        threads = try file.integer("threads", in: 1...256) ?? threads
        prefixes = try file.strings("prefixes", maxCount: 32, maxLength: 256) ?? prefixes
        // Anything else could mean a pattern to the router.
        if let odd = prefixes.first(where: { !$0.allSatisfy { $0.isLetter || $0.isNumber || "-_./".contains($0) } }) {
            throw ConfigurationError("prefixes: '\(odd)' must consist of letters, digits, '-', '_', '.' and '/'.")
        }
        corsOrigins = try file.strings("cors_origins", maxCount: 64, maxLength: 256) ?? corsOrigins
        endsStreamsWithDone = try file.bool("stream_done") ?? endsStreamsWithDone
        if let files = try file.object("tls") {
            try files.allowOnly(["certificate", "key"])
            try apply(certificate: files.string("certificate"), key: files.string("key"), "tls.")
        }
        if let limits = try file.object("limits") {
            try limits.allowOnly(["requests_per_minute", "tokens_per_minute"])
            let requests = try limits.integer("requests_per_minute", in: 1...1_000_000)
            let tokens = try limits.integer("tokens_per_minute", in: 1...1_000_000_000)
            rateLimits = RateLimits(requestsPerMinute: requests, tokensPerMinute: tokens)
        }
        uploadLimitBytes = try file.integer("upload_limit_mb", in: 1...8_192).map { $0 << 20 } ?? uploadLimitBytes
        indexMemoryBytes = try file.integer("index_memory_mb", in: 16...1_048_576).map { $0 << 20 } ?? indexMemoryBytes
        logLevel = try file.string("log_level") ?? logLevel
        if let retrieval = try file.object("retrieval") { try apply(retrieval: retrieval) }
        if let ingest = try file.object("ingest") { try self.ingest.apply(ingest) }
        providers = try file.objects("providers", maxCount: 32)?.map { try ProviderSettings(configured: $0) } ?? []
        webhooks = try file.objects("webhooks", maxCount: 32)?.map { try WebhookEndpoint(configured: $0) } ?? []
        reranker = try file.object("reranker").map(RerankerChoice.init)
        if let name = reranker?.provider, !providers.contains(where: { $0.name == name }) {
            throw ConfigurationError("reranker.provider: there is no provider named '\(name)'.")
        }
    }

    private mutating func apply(retrieval fields: Fields) throws {
        try fields.allowOnly(["candidates", "passages", "context_tokens", "widened_tokens", "minimum_score", "rewrite_model"])
        retrieval.candidates = try fields.integer("candidates", in: 1...200) ?? retrieval.candidates
        retrieval.passages = try fields.integer("passages", in: 1...100) ?? retrieval.passages
        retrieval.contextTokens = try fields.integer("context_tokens", in: 64...1_000_000) ?? retrieval.contextTokens
        retrieval.widenedTokens = try fields.integer("widened_tokens", in: 0...8_192) ?? retrieval.widenedTokens
        retrieval.minimumScore = try fields.number("minimum_score", in: 0...1) ?? retrieval.minimumScore
        rewriteModel = try fields.string("rewrite_model", maxLength: 256) ?? rewriteModel
    }

    // MARK: - Environment

    private mutating func apply(environment: [String: String]) throws {
        func integer(_ key: String, in range: ClosedRange<Int>) throws -> Int? {
            guard let text = environment[key] else { return nil }
            guard let number = Int(text), range.contains(number) else {
                throw ConfigurationError("\(key) must be a number between \(range.lowerBound) and \(range.upperBound).")
            }
            return number
        }
        dataDirectory = environment["ALMANAC_DATA"] ?? dataDirectory
        host = environment["ALMANAC_HOST"] ?? host
        port = try integer("ALMANAC_PORT", in: 0...65_535) ?? port
        modelsDirectory = environment["ALMANAC_MODELS"] ?? modelsDirectory
        embeddingModel = environment["ALMANAC_EMBEDDING_MODEL"] ?? embeddingModel
        try embedding.apply(environment: environment)
        embedding.threads = try integer("ALMANAC_EMBEDDING_THREADS", in: 1...256) ?? embedding.threads
        defaultModel = environment["ALMANAC_DEFAULT_MODEL"] ?? defaultModel
        threads = try integer("ALMANAC_THREADS", in: 1...256) ?? threads
        indexMemoryBytes =
            try integer("ALMANAC_INDEX_MEMORY_MB", in: 16...1_048_576).map { $0 << 20 } ?? indexMemoryBytes
        logLevel = environment["ALMANAC_LOG_LEVEL"] ?? logLevel
        try apply(
            certificate: environment["ALMANAC_TLS_CERTIFICATE"], key: environment["ALMANAC_TLS_KEY"], "ALMANAC_TLS_")
        if let list = environment["ALMANAC_CORS_ORIGINS"] {
            corsOrigins = list.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
        }
        adminKey = environment["ALMANAC_ADMIN_KEY"]
        if let key = adminKey, key.utf8.count < 16 {
            throw ConfigurationError("ALMANAC_ADMIN_KEY must be at least 16 characters long.")
        }
        if let provider = try ProviderSettings(environment: environment) { providers.append(provider) }
    }
}

/// A setting that makes no sense; says which and what would.
struct ConfigurationError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

extension Fields {
    /// Refuses a key that is not in the list, naming the nearest one that is.
    func allowOnly(_ known: [String]) throws {
        guard let unknown = values.keys.sorted().first(where: { !known.contains($0) }) else { return }
        throw ConfigurationError(
            "Unknown setting '\(path(of: unknown))'.\(unknown.hint(among: known)) "
                + "Known: \(known.joined(separator: ", ")).")
    }
}

extension String {
    /// Asks whether the nearest of these names was meant, where one is near; begins with a space.
    func hint(among known: [String]) -> String {
        guard let nearest = known.min(by: { $0.distance(to: self) < $1.distance(to: self) }) else { return "" }
        return nearest.distance(to: self) <= max(2, count / 3) ? " Did you mean '\(nearest)'?" : ""
    }

    /// Levenshtein distance.
    fileprivate func distance(to other: String) -> Int {
        var row = Array(0...other.count)
        for (line, character) in enumerated() {
            var diagonal = row[0]
            row[0] = line + 1
            for (column, otherCharacter) in other.enumerated() {
                let above = row[column + 1]
                row[column + 1] = Swift.min(above + 1, row[column] + 1, diagonal + (character == otherCharacter ? 0 : 1))
                diagonal = above
            }
        }
        return row[other.count]
    }
}

extension JSONValue {
    /// What Yams read, nil where it is nothing that JSON knows.
    fileprivate init?(yaml value: Any) {
        switch value {
        case is NSNull: self = .null
        case let value as Bool: self = .bool(value)
        case let value as Int: self = .integer(value)
        case let value as Double: self = .number(value)
        case let value as String: self = .string(value)
        case let value as [Any]: self = .array(value.compactMap(JSONValue.init(yaml:)))
        case let value as [String: Any]: self = .object(value.compactMapValues(JSONValue.init(yaml:)))
        default: return nil
        }
    }
}

extension RequestError {
    /// What is wrong with a field, in a sentence.
    fileprivate var advice: String {
        switch self {
        case .missing(let parameter): "'\(parameter)' is missing."
        case .wrongType(let parameter, let expected): "'\(parameter)' must be \(expected)."
        case .invalid(let parameter, let message): "'\(parameter ?? "")' \(message)."
        default: "\(self)"
        }
    }
}
