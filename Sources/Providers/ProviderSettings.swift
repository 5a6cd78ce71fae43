import FoundationEssentials

/// What must be known to talk to one OpenAI-compatible server.
package struct ProviderSettings: Sendable {
    /// What errors and model lists call it.
    package let name: String
    /// Scheme, host and path up to and including `/v1` where the server has one; no `/` at the end.
    package let baseURL: String
    /// Sent as a bearer token, to `baseURL` only.
    package let apiKey: Secret?
    /// Sent with every request. Values may be credentials.
    package let headers: [String: Secret]
    /// The language models to offer; `nil` means what its `/models` lists.
    package var models: [String]?
    /// What clients may call this server's models beside their own names: our name to the server's.
    package var aliases: [String: String] = [:]
    /// Models that embed and do not answer.
    package var embeddingModels: [String] = []
    /// Tokens that prompt and answer may have together, for every model of this server; `nil` means what its `/models`
    /// says, if it says it.
    package var contextTokens: Int?
    /// Whether its models read pictures and sound; where not, a request with any is refused before it is sent.
    package var takesMedia = true
    /// Whether it refuses parameters that OpenAI does not have, so that only OpenAI's are sent.
    package var isStrict = false
    package var timeouts = Timeouts()
    package var limits = Limits()
    package var retries = Retries()
    package var breaker = Breaker()

    /// Checks everything that could later make every request fail.
    ///
    /// - Parameters:
    ///   - baseURL: `http` or `https`, without user, query or fragment.
    ///   - apiKey: An empty one is none.
    package init(
        name: String, baseURL: String, apiKey: Secret? = nil, headers: [String: Secret] = [:]
    ) throws(ProviderSettingsError) {
        self.name = name
        self.baseURL = try Self.checked(baseURL, provider: name)
        self.apiKey = apiKey.flatMap { $0.value.isEmpty ? nil : $0 }
        self.headers = headers
        guard Self.canBeHeaderValue(self.apiKey?.value ?? "") else { throw .invalidKey(provider: name) }
        for (field, value) in headers where !Self.canBeHeaderName(field) || !Self.canBeHeaderValue(value.value) {
            throw .invalidHeader(provider: name, field: field)
        }
    }

    /// How long a server may take.
    package struct Timeouts: Sendable, Hashable {
        /// Until a connection stands, name lookup and TLS included.
        package var connect: Duration = .seconds(5)
        /// From the request to the first piece of the answer, retries included.
        package var firstToken: Duration = .seconds(60)
        /// Between two signs of life of an answer.
        package var gap: Duration = .seconds(30)
        /// For the whole answer.
        package var total: Duration = .seconds(600)

        package init() {}
    }

    /// How much a server may send, and how much is asked of it at once.
    package struct Limits: Sendable, Hashable {
        package var maxResponseBytes = 8 << 20
        /// Of one line, and of one event, of a streamed answer.
        package var maxLineBytes = 256 << 10
        /// Open at the same time; a request beyond waits, at most for the connect timeout.
        package var connections = 64

        package init() {}
    }

    /// When a request that got no answer is sent again: after a failed connection and statuses 408, 409, 429, 500, 502,
    /// 503, 504 and 529, never once an answer has begun, never past the first token's deadline.
    package struct Retries: Sendable, Hashable {
        package var limit = 2
        /// Doubles with every retry; half of it is left to chance.
        package var firstDelay: Duration = .milliseconds(500)
        /// A server that asks to wait longer than this is not asked again.
        package var longestDelay: Duration = .seconds(2)

        package init() {}
    }

    /// When a model that keeps failing is left alone.
    package struct Breaker: Sendable, Hashable {
        /// Answers that failed one after the other within `window`; 0 means that it is always asked.
        package var failures = 5
        package var window: Duration = .seconds(30)
        /// How long it is left alone before one request tries it again.
        package var rest: Duration = .seconds(15)

        package init() {}
    }
}

/// A provider that cannot be used as it is configured.
package enum ProviderSettingsError: Error, Hashable, Sendable {
    case invalidBaseURL(provider: String, reason: String)
    /// The key has characters that no HTTP header can carry.
    case invalidKey(provider: String)
    case invalidHeader(provider: String, field: String)
}

extension ProviderSettings {
    private static func checked(_ text: String, provider: String) throws(ProviderSettingsError) -> String {
        func invalid(_ reason: String) -> ProviderSettingsError {
            .invalidBaseURL(provider: provider, reason: reason)
        }
        guard let url = URL(string: text) else { throw invalid("it is not a URL") }
        guard let scheme = url.scheme?.lowercased(), ["http", "https"].contains(scheme) else {
            throw invalid("it must begin with http:// or https://")
        }
        guard let host = url.host(), !host.isEmpty else { throw invalid("it names no host") }
        guard url.user() == nil, url.password() == nil else {
            throw invalid("it must not contain a user or password; set api_key or headers instead")
        }
        guard url.query() == nil, url.fragment() == nil else { throw invalid("it must have no query and no fragment") }
        guard (1...65_535).contains(url.port ?? 1) else { throw invalid("its port is out of range") }
        var base = url.absoluteString
        while base.hasSuffix("/") { base.removeLast() }
        return base
    }

    /// RFC 9110: a token.
    private static func canBeHeaderName(_ name: String) -> Bool {
        !name.isEmpty
            && name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
                }
            }
    }

    private static func canBeHeaderValue(_ value: String) -> Bool {
        value.utf8.allSatisfy { (0x20...0x7E).contains($0) }
    }
}
