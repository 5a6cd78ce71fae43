import HTTPTypes
import Hummingbird
import Knowledge
import Logging
import OpenAIWire

/// Liveness and readiness; open to everyone, telling nothing of the inside.
struct OperationRoutes: Sendable {
    /// Throws while the server cannot answer questions.
    let checkReadiness: @Sendable () async throws -> Void

    func add(to router: Router<AppContext>) {
        for path in ["healthz", "health", "v1/health"] {
            router.get(RouterPath(path)) { _, _ in try Response.json(["status": "ok"]) }
        }
        router.get("readyz") { _, context in
            do {
                try await checkReadiness()
                return try Response.json(["status": "ready"])
            } catch {
                context.logger.warning("not ready", metadata: ["error": "\(error)"])
                var response = try Response.json(["status": "not ready"], status: .serviceUnavailable)
                response.headers[.retryAfter] = "1"
                return response
            }
        }
    }
}
