import ArgumentParser
import AsyncHTTPClient
import Foundation
import Knowledge
import Logging
import NIOCore
import NIOHTTP1
import NIOSSL
import Service
import ServiceLifecycle
import Storage

/// A server to speak to: one far away, the one that runs on this data directory, or else one within this process for as
/// long as the command takes. Commands cannot tell which.
struct Session: ParsableArguments {
    @OptionGroup var place: Place

    @Option(help: "The address of a server elsewhere; its key comes from ALMANAC_KEY.")
    var url: String?

    func run(_ work: @escaping @Sendable (APIClient) async throws -> Void) async throws {
        let environment = Terminal.environment
        // What was given as a flag counts before what the environment says.
        if let url = url ?? (place.data == nil ? environment["ALMANAC_URL"] : nil) {
            guard let key = environment["ALMANAC_KEY"] ?? environment["ALMANAC_ADMIN_KEY"] else {
                throw CommandFailure(.unauthorized, "Set ALMANAC_KEY to a key of \(url).")
            }
            return try await work(client(url, key))
        }
        let configuration = try place.configuration()
        if let address = RunningServer(directory: configuration.dataDirectory).address, await isAlive(address) {
            return try await work(client(address.url, address.secret, over: Self.http(for: address)))
        }
        try await withOwnServer(configuration, work)
    }

    private func client(
        _ url: String, _ key: String, over http: HTTPClient = .shared, isTemporary: Bool = false
    ) -> APIClient {
        APIClient(
            baseURL: url.hasSuffix("/") ? String(url.dropLast()) : url, key: key, http: http, isTemporary: isTemporary)
    }

    /// For a server of this machine's own, whose certificate is made out to some other name than the address it listens on.
    /// That it is ours is known from the data directory, and from its knowing the secret.
    private static let ownHTTPS: HTTPClient = {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.certificateVerification = .none
        return HTTPClient(configuration: HTTPClient.Configuration(tlsConfiguration: tls))
    }()

    private static func http(for address: RunningServer.Address) -> HTTPClient {
        address.url.hasPrefix("https:") ? ownHTTPS : .shared
    }

    /// Whether the announced server is there and knows the secret: after a crash its port may be somebody else's.
    private func isAlive(_ address: RunningServer.Address) async -> Bool {
        var request = HTTPClientRequest(url: address.url + "/api/v1/jobs?limit=1")
        request.headers.add(name: "Authorization", value: "Bearer \(address.secret)")
        let answer = try? await Self.http(for: address).execute(request, timeout: .seconds(2))  // whatever goes wrong, it is not
        return answer?.status == .ok
    }

    /// Serves on a free loopback port, under a secret that nobody else knows, until the work is done.
    private func withOwnServer(
        _ configuration: Configuration, _ work: @escaping @Sendable (APIClient) async throws -> Void
    ) async throws {
        var logger = Logger(label: "almanac") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .error
        let secret = Keys.newSecret()
        let services = try buildServices(
            configuration, embedders: await buildEmbedders(configuration, logger: logger),
            reader: buildReader(configuration, logger: logger), sessionSecret: secret, logger: logger)
        let (ports, port) = AsyncStream<Int>.makeStream()
        let application = try buildApplication(services, host: "127.0.0.1", port: 0) { port.yield($0) }
        let group = buildServiceGroup(services, application, signals: [])
        do {
            try await run(group, (ports, port)) { port in
                try await work(client("http://127.0.0.1:\(port)", secret, isTemporary: true))
            }
        } catch {
            // Jobs that were running did not fail with the command. The first error says more than one from here.
            try? await services.database.close()
            throw error
        }
        try await services.database.close()
    }

    /// Runs the services for as long as the work takes, once they can be spoken to.
    private func run(
        _ group: ServiceGroup, _ ports: (stream: AsyncStream<Int>, end: AsyncStream<Int>.Continuation),
        work: @escaping @Sendable (Int) async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                defer { ports.end.finish() }
                try await group.run()
            }
            for await port in ports.stream {
                do {
                    try await work(port)
                } catch {
                    await group.triggerGracefulShutdown()
                    throw error
                }
                break
            }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }
}
