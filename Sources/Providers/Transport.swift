import AsyncHTTPClient
import FoundationEssentials
import Knowledge
import NIOCore
import NIOHTTP1

/// A request as it goes to a provider.
struct Call: Sendable {
    var method: HTTPMethod = .POST
    /// Behind the provider's base URL, with the leading `/`.
    var path: String
    /// JSON.
    var body: [UInt8]?
    var accept = "application/json"
}

/// Sends requests to one provider, and turns all that can go wrong into `UpstreamError`.
final class Transport: Sendable {
    let settings: ProviderSettings
    private let client: HTTPClient
    private let failures: Failures

    init(_ settings: ProviderSettings) {
        self.settings = settings
        var configuration = HTTPClient.Configuration(
            // A redirect would carry the key to where nobody configured it.
            redirectConfiguration: .disallow,
            timeout: .init(connect: TimeAmount(settings.timeouts.connect.clamped)),
            // A small compressed answer could unpack to any size.
            decompression: .disabled
        )
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = max(1, settings.limits.connections)
        // The client's own attempts would go on until the connect timeout and hide why the first one failed.
        configuration.connectionPool.retryConnectionEstablishment = false
        // With HTTP/1 a cancelled exchange closes its connection; with HTTP/2 others might share it.
        configuration.httpVersion = .http1Only
        client = HTTPClient(configuration: configuration)
        failures = Failures(settings)
    }

    deinit {
        // Closes the connections where nobody called `shutdown`; after that it does nothing.
        client.shutdown { _ in }
    }

    func shutdown() async throws {
        try await client.shutdown()
    }

    /// Sends the request, again where that may help, until an answer of status 200 begins.
    ///
    /// - Parameter retries: False to make one attempt only.
    /// - Throws: `UpstreamError`, or `CancellationError`.
    func begin(_ call: Call, within deadlines: Deadlines, retries: Bool = true) async throws -> Reply {
        var schedule = RetrySchedule(settings.retries)
        while true {
            let failure: Failure
            do {
                return try await attempt(call, within: deadlines)
            } catch let caught as Failure {
                failure = caught
            }
            guard retries, let delay = schedule.next(after: failure), .now + delay < deadlines.firstToken.instant else {
                throw failure.error
            }
            try await Task.sleep(for: delay)
        }
    }

    /// Sends the request and decodes the whole answer.
    ///
    /// - Throws: `UpstreamError`, or `CancellationError`.
    func value<Value: Decodable>(
        of type: Value.Type, from call: Call, within deadlines: Deadlines
    ) async throws -> Value {
        let reply = try await begin(call, within: deadlines)
        guard reply.contentType == .json else {
            throw failures.garbage("its content type is \(reply.contentType.name)")
        }
        var bytes: [UInt8] = []
        while let chunk = try await reply.body.next() { bytes += chunk }
        do {
            return try JSONDecoder().decode(type, from: Data(bytes))
        } catch {
            let message = ErrorBody(bytes).message.map { "it is an error: \($0)" }
            throw failures.garbage(message ?? "it is not the JSON that was asked for")
        }
    }

    // MARK: - One attempt

    private func attempt(_ call: Call, within deadlines: Deadlines) async throws -> Reply {
        let response: HTTPClientResponse
        do {
            let request = request(for: call)
            let client = client
            response = try await withDeadline(deadlines.firstToken, provider: settings.name) {
                try await client.execute(request, deadline: .distantFuture)
            }
        } catch {
            throw try failures.beforeAnswer(error)
        }
        let body = ReplyBody(response.body, deadlines: deadlines, failures: failures)
        guard response.status == .ok else {
            let explanation = ErrorBody(try await body.beginning())
            throw failures.refusal(response.status.code, headers: response.headers, body: explanation)
        }
        guard response.headers["content-encoding"].allSatisfy({ $0.lowercased() == "identity" }) else {
            throw Failure(error: failures.garbage("it is compressed, which was not asked for"))
        }
        return Reply(contentType: ContentType(response.headers), body: body)
    }

    private func request(for call: Call) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: settings.baseURL + call.path)
        request.method = call.method
        for (field, value) in settings.headers { request.headers.replaceOrAdd(name: field, value: value.value) }
        request.headers.replaceOrAdd(name: "accept", value: call.accept)
        if let key = settings.apiKey {
            request.headers.replaceOrAdd(name: "authorization", value: "Bearer \(key.value)")
        }
        if let body = call.body {
            request.headers.replaceOrAdd(name: "content-type", value: "application/json")
            request.body = .bytes(ByteBuffer(bytes: body))
        }
        return request
    }
}

/// An answer of status 200 that has begun.
struct Reply: Sendable {
    var contentType: ContentType
    var body: ReplyBody
}

enum ContentType: Sendable, Equatable {
    case json, eventStream
    case other(String)

    /// An answer without a type is taken for a stream, which is asked for first.
    init(_ headers: HTTPHeaders) {
        let value = headers["content-type"].first ?? "text/event-stream"
        let type = value.prefix { $0 != ";" }.lowercased().filter { !$0.isWhitespace }
        self =
            switch type {
            case "text/event-stream": .eventStream
            case "application/json": .json
            default: type.hasPrefix("application/") && type.hasSuffix("+json") ? .json : .other(type)
            }
    }

    var name: String {
        switch self {
        case .json: "application/json"
        case .eventStream: "text/event-stream"
        case .other(let type): type
        }
    }
}

extension Duration {
    /// Between a millisecond and a day, so that no clock overflows.
    var clamped: Duration { min(max(self, .milliseconds(1)), .seconds(86_400)) }
}
