import HTTPTypes
import Hummingbird
import Knowledge
import Service

/// Lets through who holds a key, before any body is read. Every route is closed unless it is listed as open.
struct Authenticate: RouterMiddleware {
    private static let openPaths: Set<String> = [
        "/healthz", "/readyz", "/health", "/v1/health", "/", "/console/app.js", "/console/style.css",
        "/docs", "/console/docs.js", "/openapi.json",
    ]

    let keys: Keys

    func handle(
        _ request: Request, context: AppContext, next: (Request, AppContext) async throws -> Response
    ) async throws -> Response {
        if Self.openPaths.contains(request.uri.path) { return try await next(request, context) }
        guard let secret = Self.secret(request), let scope = try await keys.scope(of: secret) else {
            throw RequestError.unauthenticated
        }
        var context = context
        context.scope = scope
        return try await next(request, context)
    }

    /// From `Authorization: Bearer` or `X-API-KEY`; where both are sent, the former counts.
    private static func secret(_ request: Request) -> String? {
        if let header = request.headers[.authorization] {
            let parts = header.split(separator: " ", maxSplits: 1)
            guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
            return String(parts[1])
        }
        return request.headers[.apiKey]
    }
}
