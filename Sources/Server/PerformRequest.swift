import Foundation
import HTTPTypes
import Hummingbird
import Knowledge
import Logging
import NIOCore
import OpenAIWire
import Service

/// Answers requests inside the process by the routes that answer them over HTTP, errors included.
struct PerformRequest<Responder: HTTPResponder<AppContext>>: RequestPerformer {
    let responder: Responder
    let logger: Logger

    func perform(
        _ body: JSONValue, at endpoint: RequestBatch.Endpoint, in scope: Scope
    ) async throws -> PerformedRequest {
        let request = Request(
            head: HTTPRequest(
                method: .post, scheme: nil, authority: nil, path: endpoint.rawValue,
                headerFields: [.contentType: "application/json"]),
            body: RequestBody(buffer: ByteBuffer(bytes: try body.json())))
        let context = AppContext(scope: scope, logger: logger)
        let response = try await responder.respond(to: request, context: context)
        let collected = CollectedBody()
        try await response.body.write(CollectingWriter(body: collected))
        return PerformedRequest(
            status: response.status.code, requestID: response.headers[.requestID] ?? context.requestID,
            body: (try? JSONValue(json: Data(collected.buffer.readableBytesView))) ?? .null)
    }
}

/// A body on its way into memory. Written by one task at a time, and read after that.
private final class CollectedBody {
    var buffer = ByteBuffer()
}

private struct CollectingWriter: ResponseBodyWriter {
    let body: CollectedBody

    mutating func write(_ buffer: ByteBuffer) async throws { body.buffer.writeImmutableBuffer(buffer) }
    consuming func finish(_ trailingHeaders: HTTPFields?) async throws {}
}
