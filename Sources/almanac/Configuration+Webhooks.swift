import Foundation
import Knowledge
import OpenAIWire
import Service

extension WebhookEndpoint {
    /// An element of `webhooks` in the configuration file.
    init(configured fields: Fields) throws {
        try fields.allowOnly(["url", "secret", "secret_file", "events"])
        let url = try fields.requiredString("url", maxLength: 2_048)
        guard let parsed = URL(string: url), parsed.scheme == "https" || parsed.scheme == "http", parsed.host != nil else {
            throw fields.invalid("url", "must be an http or https address")
        }
        guard let endpoint = WebhookEndpoint(url: url, secret: try Self.secret(fields), events: try Self.events(fields)) else {
            throw fields.invalid("secret", "must be 'whsec_' and base64 of at least 24 bytes, or a text of at least 24 bytes")
        }
        self = endpoint
    }

    private static func secret(_ fields: Fields) throws -> String {
        if let secret = try fields.string("secret", maxLength: 4_096) { return secret }
        let path = try fields.requiredString("secret_file", maxLength: 4_096)
        do {
            return try String(contentsOfFile: path, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)
        } catch {
            throw ConfigurationError("\(fields.path(of: "secret_file")): \(path) cannot be read.")
        }
    }

    /// All of them where none are named; `job.*` stands for all that begin so.
    private static func events(_ fields: Fields) throws -> Set<WebhookEvent> {
        guard let names = try fields.strings("events", maxCount: 32, maxLength: 64) else { return Set(WebhookEvent.allCases) }
        return try names.reduce(into: []) { events, name in
            let wanted = WebhookEvent.allCases.filter {
                name.hasSuffix(".*") ? $0.rawValue.hasPrefix(name.dropLast()) : $0.rawValue == name
            }
            guard !wanted.isEmpty else {
                let known = WebhookEvent.allCases.map(\.rawValue).joined(separator: ", ")
                throw fields.invalid("events", "has '\(name)', which is none of: \(known)")
            }
            events.formUnion(wanted)
        }
    }
}
