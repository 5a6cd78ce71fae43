import Hummingbird
import Knowledge
import OpenAIWire
import Service

/// `POST /moderations`.
struct ModerationRoutes: Sendable {
    let moderate: Moderate
    let usage: UsageLedger

    func add(to group: RouterGroup<AppContext>) {
        group.post("moderations") { request, context in
            let asked = try ModerationRequest(await request.fields())
            let scope = try context.caller()
            let (verdicts, tokens) = try await context.whileClientIsPresent {
                try await moderate(asked.inputs, priority: context.channel == nil ? .background : .urgent)
            }
            usage.note(TokenUsage(prompt: tokens, completion: 0), of: moderate.modelName, in: scope)
            return try Response.json([
                "id": .string(objectID("modr-")), "model": .string(moderate.modelName),
                "results": .array(verdicts.map(Self.result)),
            ])
        }
    }

    private static func result(_ verdict: Moderate.Verdict) -> JSONValue {
        func each(_ value: (Double) -> JSONValue) -> JSONValue {
            .object(Dictionary(uniqueKeysWithValues: verdict.scores.map { ($0.category, value($0.score)) }))
        }
        return [
            "flagged": .bool(verdict.isFlagged), "categories": each { .bool(Moderate.isFlagged($0)) },
            "category_scores": each { .number($0) }, "category_applied_input_types": each { _ in ["text"] },
        ]
    }
}
