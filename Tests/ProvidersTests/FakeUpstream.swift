import FoundationEssentials
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Knowledge
import Logging
import Synchronization

@testable import Providers

/// A request that reached the fake.
struct Seen: Sendable {
    var path: String
    var headers: [String: String]
    var body: JSONValue
}

/// What the fake does with a request.
enum Act: Sendable {
    case answer(status: Int = 200, headers: [String: String] = ["content-type": "application/json"], String)
    /// Events with these data, then the end.
    case events([String])
    /// Bytes of an event stream, then the end.
    case bytes([String], then: Ending = .end)
    /// Not even a head.
    case silence

    enum Ending: Sendable {
        case end
        /// Nothing more comes, and the connection stays open.
        case silence
        /// The connection closes without the end of the body.
        case breakOff
        /// Comments, every so many milliseconds.
        case comments(everyMilliseconds: Int)
        /// The same piece, as fast as it is taken.
        case endless(String)
    }

    static func json(_ value: JSONValue, status: Int = 200) -> Act {
        .answer(status: status, text(of: value))
    }
}

func text(of value: JSONValue) -> String {
    String(decoding: (try? JSONEncoder().encode(value)) ?? Data(), as: UTF8.self)
}

/// An OpenAI-compatible server on loopback that does what a closure says, and remembers what it was asked.
final class FakeUpstream: Sendable {
    private let seen = Mutex<[Seen]>([])
    private let closings = AsyncStream<Void>.makeStream()
    private let act: @Sendable (Seen) async -> Act

    private init(_ act: @escaping @Sendable (Seen) async -> Act) {
        self.act = act
    }

    var requests: [Seen] { seen.withLock { $0 } }

    /// Waits until a connection that the fake left open was closed by its peer.
    func connectionClosed() async {
        for await _ in closings.stream { return }
    }

    /// Runs the fake for as long as `test` runs, and gives it the settings to reach it, without retries.
    static func run(
        _ act: @escaping @Sendable (Seen) async -> Act,
        _ test: @Sendable (FakeUpstream, ProviderSettings) async throws -> Void
    ) async throws {
        let upstream = FakeUpstream(act)
        let router = Router()
        for method in [HTTPRequest.Method.get, .post] {
            router.on("**", method: method) { request, _ in try await upstream.respond(to: request) }
        }
        var logger = Logger(label: "fake")
        logger.logLevel = .critical
        let application = Application(router: router, logger: logger)
        try await application.test(.live) { client in
            try await test(upstream, .testing(port: client.port ?? 0))
        }
    }

    private func respond(to request: Request) async throws -> Response {
        // Unlike `body.collect` this leaves a body that `waitForClosing` can consume once more.
        var request = request
        let bytes = try await request.collectBody(upTo: 16 << 20)
        let headers = request.headers.map { ($0.name.canonicalName, $0.value) }
        let entry = Seen(
            path: request.uri.path, headers: Dictionary(headers) { first, _ in first },
            body: (try? JSONDecoder().decode(JSONValue.self, from: Data(bytes.readableBytesView))) ?? .null)
        seen.withLock { $0.append(entry) }
        switch await act(entry) {
        case .answer(let status, let headers, let text):
            var fields = HTTPFields()
            for (name, value) in headers { HTTPField.Name(name).map { fields[$0] = value } }
            return Response(
                status: .init(code: status), headers: fields, body: .init(byteBuffer: ByteBuffer(string: text)))
        case .events(let events):
            return stream(events.map { "data: \($0)\n\n" }, then: .end, of: request)
        case .bytes(let pieces, let ending):
            return stream(pieces, then: ending, of: request)
        case .silence:
            defer { closings.continuation.yield() }
            try await waitForClosing(of: request)
            return Response(status: .noContent)
        }
    }

    private func stream(_ pieces: [String], then ending: Act.Ending, of request: Request) -> Response {
        Response(
            status: .ok, headers: [.contentType: "text/event-stream"],
            body: .init { writer in
                // After `.end` too, where nobody waits for it.
                defer { self.closings.continuation.yield() }
                for piece in pieces { try await writer.write(ByteBuffer(string: piece)) }
                switch ending {
                case .end: try await writer.finish(nil)
                case .silence: try await self.waitForClosing(of: request)
                case .breakOff: throw CancellationError()
                case .comments(let interval):
                    while true {
                        try await Task.sleep(for: .milliseconds(interval))
                        try await writer.write(ByteBuffer(string: ": still here\n\n"))
                    }
                case .endless(let piece):
                    while true { try await writer.write(ByteBuffer(string: piece)) }
                }
            })
    }

    private func waitForClosing(of request: Request) async throws {
        try await request.body.consumeWithCancellationOnInboundClose { _ in
            try await Task.sleep(for: .seconds(60))
        }
    }
}

extension ProviderSettings {
    static let testKey = "sk-test-4f0c7b1e9d"

    static func testing(port: Int, scheme: String = "http", host: String = "127.0.0.1") throws -> ProviderSettings {
        var settings = try ProviderSettings(
            name: "fake", baseURL: "\(scheme)://\(host):\(port)/v1", apiKey: Secret(testKey))
        settings.timeouts.connect = .seconds(60)
        settings.retries.limit = 0
        return settings
    }
}

extension Prompt {
    /// A prompt of one question.
    static func asking(_ question: String = "why", parameters: [String: JSONValue] = [:]) -> Prompt {
        Prompt(
            model: "m", messages: [["role": "user", "content": .string(question)]], parameters: parameters,
            question: question, passages: [], isGrounded: false)
    }
}

extension LanguageModel {
    /// All events of an answer, and what ended it where that was an error.
    func events(for prompt: Prompt = .asking()) async -> (events: [ModelEvent], error: (any Error)?) {
        var events: [ModelEvent] = []
        do {
            for try await event in try await answer(prompt) { events.append(event) }
            return (events, nil)
        } catch {
            return (events, error)
        }
    }
}

/// Data of chat chunks.
enum Chunk {
    static func delta(_ delta: JSONValue, finish: JSONValue = .null) -> String {
        let choice: JSONValue = ["index": 0, "delta": delta, "finish_reason": finish]
        return text(of: ["object": "chat.completion.chunk", "choices": [choice]])
    }
    static func text(_ content: String) -> String { delta(["content": .string(content)]) }
    static func text(of value: JSONValue) -> String { ProvidersTests.text(of: value) }
    static func finish(_ reason: String) -> String { delta([:], finish: .string(reason)) }
    static let done = "[DONE]"
}
