import Documents
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import NIOCore
import Storage
import Synchronization
import TestSupport

@testable import Knowledge
@testable import OpenAIWire
@testable import Server
@testable import Service
@testable import almanac

/// A whole server on a free port and an empty data directory, with an embedder that needs no model.
struct TestServer {
    let client: any TestClientProtocol
    let services: Services
    /// An admin key of the tenant `default`.
    var key = TestServer.adminKey

    static let adminKey = "test-admin-key-0123456789"

    static func run(
        uploadLimitBytes: Int = 1 << 20, models: [ModelCard: any LanguageModel] = [:],
        embedders: Embedders = Embedders(standard: WordEmbedder()),
        configure: (inout Configuration) -> Void = { _ in },
        _ test: @escaping @Sendable (TestServer) async throws -> Void
    ) async throws {
        let folder = try TemporaryDirectory()
        var configuration = Configuration()
        configuration.dataDirectory = folder.path + "/data"
        configuration.uploadLimitBytes = uploadLimitBytes
        configuration.threads = 2
        configure(&configuration)
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let services = try buildServices(
            configuration, embedders: embedders, moreModels: models.map { ($0.key, $0.value) },
            reader: InProcessReader(workers: Workers(count: 1, name: "reader")), sessionSecret: nil, logger: logger)
        _ = try await services.keys.adopt(adminKey)
        let application = try buildApplication(
            services, host: "127.0.0.1", port: 0, with: [services.runner, services.batchRunner], onRunning: { _ in })
        try await application.test(.live) { client in
            try await test(TestServer(client: client, services: services))
        }
        try await services.database.close()
    }

    /// A server as another key's holder sees it.
    func with(key: String) -> TestServer { TestServer(client: client, services: services, key: key) }

    struct Answer {
        var status: Int
        var headers: HTTPFields
        var body: String
        /// The body as JSON, null where it is none.
        var json: JSONValue { (try? JSONDecoder().decode(JSONValue.self, from: Data(body.utf8))) ?? .null }
        var error: JSONValue? { json["error"] }
        /// The data of the server-sent events.
        var events: [String] {
            body.components(separatedBy: "\n\n").filter { $0.hasPrefix("data: ") }.map { String($0.dropFirst(6)) }
        }
    }

    func send(
        _ method: HTTPRequest.Method, _ path: String, _ body: String? = nil, type: String = "application/json",
        headers: HTTPFields = [:]
    ) async throws -> Answer {
        var headers = headers
        if headers[.authorization] == nil, headers[.apiKey] == nil, !key.isEmpty {
            headers[.authorization] = "Bearer \(key)"
        }
        if body != nil { headers[.contentType] = type }
        return try await client.execute(
            uri: path, method: method, headers: headers, body: body.map { ByteBuffer(string: $0) }
        ) { response in
            Answer(status: response.status.code, headers: response.headers, body: String(buffer: response.body))
        }
    }

    func get(_ path: String) async throws -> Answer { try await send(.get, path) }
    func post(_ path: String, _ body: JSONValue) async throws -> Answer {
        try await send(.post, path, String(decoding: body.json(), as: UTF8.self))
    }
    func delete(_ path: String) async throws -> Answer { try await send(.delete, path) }

    /// Uploads a file and returns its id.
    func upload(_ name: String, _ text: String) async throws -> Answer {
        let form =
            "--b\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nassistants\r\n--b\r\n"
            + "Content-Disposition: form-data; name=\"file\"; filename=\"\(name)\"\r\n\r\n\(text)\r\n--b--\r\n"
        return try await send(.post, "/v1/files", form, type: "multipart/form-data; boundary=b")
    }

    /// A knowledge base of these documents, all indexed.
    func knowledgeBase(_ documents: [(name: String, text: String)]) async throws -> String {
        let base = try await post("/v1/vector_stores", ["name": "test"]).json["id"]?.string ?? ""
        for document in documents {
            let file = try await upload(document.name, document.text).json["id"]?.string ?? ""
            _ = try await post("/v1/vector_stores/\(base)/files", ["file_id": .string(file)])
        }
        while try await get("/v1/vector_stores/\(base)").json["status"] == "in_progress" { await Task.yield() }
        return base
    }

    /// Asks one question with these `alan` fields.
    func ask(_ question: String, model: String = "extractive", _ alan: JSONValue = [:], _ more: [String: JSONValue] = [:])
        async throws -> Answer
    {
        let fields: [String: JSONValue] = [
            "model": .string(model), "messages": [["role": "user", "content": .string(question)]], "alan": alan,
        ]
        return try await post("/v1/chat/completions", .object(fields.merging(more) { _, more in more }))
    }
}

/// A model that plays its part: it yields what it was told, and remembers what it was asked.
final class ScriptedModel: LanguageModel, Sendable {
    enum Step: Sendable {
        case event(ModelEvent)
        case failure(UpstreamError)
        /// Says nothing more until it is given up.
        case silence
    }

    static let card = ModelCard(id: "vendor/scripted", ownedBy: "test", createdAt: Date(timeIntervalSince1970: 0))

    private let steps: [Step]
    private let asked = Mutex<[Prompt]>([])
    /// Ends when a stream that fell silent was given up.
    let givenUp: AsyncStream<Void>
    private let onGivingUp: AsyncStream<Void>.Continuation

    init(_ steps: [Step]) {
        self.steps = steps
        (givenUp, onGivingUp) = AsyncStream.makeStream()
    }

    convenience init(saying text: String) {
        self.init([.event(.text(text)), .event(.finish("stop"))])
    }

    var prompts: [Prompt] { asked.withLock { $0 } }

    func answer(_ prompt: Prompt) async throws -> AsyncThrowingStream<ModelEvent, any Error> {
        asked.withLock { $0.append(prompt) }
        if case .failure(let error)? = steps.first { throw error }
        let (steps, onGivingUp) = (steps, onGivingUp)
        return AsyncThrowingStream { continuation in
            continuation.onTermination = { _ in onGivingUp.finish() }
            for step in steps {
                switch step {
                case .event(let event): continuation.yield(event)
                case .failure(let error): continuation.finish(throwing: error)
                case .silence: return
                }
            }
            continuation.finish()
        }
    }
}
