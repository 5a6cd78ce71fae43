import Testing

@testable import Server

@Suite("A path with something in front of the API")
struct PrefixTests {
    private static let beginnings = RouteBeginnings(
        ["models", "chat/completions", "files/:file", "search", "v1/models", "v1/chat/completions", "api/v1/experts", "oai/models"]
            .map { $0.split(separator: "/").map(String.init) })

    @Test(
        "is taken from the API on",
        arguments: [
            ("/vm/3f2a/v1/models", "/v1/models"), ("/vm/3f2a/v1/chat/completions?x=v1", "/v1/chat/completions?x=v1"),
            ("/api/openai/v1/models", "/v1/models"), ("/search/v1/models", "/v1/models"), ("/chat/v1/models", "/v1/models"),
            ("/p/v1/gateway/v1/models", "/v1/models"), ("/p/api/v1/experts", "/api/v1/experts"), ("/a/oai/models", "/oai/models"),
        ])
    func prefixed(path: String, rest: String) {
        #expect(withoutPrefix(path, Self.beginnings) == rest)
    }

    @Test(
        "is left as it is where it begins as a route does, or hides none",
        arguments: ["/models", "/files/v1/models", "/v1/models", "/v1/models/a/v1/models", "/", "/vm/3f2a", "/vm/v1", "/x?y=/v1/models"])
    func plain(path: String) {
        #expect(withoutPrefix(path, Self.beginnings) == nil)
    }
}
