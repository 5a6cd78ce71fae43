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
        var context = context
        for secret in Self.secrets(request) where context.scope == nil { context.scope = try await keys.scope(of: secret) }
        guard context.scope != nil else { throw RequestError.unauthenticated }
        return try await next(request, context)
    }

    /// From `Authorization: Bearer` and `X-API-KEY`. Clients that cannot do without the former, and proxies with passwords of
    /// their own, put the key into the latter.
    private static func secrets(_ request: Request) -> [String] {
        let parts = request.headers[.authorization]?.split(separator: " ", maxSplits: 1) ?? []
        let bearer = parts.count == 2 && parts[0].lowercased() == "bearer" ? String(parts[1]) : nil
        return [bearer, request.headers[.apiKey]].compactMap(\.self)
    }
}
