import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import Service

/// Sends webhooks over HTTP.
final class WebhookClient: WebhookSender {
    private static let deadline = TimeAmount.seconds(10)

    private let client: HTTPClient

    init() {
        // A redirect would lead to where nobody configured it.
        client = HTTPClient(
            configuration: HTTPClient.Configuration(
                redirectConfiguration: .disallow, timeout: .init(connect: .seconds(5)), decompression: .disabled))
    }

    deinit {
        client.shutdown { _ in }
    }

    func post(_ body: Data, headers: [(String, String)], to url: String) async throws -> Int {
        var request = HTTPClientRequest(url: url)
        request.method = .POST
        request.headers = HTTPHeaders(headers)
        request.headers.add(name: "user-agent", value: "almanac/\(Almanac.version)")
        request.body = .bytes(ByteBuffer(bytes: body))
        return Int(try await client.execute(request, timeout: Self.deadline).status.code)
    }
}
