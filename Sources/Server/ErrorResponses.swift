import Foundation
import HTTPTypes
import Hummingbird
import Knowledge
import NIOCore
import OpenAIWire

/// An error as OpenAI's clients read it. The one place where errors become statuses.
struct ErrorAnswer: Sendable {
    var status: HTTPResponse.Status
    var message: String
    var type = "invalid_request_error"
    var parameter: String?
    var code: String?
    var headers: HTTPFields = [:]

    /// `{"error": {"message", "type", "param", "code"}}`
    var body: JSONValue {
        [
            "error": [
                "message": .string(message), "type": .string(type), "param": parameter.map(JSONValue.string) ?? .null,
                "code": code.map(JSONValue.string) ?? .null,
            ]
        ]
    }

    /// Errors that are nobody's mistake but ours say nothing of the inside; the log does.
    init(_ error: any Error) {
        switch error {
        case let error as RequestError: self.init(request: error)
        case let error as Misnamed:
            self.init(error.error)
            parameter = error.parameter
        case let error as UpstreamError: self.init(upstream: error)
        case let error as any StoreFailure: self.init(store: error)
        case is NIOTooManyBytesError: self.init(status: .contentTooLarge, message: "The body is too large.")
        case let error as HTTPError:
            self.init(status: error.status, message: error.body ?? error.status.reasonPhrase)
            if error.status.code >= 500 { type = "server_error" }
            headers = error.headers
        case is ClientLeft:
            // Read by nobody; for the log and the figures, where it is no fault of the server's.
            self.init(status: HTTPResponse.Status(code: 499, reasonPhrase: "Client Closed Request"), message: "The client left.")
        case is CancellationError:
            self.init(status: .serviceUnavailable, message: "The request was interrupted.", type: "server_error")
            headers[.retryAfter] = "1"
        default:
            self.init(status: .internalServerError, message: "Something went wrong on our side.", type: "server_error")
        }
    }

    init(
        status: HTTPResponse.Status, message: String, type: String = "invalid_request_error", parameter: String? = nil,
        code: String? = nil
    ) {
        self.status = status
        self.message = message
        self.type = type
        self.parameter = parameter
        self.code = code
    }

    private init(request error: RequestError) {
        switch error {
        case .notFound(let kind, let id, let parameter):
            self.init(
                status: .notFound, message: "There is no \(kind) '\(id)'.", parameter: parameter, code: "not_found")
        case .unknownModel(let model):
            self.init(
                status: .notFound, message: "The model '\(model)' does not exist.", parameter: "model",
                code: "model_not_found")
        case .missing(let parameter):
            self.init(
                status: .badRequest, message: "Missing required parameter: '\(parameter)'.", parameter: parameter,
                code: "missing_required_parameter")
        case .wrongType(let parameter, let expected):
            self.init(
                status: .badRequest, message: "Invalid type for '\(parameter)': expected \(expected).",
                parameter: parameter, code: "invalid_type")
        case .invalid(let parameter, let message):
            self.init(
                status: .badRequest, message: parameter.map { "Invalid '\($0)': \(message)." } ?? message,
                parameter: parameter, code: "invalid_value")
        case .malformed(let message):
            self.init(status: .badRequest, message: message, code: "invalid_json")
        case .tooLarge(let limit):
            self.init(status: .contentTooLarge, message: "At most \(limit) bytes are accepted here.")
        case .unsupportedMediaType(let message):
            self.init(status: .unsupportedMediaType, message: message)
        case .unauthenticated:
            self.init(
                // litellm tells a wrong key from a bad request by OpenAI's first four words.
                status: .unauthorized,
                message: "Incorrect API key provided, or none. Send it as 'Authorization: Bearer <key>'.",
                code: "invalid_api_key")
        case .forbidden(let message):
            self.init(status: .forbidden, message: message, type: "permission_error")
        case .conflict(let message):
            self.init(status: .conflict, message: message, code: "conflict")
            headers[.shouldRetry] = "false"
        case .nothingFound:
            self.init(
                status: .unprocessableContent, message: "The knowledge bases hold nothing about this question.",
                code: "nothing_found")
        case .contextExceeded(let window):
            self.init(
                status: .badRequest, message: "The question does not fit into the model's \(window) tokens.",
                parameter: "messages", code: "context_length_exceeded")
        case .tooManyTokens(let parameter, let limit):
            self.init(
                status: .badRequest, message: "Invalid '\(parameter)': must have at most \(limit) tokens.",
                parameter: parameter, code: "context_length_exceeded")
        case .tooMany(let message, let seconds):
            self.init(status: .tooManyRequests, message: message, type: "rate_limit_error", code: "rate_limit_exceeded")
            headers[.retryAfter] = "\(seconds)"
        }
    }

    /// What our own provider's account is denied is no denial of the client's: 401 and 403 become 502.
    private init(upstream error: UpstreamError) {
        switch error {
        case .rejected(let provider, let status, let message):
            self.init(
                status: HTTPResponse.Status(code: status == 404 ? 404 : 400),
                message: "The model server '\(provider)' refused the request: \(message)", code: "upstream_rejected")
            return
        case .contextExceeded(let provider, _, let message):
            self.init(
                status: .badRequest, message: "The model server '\(provider)' refused the request: \(message)",
                parameter: "messages", code: "context_length_exceeded")
            return
        case .rateLimited(let provider, let seconds):
            self.init(
                status: .tooManyRequests, message: "The model server '\(provider)' is at its limit.",
                type: "rate_limit_error", code: "rate_limit_exceeded")
            headers[.retryAfter] = "\(seconds ?? 1)"
            return
        case .resting(let provider, let seconds):
            self.init(
                status: .serviceUnavailable,
                message: "The model server '\(provider)' failed too often of late and is left alone for a while.",
                code: "upstream_resting")
            headers[.retryAfter] = "\(seconds)"
        case .timedOut(let provider, let waitingFor):
            self.init(
                status: .gatewayTimeout, message: "The model server '\(provider)' took too long (\(waitingFor)).",
                code: "upstream_timeout")
        case .unreachable(let provider, _):
            self.init(
                status: .badGateway, message: "The model server '\(provider)' cannot be reached.",
                code: "upstream_unreachable")
        case .unauthorized(let provider):
            self.init(
                status: .badGateway, message: "The model server '\(provider)' refused this server's credentials.",
                code: "upstream_unauthorized")
        case .failed(let provider, let status):
            self.init(
                status: .badGateway, message: "The model server '\(provider)' failed with status \(status).",
                code: "upstream_failed")
        case .garbage(let provider, let reason):
            self.init(
                status: .badGateway, message: "The model server '\(provider)' gave no usable answer: \(reason)",
                code: "upstream_garbage")
        }
        type = "server_error"
    }

    private init(store error: any StoreFailure) {
        switch error.consequence {
        case .full:
            self.init(
                status: HTTPResponse.Status(code: 507), message: "There is no space left on this server.",
                type: "server_error", code: "insufficient_storage")
        case .busy:
            self.init(
                status: .serviceUnavailable, message: "The database is busy. Try again in a moment.",
                type: "server_error", code: "storage_busy")
            headers[.retryAfter] = "1"
        case .broken:
            self.init(
                status: .internalServerError, message: "Something went wrong on our side.", type: "server_error")
        }
    }
}

/// An error of a use case whose parameter has another name in the request that it came from.
struct Misnamed: Error {
    var error: any Error
    var parameter: String
}

extension HTTPField.Name {
    static let requestID = constant("x-request-id")
    static let shouldRetry = constant("x-should-retry")
    static let apiKey = constant("X-API-KEY")
    static let accelBuffering = constant("X-Accel-Buffering")
    static let processingTime = constant("openai-processing-ms")
    static let contentTypeOptions = constant("X-Content-Type-Options")

    /// A name that stands in the source.
    static func constant(_ name: String) -> Self {
        guard let name = Self(name) else { preconditionFailure("\(name) cannot be a header's name") }
        return name
    }
}
