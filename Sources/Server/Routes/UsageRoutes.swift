import Foundation
import Hummingbird
import Knowledge
import OpenAIWire
import Service

/// `GET /api/v1/usage`: what each key used, by day and model.
struct UsageRoutes: Sendable {
    /// Lines of one answer, the oldest: a month of a hundred keys with three models each.
    private static let limit = 10_000
    private static let usualDays = 30

    let usage: UsageLedger
    let keys: Keys

    func add(to group: RouterGroup<AppContext>) {
        group.get("usage") { request, context in
            let scope = try context.caller()
            let today = UsageLedger.day(of: Date())
            let last = try Self.day(request, "to") ?? today
            let first = try Self.day(request, "from") ?? last - (Self.usualDays - 1)
            guard first <= last else {
                throw RequestError.invalid(parameter: "from", message: "must not be later than 'to'")
            }
            let lines = try await usage.usage(
                for: scope, isOperator: keys.isOperator(scope),
                key: request.uri.queryParameters["key"].map { KeyID(rawValue: String($0)) }, days: first...last,
                limit: Self.limit + 1)
            return try Response.json([
                "object": "list", "data": .array(lines.prefix(Self.limit).map(Self.wire)),
                "has_more": .bool(lines.count > Self.limit),
            ])
        }
    }

    private static func wire(_ account: UsageAccount, _ sum: UsageSum) -> JSONValue {
        [
            "object": "usage", "day": .string(date(ofDay: account.day)), "tenant": .string(account.tenant.rawValue),
            "key_id": account.key.map { .string($0.rawValue) } ?? .null, "model": .string(account.model),
            "requests": .integer(sum.requests), "prompt_tokens": .integer(sum.promptTokens),
            "completion_tokens": .integer(sum.completionTokens),
        ]
    }

    private static func date(ofDay day: Int) -> String {
        Date(timeIntervalSince1970: Double(day) * 86_400).formatted(style)
    }

    private static var style: Date.ISO8601FormatStyle { .iso8601.year().month().day() }

    private static func day(_ request: Request, _ parameter: String) throws -> Int? {
        guard let text = request.uri.queryParameters[Substring(parameter)] else { return nil }
        guard let date = try? Date(String(text), strategy: style) else {
            throw RequestError.invalid(parameter: parameter, message: "must be a day such as 2026-01-31")
        }
        return UsageLedger.day(of: date)
    }
}
