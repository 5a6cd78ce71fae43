import Foundation
package import Hummingbird
package import Knowledge
import Logging
import NIOCore

/// What belongs to one request on its way through the middleware: its id, on whose behalf it comes, its connection.
package struct AppContext: RequestContext {
    package var coreContext: CoreRequestContextStorage
    /// Sent back as `x-request-id` and written to every log line of the request.
    package let requestID: String
    /// Set by `Authenticate`; a route without it is open to everyone.
    package var scope: Scope?
    /// Nil where the request came from inside the process.
    let channel: (any Channel)?

    package init(source: ApplicationRequestContextSource) {
        requestID = Self.newID()
        channel = source.channel
        var logger = source.logger
        // Ours takes the place of Hummingbird's: it is the one that clients see.
        logger[metadataKey: "hb.request.id"] = nil
        logger[metadataKey: "request"] = "\(requestID)"
        coreContext = CoreRequestContextStorage(
            source: ApplicationRequestContextSource(channel: source.channel, logger: logger))
    }

    /// For a request from inside the process, on behalf of somebody who was authenticated before. Nobody waits for it.
    init(scope: Scope, logger: Logger) {
        requestID = Self.newID()
        channel = nil
        self.scope = scope
        var logger = logger
        logger[metadataKey: "request"] = "\(requestID)"
        coreContext = CoreRequestContextStorage(source: InsideSource(logger: logger))
    }

    private struct InsideSource: RequestContextSource {
        let logger: Logger
    }

    private static func newID() -> String {
        "req_" + (0..<24).map { _ in String(Int.random(in: 0..<16), radix: 16) }.joined()
    }

    /// The route as the router has it, nil where there is none for the request.
    var knownRoute: String? { endpointPath == "NotFound" ? nil : endpointPath }

    /// The caller, who must have been authenticated by now.
    func caller() throws -> Scope {
        guard let scope else { throw RequestError.unauthenticated }
        return scope
    }

    /// The caller, who must hold an admin key.
    func admin() throws -> Scope {
        let scope = try caller()
        guard scope.role == .admin else { throw RequestError.forbidden("This needs an admin key.") }
        return scope
    }

    /// Writes a body that is worth nothing once the client has gone.
    func whileClientIsPresent(
        writing writer: any ResponseBodyWriter,
        _ work: @escaping @Sendable (inout any ResponseBodyWriter) async throws -> Void
    ) async throws {
        let lent = Lent(writer: writer)
        try await whileClientIsPresent {
            var writer = lent.writer
            try await work(&writer)
        }
    }

    /// Proof for the compiler that a writer may be used by the child task that writes.
    ///
    /// It holds because the parent only waits for that task and touches the writer again after it has ended.
    private struct Lent: @unchecked Sendable {
        var writer: any ResponseBodyWriter
    }

    /// Runs work that is worth nothing once the client has gone: it is cancelled then, and `ClientLeft` is thrown.
    func whileClientIsPresent<Value: Sendable>(
        _ work: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        // Tests that drive the router without a connection have nobody who could leave.
        guard let presence = try? await channel?.pipeline.handler(type: ClientPresence.self).get() else {
            return try await work()
        }
        guard let value = try await presence.departure.cancelling(work) else { throw ClientLeft() }
        return value
    }
}
