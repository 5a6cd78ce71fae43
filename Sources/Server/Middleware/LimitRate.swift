import HTTPTypes
import Hummingbird
import Knowledge
import Service

/// Admits what a key may ask of the models in a minute, and tells it where it stands in OpenAI's headers.
struct LimitRate: RouterMiddleware {
    /// How the paths end of what costs a model's time; everything else is free.
    private static let asking = [
        "/chat/completions", "/completions", "/embeddings", "/generate", "/generate_stream", "/internal/logits",
        "/moderations", "/responses", "/search",
    ]

    let limits: RateLimits

    func handle(
        _ request: Request, context: AppContext, next: (Request, AppContext) async throws -> Response
    ) async throws -> Response {
        guard request.method == .post, let scope = context.scope,
            Self.asking.contains(where: request.uri.path.hasSuffix)
        else { return try await next(request, context) }
        var response: Response
        do {
            try limits.admit(scope)
            response = try await next(request, context)
        } catch {
            response = try .refusal(of: request, error, context)
        }
        let standing = limits.standing(of: scope)
        response.headers.tell(standing.requests, of: "requests")
        response.headers.tell(standing.tokens, of: "tokens")
        return response
    }
}

extension HTTPFields {
    fileprivate mutating func tell(_ standing: RateLimits.Standing?, of what: String) {
        guard let standing else { return }
        let milliseconds = Int((standing.reset / .milliseconds(1)).rounded(.up))
        let values = [
            "limit": "\(standing.limit)", "remaining": "\(standing.remaining)", "reset": "\(milliseconds)ms",
        ]
        for (name, value) in values {
            guard let name = HTTPField.Name("x-ratelimit-\(name)-\(what)") else { continue }
            self[name] = value
        }
    }
}
