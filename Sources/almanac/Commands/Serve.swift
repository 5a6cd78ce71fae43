import ArgumentParser
import Foundation
import Hummingbird
import Knowledge
import Logging
import NIOCore
import Service
import ServiceLifecycle
import Storage
import UnixSignals

/// What every command may be told about where things are.
struct Place: ParsableArguments {
    @Option(name: .long, help: "The data directory (default: almanac-data).")
    var data: String?

    @Option(name: .long, help: "The configuration file (default: almanac.yaml where there is one).")
    var config: String?

    func configuration(host: String? = nil, port: Int? = nil) throws -> Configuration {
        try Configuration.load(
            Configuration.Flags(configurationFile: config, dataDirectory: data, host: host, port: port),
            environment: Terminal.environment)
    }
}

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Run the server.")

    @OptionGroup var place: Place

    @Option(help: "The address to listen on (default: 127.0.0.1).")
    var host: String?

    @Option(help: "The port to listen on (default: 8080; 0 takes a free one).")
    var port: Int?

    func run() async throws {
        let configuration = try place.configuration(host: host, port: port)
        let logger = try Self.logger(level: configuration.logLevel)
        let secret = Keys.newSecret()
        let services = try buildServices(
            configuration, embedders: await buildEmbedders(configuration, logger: logger),
            reader: buildReader(configuration, logger: logger), sessionSecret: secret, logger: logger)
        try await settleFirstKey(services, configuration)
        let running = RunningServer(directory: configuration.dataDirectory)
        for notice in configuration.notices { logger.warning("\(notice)") }
        let application = try buildApplication(
            services, host: configuration.host, port: configuration.port, tls: configuration.tls
        ) { port in
            let host = configuration.host.contains(":") ? "[\(configuration.host)]" : configuration.host
            let url = "\(configuration.tls == nil ? "http" : "https")://\(host):\(port)"
            running.announce(url: url, secret: secret, logger: logger)
            Terminal.note("almanac \(Almanac.version) · data \(configuration.dataDirectory) · API \(url)/v1")
        }
        let group = buildServiceGroup(services, application, signals: [.sigterm, .sigint])
        defer { running.withdraw() }
        do {
            try await group.run()
        } catch let error as IOError where error.errnoCode == EADDRINUSE {
            throw CommandFailure(.conflict, "Port \(configuration.port) is in use. Choose another with --port.")
        }
        try await services.database.close()
    }

    private static func logger(level name: String) throws -> Logger {
        guard let level = Logger.Level(rawValue: name) else {
            let names = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
            throw ConfigurationError("log_level must be one of: \(names).")
        }
        var logger = Logger(label: "almanac") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = level
        return logger
    }

    /// The first start makes an admin key and prints it, this once; `ALMANAC_ADMIN_KEY` sets one of one's own.
    private func settleFirstKey(_ services: Services, _ configuration: Configuration) async throws {
        if let key = configuration.adminKey {
            if try await !services.keys.adopt(key) {
                services.logger.warning("the key in ALMANAC_ADMIN_KEY was revoked and stays so")
            }
        } else if let secret = try await services.keys.createFirst() {
            Terminal.note("admin key, shown this once: \(secret)")
        }
    }
}
