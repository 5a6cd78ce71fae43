import Foundation
import Knowledge
import OpenAIWire
import Providers

extension ProviderSettings {
    /// An element of `providers` in the configuration file.
    init(configured fields: Fields) throws {
        try fields.allowOnly([
            "name", "base_url", "api_key", "api_key_file", "headers", "models", "embedding_models", "context_tokens",
            "timeouts", "retries", "aliases", "breaker", "images", "strict",
        ])
        let name = try fields.requiredString("name", maxLength: 64)
        try self.init(
            name: name, baseURL: try fields.requiredString("base_url", maxLength: 2_048),
            apiKey: try Self.key(fields), headers: try Self.headers(fields))
        models = try fields.strings("models", maxCount: 1_000, maxLength: 256)
        embeddingModels = try fields.strings("embedding_models", maxCount: 32, maxLength: 256) ?? []
        contextTokens = try fields.integer("context_tokens", in: 256...100_000_000)
        if let names = try fields.object("aliases") {
            aliases = try Dictionary(
                uniqueKeysWithValues: names.values.keys.map { ($0, try names.requiredString($0, maxLength: 256)) })
        }
        if let rules = try fields.object("breaker") {
            try rules.allowOnly(["failures", "within", "rest"])
            breaker.failures = try rules.integer("failures", in: 0...1_000) ?? breaker.failures
            breaker.window = try rules.seconds("within") ?? breaker.window
            breaker.rest = try rules.seconds("rest") ?? breaker.rest
        }
        takesMedia = try fields.bool("images") ?? takesMedia
        isStrict = try fields.bool("strict") ?? isStrict
        retries.limit = try fields.integer("retries", in: 0...5) ?? retries.limit
        if let times = try fields.object("timeouts") {
            try times.allowOnly(["connect", "first_token", "gap", "total"])
            timeouts.connect = try times.seconds("connect") ?? timeouts.connect
            timeouts.firstToken = try times.seconds("first_token") ?? timeouts.firstToken
            timeouts.gap = try times.seconds("gap") ?? timeouts.gap
            timeouts.total = try times.seconds("total") ?? timeouts.total
        }
    }

    /// The one provider that `ALMANAC_UPSTREAM_*` describe; nil where they do not.
    init?(environment: [String: String]) throws {
        guard let url = environment["ALMANAC_UPSTREAM_URL"], !url.isEmpty else { return nil }
        try self.init(name: "upstream", baseURL: url, apiKey: environment["ALMANAC_UPSTREAM_KEY"].map(Secret.init))
        models = environment["ALMANAC_UPSTREAM_MODELS"].map { list in
            list.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
        }
    }

    /// The key itself, or the file that holds it, so that it need not stand in the configuration.
    private static func key(_ fields: Fields) throws -> Secret? {
        if let key = try fields.string("api_key", maxLength: 4_096) { return Secret(key) }
        guard let path = try fields.string("api_key_file") else { return nil }
        do {
            let text = try String(contentsOfFile: path, encoding: .utf8)
            return Secret(text.trimmingCharacters(in: .whitespacesAndNewlines))
        } catch {
            throw ConfigurationError("\(fields.path(of: "api_key_file")): \(path) cannot be read.")
        }
    }

    private static func headers(_ fields: Fields) throws -> [String: Secret] {
        guard let headers = try fields.object("headers") else { return [:] }
        return try Dictionary(
            uniqueKeysWithValues: headers.values.keys.map { ($0, Secret(try headers.requiredString($0, maxLength: 4_096))) })
    }
}

extension Fields {
    /// A time in seconds, from a hundredth to a day.
    fileprivate func seconds(_ key: String) throws -> Duration? {
        try number(key, in: 0.01...86_400).map { .milliseconds(Int($0 * 1_000)) }
    }
}
