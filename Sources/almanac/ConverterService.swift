import AsyncHTTPClient
import Foundation
import Knowledge
import NIOCore
import NIOHTTP1
import Reading

/// Converts files by services that are reached over HTTP, such as Tika or docling.
enum ConverterService {
    /// Sends the file, and gives back the body of the answer.
    ///
    /// - Throws: `DocumentFailure` where the service refuses the file; other errors where it cannot be had, so that it is tried
    ///   again later.
    static func post(_ data: Data, filename: String, to converter: Converter) async throws -> Data {
        guard case .service(let url, let body) = converter.way else { return data }
        var request = HTTPClientRequest(url: url)
        request.method = .POST
        fill(&request, body, data, filename)
        do {
            let answer = try await HTTPClient.shared.execute(
                request, timeout: .seconds(Int64(converter.timeoutSeconds)))
            switch answer.status.code {
            case 200..<300:
                let body = try await answer.body.collect(upTo: Converter.maxOutputBytes)
                return Data(body.readableBytesView)
            case 400..<500 where answer.status != .tooManyRequests: throw converter.failed()
            default: throw ReaderUnusable("the converter '\(converter.name)' answered with \(answer.status.code)")
            }
        } catch is NIOTooManyBytesError {
            throw converter.failed(.tooLarge)
        } catch let error as HTTPClientError where error == .deadlineExceeded {
            throw converter.failed(.timedOut)
        }
    }

    private static func fill(
        _ request: inout HTTPClientRequest, _ body: Converter.Body, _ data: Data, _ filename: String
    ) {
        switch body {
        case .raw:
            request.headers.add(name: "Content-Type", value: "application/octet-stream")
            request.body = .bytes(ByteBuffer(bytes: data))
        case .multipart:
            // Nothing in a file can be mistaken for what it cannot foresee.
            let boundary = "almanac-\(UUID().uuidString)"
            request.headers.add(name: "Content-Type", value: "multipart/form-data; boundary=\(boundary)")
            var form = ByteBuffer()
            form.writeString(
                "--\(boundary)\r\nContent-Disposition: form-data; name=\"file\"; filename=\"\(filename)\"\r\n")
            form.writeString("Content-Type: application/octet-stream\r\n\r\n")
            form.writeBytes(data)
            form.writeString("\r\n--\(boundary)--\r\n")
            request.body = .bytes(form)
        }
    }
}
