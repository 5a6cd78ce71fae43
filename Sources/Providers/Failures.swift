import AsyncHTTPClient
import Knowledge
import NIOCore
import NIOHTTP1
import NIOPosix

/// One attempt that gave no answer.
struct Failure: Error {
    enum Remedy { case none, again }

    var error: UpstreamError
    var remedy: Remedy = .none
    /// What the server asked to wait.
    var retryAfter: Duration?
}

/// Words for everything that goes wrong with one provider. What it says itself is cut, cleaned and freed of our secrets.
struct Failures: Sendable {
    let provider: String
    let limits: ProviderSettings.Limits
    private let secrets: [Secret]

    init(_ settings: ProviderSettings) {
        provider = settings.name
        limits = settings.limits
        secrets = [settings.apiKey].compactMap(\.self) + settings.headers.values
    }

    /// No answer, in a way that asking again does not mend.
    func garbage(_ reason: String) -> UpstreamError {
        .garbage(provider: provider, reason: said(reason))
    }

    // MARK: - Before an answer

    /// - Throws: `CancellationError` where the failure is that nobody waits any more.
    func beforeAnswer(_ error: any Error) throws -> Failure {
        switch error {
        case is CancellationError:
            throw CancellationError()
        case let error as UpstreamError:
            return Failure(error: error)
        case let error as HTTPClientError:
            return beforeAnswer(error)
        case let error as NIOConnectionError:
            return unreachable(Self.reason(error))
        case let error as IOError:
            return unreachable(Self.reason(error))
        case is HTTPParserError:
            return Failure(error: garbage("it does not speak HTTP"))
        default:
            return unreachable(Self.tlsReason(error))
        }
    }

    private func beforeAnswer(_ error: HTTPClientError) -> Failure {
        switch error {
        case .connectTimeout, .tlsHandshakeTimeout, .getConnectionFromPoolTimeout:
            Failure(error: .timedOut(provider: provider, waitingFor: "connect"), remedy: .again)
        case .remoteConnectionClosed:
            unreachable("it closed the connection without an answer")
        default:
            unreachable(error.shortDescription.lowercased())  // the long one can quote a header
        }
    }

    private func unreachable(_ reason: String) -> Failure {
        Failure(error: .unreachable(provider: provider, reason: said(reason)), remedy: .again)
    }

    private static func reason(_ error: NIOConnectionError) -> String {
        if let failure = error.connectionErrors.first {
            let place = "\(error.host):\(error.port)"
            return (failure.error as? IOError).map { "\(place): \(reason($0))" } ?? "no connection to \(place)"
        }
        return "unknown host \(error.host)"
    }

    private static func reason(_ error: IOError) -> String {
        switch error.errnoCode {
        case ECONNREFUSED: "connection refused"
        case ECONNRESET, EPIPE: "connection reset"
        case EHOSTUNREACH, ENETUNREACH: "no route"
        default: "input/output error \(error.errnoCode)"
        }
    }

    /// What is neither HTTP nor a socket's error comes from the TLS library.
    private static func tlsReason(_ error: any Error) -> String {
        "TLS: \(error)"
    }

    // MARK: - Instead of an answer

    /// The failure that a status other than 200 is.
    func refusal(_ status: UInt, headers: HTTPHeaders, body: ErrorBody) -> Failure {
        let status = Int(status)
        let message = said(body.message ?? "status \(status)")
        let wait = RetryAfter.duration(in: headers)
        switch status {
        case 400, 404, 413, 422:
            return Failure(error: .rejected(provider: provider, status: status, message: message))
        case 401, 403:
            return Failure(error: .unauthorized(provider: provider))
        case 429:
            let seconds = wait.map { Int($0.components.seconds) + ($0.components.attoseconds > 0 ? 1 : 0) }
            // An exhausted quota does not come back within a request's patience.
            let isQuota = body.code == "insufficient_quota"
            return Failure(
                error: .rateLimited(provider: provider, retryAfterSeconds: seconds), remedy: isQuota ? .none : .again,
                retryAfter: wait)
        case 500 where message.contains("too large"):
            // llama-server says so of a text to embed that is longer than its batch; it will be the next time too.
            return Failure(error: .rejected(provider: provider, status: status, message: message))
        case 408, 409, 500, 502, 503, 504, 529:
            return Failure(error: .failed(provider: provider, status: status), remedy: .again, retryAfter: wait)
        default:
            return Failure(error: .failed(provider: provider, status: status))
        }
    }

    // MARK: - Amid an answer

    /// - Throws: `CancellationError` where the failure is that nobody waits any more.
    func amidAnswer(_ error: any Error) throws -> UpstreamError {
        switch error {
        case is CancellationError: throw CancellationError()
        case let error as UpstreamError: error
        default: garbage("the connection broke off amid the answer")
        }
    }

    /// At most 500 characters, without control characters and secrets.
    private func said(_ text: String) -> String {
        let redacted = secrets.reduce(text) { $1.redacted(from: $0) }
        var clean = String.UnicodeScalarView()
        for scalar in redacted.unicodeScalars.prefix(4_000) {
            switch scalar.properties.generalCategory {
            case .control, .lineSeparator, .paragraphSeparator: clean.append(" ")
            case .format: continue  // could turn the direction of what follows in a log
            default: clean.append(scalar)
            }
        }
        return String(String(clean).prefix(500))
    }
}
