package import FoundationEssentials
import Knowledge

// OpenAI's `expires_after`, with its limits.

/// How long a file is kept, in seconds from its creation; nil where nothing is said.
package func fileLifetime(_ body: Fields, _ key: String = "expires_after") throws -> TimeInterval? {
    guard let rule = try body.object(key) else { return nil }
    try check("created_at", of: rule)
    guard let seconds = try rule.integer("seconds", in: 3_600...2_592_000) else { throw rule.missing("seconds") }
    return TimeInterval(seconds)
}

/// The same from the fields of a form: `expires_after[anchor]` and `expires_after[seconds]`.
package func fileLifetime(form: [String: String]) throws -> TimeInterval? {
    var rule: [String: JSONValue] = [:]
    rule["anchor"] = form["expires_after[anchor]"].map(JSONValue.string)
    // What is no number is refused as what it is.
    rule["seconds"] = form["expires_after[seconds]"].map { text in Int(text).map(JSONValue.integer) ?? .string(text) }
    return rule.isEmpty ? nil : try fileLifetime(Fields(["expires_after": .object(rule)]))
}

/// The days without use after which a vector store goes; nil where nothing is said.
package func expiryDays(_ body: Fields) throws -> Int? {
    guard let rule = try body.object("expires_after") else { return nil }
    try check("last_active_at", of: rule)
    guard let days = try rule.integer("days", in: 1...365) else { throw rule.missing("days") }
    return days
}

private func check(_ anchor: String, of rule: Fields) throws {
    guard try rule.requiredString("anchor", maxLength: 64) == anchor else {
        throw rule.invalid("anchor", "must be '\(anchor)'")
    }
}
