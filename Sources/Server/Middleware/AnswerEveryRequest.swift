import HTTPTypes
import Hummingbird
import Knowledge
import Logging
import NIOCore
import OpenAIWire

/// Gives every request an answer with an id: errors in OpenAI's shape, headers that every answer carries, one log line.
struct AnswerEveryRequest: RouterMiddleware {
    /// nil where requests come from within, as the lines of a batch do.
    var metrics: RequestMetrics?

    func handle(
        _ request: Request, context: AppContext, next: (Request, AppContext) async throws -> Response
    ) async throws -> Response {
        let start = ContinuousClock.now
        var response: Response
        do {
            response = try await next(request, context)
        } catch {
            response = try .refusal(of: request, error, context)
        }
        let time = ContinuousClock.now - start
        metrics?.count(
            request.method, context.knownRoute, status: response.status.code, seconds: time / .seconds(1))
        response.headers[.requestID] = context.requestID
        response.headers[.processingTime] = "\(time.components.seconds * 1_000 + time.components.attoseconds / 1_000_000_000_000_000)"
        response.headers[.contentTypeOptions] = "nosniff"
        // Whoever asks for the head alone takes a body for the next answer.
        if request.method == .head { response.body = ResponseBody() }
        context.logger.info(
            "request",
            metadata: [
                "method": "\(request.method)", "route": "\(context.endpointPath ?? "unknown")",
                "status": "\(response.status.code)",
            ])
        return response
    }
}

extension Response {
    /// A body larger than this that was refused is not read to its end: the connection is closed instead.
    private static let drainedAtMost = 65_536

    /// The answer to a request that failed.
    static func refusal(of request: Request, _ error: any Error, _ context: AppContext) throws -> Response {
        let answer = ErrorAnswer(error)
        if answer.status.code >= 500 {
            context.logger.error("request failed", metadata: ["error": "\(error)"])
        }
        var response = try Response.json(answer.body, status: answer.status)
        response.headers.append(contentsOf: answer.headers)
        let announced = request.headers[.contentLength].flatMap { Int($0) } ?? 0
        if announced > drainedAtMost { response.headers[.connection] = "close" }
        return response
    }

    /// A JSON answer.
    static func json(_ value: JSONValue, status: HTTPResponse.Status = .ok) throws -> Response {
        let data = try value.json()
        return Response(
            status: status, headers: [.contentType: "application/json", .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: data)))
    }

    /// Server-sent events, written as they come and kept by no proxy on the way.
    static func eventStream(
        _ write: @escaping @Sendable (inout any ResponseBodyWriter) async throws -> Void
    ) -> Response {
        Response(
            status: .ok,
            headers: [
                .contentType: "text/event-stream; charset=utf-8", .cacheControl: "no-cache", .accelBuffering: "no",
            ],
            body: ResponseBody { writer in
                try await write(&writer)
                try await writer.finish(nil)
            })
    }
}
