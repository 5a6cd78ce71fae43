import FoundationEssentials
import Knowledge

/// What a server says about a request that it refused, in any of the shapes in use.
struct ErrorBody: Sendable {
    private(set) var message: String?
    private(set) var code: String?

    init(_ bytes: [UInt8]) {
        // What is no JSON has no message: an HTML page of a gateway, mostly.
        self.init((try? JSONValue(json: Data(bytes))) ?? .null)
    }

    /// OpenAI has `error.message`; Ollama `error`; FastAPI `detail`, text or a list with `msg`; others `message`.
    init(_ value: JSONValue) {
        if let error = value["error"], error != .null {
            message = error["message"]?.string ?? error.string ?? "an error without a message"
            code = error["code"]?.string ?? error["type"]?.string
        } else if let text = value["detail"]?.string ?? value["message"]?.string {
            message = text
        } else if let first = value["detail"]?.array?.first {
            message = first["msg"]?.string
        }
    }
}
