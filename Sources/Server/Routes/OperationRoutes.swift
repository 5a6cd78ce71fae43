import HTTPTypes
import Hummingbird
import Knowledge
import Logging
import NIOCore
import OpenAIWire
import Service

/// Liveness and readiness, open to everyone and telling nothing of the inside; figures, for the operator's admins.
struct OperationRoutes: Sendable {
    /// Throws while the server cannot answer questions.
    let checkReadiness: @Sendable () async throws -> Void
    let figures: @Sendable () async throws -> StoreFigures
    let embedders: Embedders
    let requests: RequestMetrics
    let keys: Keys

    func add(to router: Router<AppContext>) {
        // Balancers and monitors ask by either.
        for method in [HTTPRequest.Method.get, .head] {
            for path in ["healthz", "health", "v1/health"] {
                router.on(RouterPath(path), method: method) { _, _ in try Response.json(["status": "ok"]) }
            }
            router.on("readyz", method: method, use: readiness)
        }
        router.get("metrics", use: metrics)
    }

    private func readiness(_ request: Request, _ context: AppContext) async throws -> Response {
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

    /// Figures over all tenants, and therefore not for every tenant's admins.
    private func metrics(_ request: Request, _ context: AppContext) async throws -> Response {
        guard try keys.isOperator(context.admin()) else {
            throw RequestError.forbidden("This needs an admin key of the tenant that runs the server.")
        }
        var page = PrometheusText()
        requests.write(to: &page)
        Self.write(try await figures(), to: &page)
        let loads = embedders.loads
        page.family("almanac_embedding_tokens_total", .counter, "Tokens embedded, by model.")
        for (model, load) in loads { page.sample("almanac_embedding_tokens_total", ["model": model], load.tokens) }
        page.family("almanac_embedding_texts_waiting", .gauge, "Texts that wait to be embedded, by model.")
        for (model, load) in loads { page.sample("almanac_embedding_texts_waiting", ["model": model], load.waiting) }
        return Response(
            status: .ok, headers: [.contentType: PrometheusText.contentType, .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: page.text)))
    }

    private static func write(_ figures: StoreFigures, to page: inout PrometheusText) {
        page.family("almanac_jobs", .gauge, "Jobs by status.")
        for status in Job.Status.allCases {
            page.sample("almanac_jobs", ["status": status.rawValue], figures.jobs[status.rawValue] ?? 0)
        }
        page.family("almanac_documents", .gauge, "Documents of knowledge bases by status.")
        for (status, count) in figures.documents.sorted(by: { $0.key < $1.key }) {
            page.sample("almanac_documents", ["status": status], count)
        }
        let indexes = figures.indexes.sorted { $0.key < $1.key }
        page.family("almanac_index_vectors", .gauge, "Indexed passages by embedding model.")
        for (model, size) in indexes { page.sample("almanac_index_vectors", ["model": model], size.vectors) }
        page.family("almanac_index_bytes", .gauge, "Bytes of indexed texts and vectors by embedding model.")
        for (model, size) in indexes { page.sample("almanac_index_bytes", ["model": model], size.bytes) }
        page.family("almanac_database_bytes", .gauge, "Size of the database file.")
        page.sample("almanac_database_bytes", [:], figures.databaseBytes)
    }
}
