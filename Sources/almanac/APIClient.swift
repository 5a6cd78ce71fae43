import AsyncHTTPClient
import Foundation
import Knowledge
import NIOCore
import NIOHTTP1
import OpenAIWire

/// Speaks to an Almanac server as any other client does; what the commands are made of.
struct APIClient: Sendable {
    let baseURL: String
    let key: String
    let http: HTTPClient
    /// Whether the server ends with the command, and work that it left undone would wait for the next one.
    var isTemporary = false

    /// Longest answers that are read.
    private static let maxAnswerBytes = 256 << 20

    func get(_ path: String) async throws -> JSONValue { try await send("GET", path, nil) }

    func post(_ path: String, _ body: JSONValue) async throws -> JSONValue { try await send("POST", path, body) }

    func delete(_ path: String) async throws -> JSONValue { try await send("DELETE", path, nil) }

    /// All elements of a list in OpenAI's shape.
    func list(_ path: String) async throws -> [JSONValue] {
        var elements: [JSONValue] = []
        var after = ""
        while true {
            let page = try await get("\(path)?limit=100\(after)")
            elements += page["data"]?.array ?? []
            guard page["has_more"] == true, let last = page["last_id"]?.string else { return elements }
            after = "&after=\(last)"
        }
    }

    /// Uploads one file as a form.
    func upload(_ file: URL, to path: String) async throws -> JSONValue {
        let boundary = "almanac-\(UUID().uuidString)"
        let name = file.lastPathComponent.replacing("\"", with: "%22")
        let head =
            "--\(boundary)\r\nContent-Disposition: form-data; name=\"file\"; filename=\"\(name)\"\r\n"
            + "Content-Type: application/octet-stream\r\n\r\n"
        let content = try Data(contentsOf: file, options: .mappedIfSafe)
        var body = ByteBuffer(string: head)
        body.writeBytes(content)
        body.writeString("\r\n--\(boundary)--\r\n")
        var request = request("POST", path)
        request.headers.add(name: "Content-Type", value: "multipart/form-data; boundary=\(boundary)")
        request.body = .bytes(body)
        return try await answer(to: request)
    }

    /// Puts a file as it is.
    func put(_ file: URL, to path: String) async throws -> JSONValue {
        var request = request("PUT", path)
        request.headers.add(name: "Content-Type", value: "application/octet-stream")
        request.body = .bytes(ByteBuffer(bytes: try Data(contentsOf: file, options: .mappedIfSafe)))
        return try await answer(to: request)
    }

    private func send(_ method: String, _ path: String, _ body: JSONValue?) async throws -> JSONValue {
        var request = request(method, path)
        if let body {
            request.headers.add(name: "Content-Type", value: "application/json")
            request.body = .bytes(ByteBuffer(bytes: try body.json()))
        }
        return try await answer(to: request)
    }

    private func request(_ method: String, _ path: String) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: baseURL + path)
        request.method = .init(rawValue: method)
        request.headers.add(name: "Authorization", value: "Bearer \(key)")
        return request
    }

    private func answer(to request: HTTPClientRequest) async throws -> JSONValue {
        let response: HTTPClientResponse
        do {
            response = try await http.execute(request, timeout: .minutes(15))
        } catch {
            throw CommandFailure(.unavailable, "No answer from \(baseURL): \(error)")
        }
        let data = Data(try await response.body.collect(upTo: Self.maxAnswerBytes).readableBytesView)
        // What is no JSON is shown by its status alone.
        let value = (try? JSONValue(json: data)) ?? .null
        guard (200..<300).contains(response.status.code) else {
            let message = value["error"]?["message"]?.string ?? "The server answered \(response.status.code)."
            throw CommandFailure(Self.exit(for: response.status.code), message)
        }
        return value
    }

    private static func exit(for status: UInt) -> CommandExit {
        switch status {
        case 400, 413, 415, 422: .failed
        case 401, 403: .unauthorized
        case 404: .notFound
        case 409: .conflict
        case 429, 502, 503, 504: .unavailable
        default: .failed
        }
    }
}
