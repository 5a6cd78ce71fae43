import Knowledge
import Testing

@testable import Providers

@Suite("The settings of a provider")
struct ProviderSettingsTests {
    @Test(
        "take an http or https address and drop the slash at its end",
        arguments: [
            ("http://127.0.0.1:8000/v1", "http://127.0.0.1:8000/v1"),
            ("https://a.example/v1//", "https://a.example/v1"),
            ("HTTP://a.example", "HTTP://a.example"), ("http://[::1]:80/x/v1", "http://[::1]:80/x/v1"),
        ])
    func accepts(text: String, base: String) throws {
        #expect(try ProviderSettings(name: "p", baseURL: text).baseURL == base)
    }

    @Test(
        "refuse any other address",
        arguments: [
            "", "/v1", "a.example/v1", "ftp://a.example", "file:///etc/passwd", "http://", "http:///v1", "unix:/x",
            "http+unix://%2Ftmp/v1", "http://user:secret@a.example/v1", "http://u@a.example",
            "http://a.example/v1?key=x",
            "http://a.example/v1#x", "http://a.example:99999/v1", "http://a.example:0/v1", "http://a b/v1",
        ])
    func refuses(text: String) {
        #expect(throws: ProviderSettingsError.self) { try ProviderSettings(name: "p", baseURL: text) }
    }

    @Test("refuse keys and headers that would break a request apart")
    func headers() throws {
        let base = "http://a.example/v1"
        for value in ["a\r\nhost: b", "ключ", "a\0"] {
            #expect(throws: ProviderSettingsError.invalidKey(provider: "p")) {
                try ProviderSettings(name: "p", baseURL: base, apiKey: Secret(value))
            }
            #expect(throws: ProviderSettingsError.invalidHeader(provider: "p", field: "x")) {
                try ProviderSettings(name: "p", baseURL: base, headers: ["x": Secret(value)])
            }
        }
        for field in ["", "a b", "a:", "ü", "a\n"] {
            #expect(throws: ProviderSettingsError.invalidHeader(provider: "p", field: field)) {
                try ProviderSettings(name: "p", baseURL: base, headers: [field: Secret("x")])
            }
        }
        #expect(try ProviderSettings(name: "p", baseURL: base, apiKey: Secret(" \n")).apiKey == nil)
    }

    @Test("never show a secret")
    func secrets() throws {
        let secret = Secret(" sk-0123456789\n")
        #expect(secret.value == "sk-0123456789")
        let settings = try ProviderSettings(
            name: "p", baseURL: "http://a.example", apiKey: secret, headers: ["api-key": secret])
        var dumped = ""
        dump(settings, to: &dumped)
        for text in ["\(settings)", String(reflecting: settings), dumped, "\(secret)", String(reflecting: secret)] {
            #expect(!text.contains("0123456789"))
        }
        #expect(secret.redacted(from: "a sk-0123456789, sk-0123456789") == "a [redacted], [redacted]")
        #expect(Secret("abc").redacted(from: "abc") == "abc")
    }

    @Test("send the headers and the key, a configured authorization giving way to the key")
    func sent() async throws {
        try await FakeUpstream.run { _ in
            .json(["data": []])
        } _: { upstream, settings in
            for key in [Secret("abc"), nil] {
                let settings = try ProviderSettings(
                    name: "p", baseURL: settings.baseURL, apiKey: key,
                    headers: ["authorization": Secret("Basic x"), "x-extra": Secret("y")])
                _ = try await OpenAICompatibleProvider(settings).models()
            }
            #expect(upstream.requests.map { $0.headers["authorization"] } == ["Bearer abc", "Basic x"])
            #expect(upstream.requests.map { $0.headers["x-extra"] } == ["y", "y"])
        }
    }
}
