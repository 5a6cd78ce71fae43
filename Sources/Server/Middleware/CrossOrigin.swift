import HTTPTypes
import Hummingbird

/// Lets pages of named origins use the API from a browser. Off unless origins are configured; never with credentials, for
/// keys are sent as headers and there are no cookies.
struct CrossOrigin: RouterMiddleware {
    /// As browsers send them, such as `https://chat.example.org`; `*` stands for all.
    let origins: Set<String>

    func handle(
        _ request: Request, context: AppContext, next: (Request, AppContext) async throws -> Response
    ) async throws -> Response {
        guard let origin = request.headers[.origin], origins.contains(origin) || origins.contains("*") else {
            return try await next(request, context)
        }
        var response: Response
        if request.method == .options, request.headers[.accessControlRequestMethod] != nil {
            // A browser asks beforehand and sends no key with that.
            response = Response(status: .noContent, headers: [.requestID: context.requestID])
            response.headers[.accessControlAllowMethods] = "GET, POST, PUT, DELETE"
            response.headers[.accessControlAllowHeaders] = request.headers[.accessControlRequestHeaders] ?? "*"
            response.headers[.accessControlMaxAge] = "3600"
        } else {
            response = try await next(request, context)
            response.headers[.accessControlExposeHeaders] = "x-request-id, retry-after, x-should-retry, openai-processing-ms"
        }
        response.headers[.accessControlAllowOrigin] = origins.contains("*") ? "*" : origin
        response.headers.append(HTTPField(name: .vary, value: "Origin"))
        return response
    }
}
