import Crypto
package import FoundationEssentials
package import Knowledge

/// Somebody who wants to be told, and the secret by which they know that it is us.
package struct WebhookEndpoint: Sendable {
    package let url: String
    package let events: Set<WebhookEvent>
    private let key: SymmetricKey

    /// - Parameter secret: `whsec_` and base64, as Standard Webhooks has it, or any text; nil where it has less than 24
    ///   bytes, as the specification asks for.
    package init?(url: String, secret: String, events: Set<WebhookEvent>) {
        let prefix = "whsec_"
        let bytes = secret.hasPrefix(prefix) ? Data(base64Encoded: String(secret.dropFirst(prefix.count))) : Data(secret.utf8)
        guard let bytes, bytes.count >= 24 else { return nil }
        self.url = url
        self.events = events
        key = SymmetricKey(data: bytes)
    }

    /// The headers of a message after Standard Webhooks: HMAC-SHA256 over id, time in seconds, and body.
    func headers(id: String, seconds: Int, body: Data) -> [(String, String)] {
        let signed = Data("\(id).\(seconds).".utf8) + body
        let signature = Data(HMAC<SHA256>.authenticationCode(for: signed, using: key)).base64EncodedString()
        return [
            ("content-type", "application/json"), ("webhook-id", id), ("webhook-timestamp", "\(seconds)"),
            ("webhook-signature", "v1,\(signature)"),
        ]
    }
}

/// Sends one message; the answer's body does not matter.
package protocol WebhookSender: Sendable {
    /// - Returns: The status of the answer.
    func post(_ body: Data, headers: [(String, String)], to url: String) async throws -> Int
}
