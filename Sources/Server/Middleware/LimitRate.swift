import HTTPTypes
import Hummingbird
import Knowledge
import Service

/// Admits what a key may ask for in a minute, and tells it where it stands in OpenAI's headers.
struct LimitRate: RouterMiddleware {
    let limits: RateLimits

    func handle(
        _ request: Request, context: AppContext, next: (Request, AppContext) async throws -> Response
    ) async throws -> Response {
        let scope = try context.caller()
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
