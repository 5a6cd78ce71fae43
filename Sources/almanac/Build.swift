import Crypto
import Documents
import Foundation
import Hummingbird
import HummingbirdCore
import HummingbirdTLS
import Knowledge
import Logging
import NIOCore
import NIOSSL
import Providers
import Reading
import Server
import Service
import ServiceLifecycle
import Storage
import UnixSignals
import Vectors

/// The running parts of one data directory, wired. Nothing else in the program wires anything.
struct Services: Sendable {
    let database: Database
    let keys: Keys
    let door: Door
    let retriever: Retriever
    let runner: JobRunner
    let batchRunner: BatchRunner
    let collector: CollectExpired
    let webhooks: DeliverWebhooks
    let usage: UsageLedger
    let logger: Logger
}

/// Whose data it is where nobody says otherwise.
let defaultTenant = TenantID(rawValue: "default")

/// Opens the data directory and builds everything up to the HTTP routes.
///
/// - Parameters:
///   - embedders: From `buildEmbedders`, or a test's own.
///   - moreModels: Language models beside the built-in one and the providers'.
///   - reader: From `buildReader`, or a test's own.
///   - sessionSecret: A key that works for this process alone.
func buildServices(
    _ configuration: Configuration, embedders: Embedders, moreModels: [(ModelCard, any LanguageModel)] = [],
    reader: any DocumentReader, sessionSecret: String?, logger: Logger
) throws -> Services {
    let database = try Database.open(
        directory: configuration.dataDirectory,
        onDamage: { logger.error("stored data is damaged and left out", metadata: ["error": "\($0)"]) })
    let searchers = Workers(count: configuration.threads, name: "search")
    // Some may wait for the disk.
    let askers = Workers(count: max(4, configuration.threads), name: "ask")
    var indexLimits = IndexLimits()
    indexLimits.memoryBytes = configuration.indexMemoryBytes
    let index = VectorIndex(
        store: database, segments: database, workers: searchers, kernel: configuration.embedding.kernel,
        limits: indexLimits)
    let catalog = buildCatalog(configuration, embedders, moreModels)
    let retriever = Retriever(
        embedders: embedders, index: index, keywords: database, documents: database, chunks: database,
        reranker: try buildReranker(configuration), workers: askers)
    let wakeUp = WakeUp()
    let running = RunningJobs()
    let (batchWakeUp, runningBatches) = (WakeUp(), RunningBatches())
    let desk = JobDesk(jobs: database, running: running, wakeUp: wakeUp)
    let keys = Keys(store: database, tenant: defaultTenant, sessionSecret: sessionSecret)
    let usage = UsageLedger(store: database, limits: configuration.rateLimits, logger: logger)
    let stops = StopSwitch()
    var door = Door(
        keys: keys, usage: usage, files: database, bases: database, documents: database, experts: database,
        uploads: database, jobs: desk, batches: FileBatches(store: database, desk: desk),
        requestBatches: RequestBatches(store: database, files: database, running: runningBatches, wakeUp: batchWakeUp),
        embedders: embedders,
        answer: AnswerQuestion(
            resolve: ResolveKnowledge(experts: database, bases: database, defaultModel: configuration.defaultModel),
            retriever: retriever, models: catalog, counter: embedders.standard, workers: askers,
            limits: configuration.retrieval, ledger: usage, stops: stops,
            rewrite: configuration.rewriteModel.map {
                RewriteQuestion(models: catalog, model: $0, ledger: usage, logger: logger)
            }),
        responses: database, models: ListModels(catalog: catalog, experts: database, bases: database),
        create: CreateKnowledgeBase(bases: database, embedders: embedders),
        change: ChangeSettings(bases: database, store: database, embedders: embedders, wakeUp: wakeUp),
        remove: RemoveKnowledgeBase(bases: database, index: index),
        attach: AttachFile(documents: database, wakeUp: wakeUp), put: PutDocument(store: database, wakeUp: wakeUp),
        search: SearchPassages(bases: database, documents: database, retriever: retriever),
        moderate: Moderate(embedder: embedders.standard, workers: searchers), stops: stops,
        uploadLimitBytes: configuration.uploadLimitBytes, extraPrefixes: configuration.prefixes,
        checkReadiness: { try await database.checkHealth() })
    door.figures = { try await database.figures() }
    door.streams.endsWithDone = configuration.endsStreamsWithDone
    door.rateLimits = configuration.rateLimits
    door.corsOrigins = Set(configuration.corsOrigins)
    let cutters = Workers(count: configuration.threads, name: "ingest")
    let runner = JobRunner(
        jobs: database, ingest: IngestDocument(reader: reader, embedders: embedders, workers: cutters),
        reindex: ReindexKnowledgeBase(
            store: database, jobs: database, reader: reader, embedders: embedders, index: index, workers: cutters),
        running: running, wakeUp: wakeUp,
        // More than there are threads, so that some are read while others are embedded.
        width: 2 * configuration.threads, logger: logger)
    let batchRunner = BatchRunner(
        queue: database, files: database, performer: door.performer(logger: logger),
        workers: Workers(count: 1, name: "batch"), running: runningBatches, wakeUp: batchWakeUp, logger: logger)
    let webhooks = DeliverWebhooks(
        outbox: database, endpoints: configuration.webhooks, sender: WebhookClient(), logger: logger)
    return Services(
        database: database, keys: keys, door: door, retriever: retriever, runner: runner,
        batchRunner: batchRunner,
        collector: CollectExpired(
            expireUploads: { try await database.expireUploads() },
            removeExpired: { for base in try await database.removeExpired() { index.forget(base) } },
            removeResponses: { try await database.removeResponses(before: $0) },
            discardIndexes: { try await database.discardGenerations(expiredAt: $0) },
            releaseIndexes: { index.release(unusedSince: $0) }, logger: logger),
        webhooks: webhooks, usage: usage, logger: logger)
}

/// The server around the routes.
///
/// - Parameters:
///   - tls: Speak HTTPS with these, or else HTTP.
///   - companions: What runs as long as the server, where nobody else runs it.
///   - onRunning: Told the port once connections are accepted; 0 in the configuration means any free one.
func buildApplication(
    _ services: Services, host: String, port: Int, tls: TLSFiles? = nil, with companions: [any Service] = [],
    onRunning: @escaping @Sendable (Int) async -> Void
) throws -> some ApplicationProtocol {
    Application(
        router: AnyPrefix(services.door.router()),
        server: try buildServer(tls),
        configuration: ApplicationConfiguration(
            address: .hostname(host, port: port), serverName: "almanac", backlog: 1_024,
            availableConnectionsDelegate: MaximumAvailableConnections(4_096)),
        services: companions,
        onServerRunning: { channel in await onRunning(channel.localAddress?.port ?? port) },
        logger: services.logger
    )
}

private func buildServer(_ files: TLSFiles?) throws -> HTTPServerBuilder {
    let http = HTTPServerBuilder.http1(
        configuration: HTTP1Channel.Configuration(
            additionalChannelHandlers: [ClientPresence()],
            // A connection that sends nothing holds a descriptor; a request in progress does not count as idle.
            idleTimeout: .seconds(60),
            httpDecoderConfiguration: .init(
                maxHeaderFieldSize: 8_192, maxHeaderListSize: 16_384, maxHeaderFieldCount: 100)))
    guard let files else { return http }
    do {
        let chain = try NIOSSLCertificate.fromPEMFile(files.certificate).map(NIOSSLCertificateSource.certificate)
        let key = try NIOSSLPrivateKey(file: files.key, format: .pem)
        return try .tls(
            http, tlsConfiguration: .makeServerConfiguration(certificateChain: chain, privateKey: .privateKey(key)))
    } catch {
        throw ConfigurationError(
            "TLS: \(files.certificate) and \(files.key) are no certificate and its key in PEM (\(error)).")
    }
}

/// Runs server and job runner until a signal or the end of the task; open answers get 25 seconds to finish.
func buildServiceGroup(
    _ services: Services, _ application: some ApplicationProtocol, signals: [UnixSignal]
) -> ServiceGroup {
    var configuration = ServiceGroupConfiguration(
        // Ended in reverse order: first no more requests, then no more jobs.
        services: [
            services.usage, services.webhooks, services.collector, services.runner, services.batchRunner, application,
        ],
        gracefulShutdownSignals: signals, logger: services.logger)
    configuration.maximumGracefulShutdownDuration = .seconds(25)
    configuration.maximumCancellationDuration = .seconds(4)
    return ServiceGroup(configuration: configuration)
}

/// What reads documents: a process of its own for each, behind the converters that the configuration names.
func buildReader(_ configuration: Configuration, logger: Logger) throws -> any DocumentReader {
    let abilities = SandboxAbilities()
    guard configuration.ingest.reading.sandbox != .require || abilities.isComplete else {
        throw ConfigurationError(
            "ingest.sandbox is 'require', but this kernel cannot confine a reader fully: \(abilities). "
                + "Use a kernel with Landlock, or set it to 'prefer'.")
    }
    let reader = SandboxedReader(configuration.ingest.reading, logger: logger)
    let converters = configuration.ingest.converters
    if converters.isEmpty { return reader }
    return ConvertingReader(converters, settings: configuration.ingest.reading, reader: reader, logger: logger) {
        try await ConverterService.post($0, filename: $1, to: $2)
    }
}

/// The embedding models that the configuration names; the local one is read from disk.
///
/// A provider that cannot be reached takes only its own knowledge bases with it, unless its model is the standard one.
func buildEmbedders(_ configuration: Configuration, logger: Logger) async throws -> Embedders {
    var others: [any Embedder] = []
    for name in configuration.embedding.others where name != configuration.embeddingModel {
        do {
            others.append(try LocalEmbedder(folder: "\(configuration.modelsDirectory)/\(name)", name: name, configuration))
        } catch {
            logger.warning("an embedding model is not available", metadata: ["model": "\(name)", "error": "\(error)"])
        }
    }
    for settings in configuration.providers where !settings.embeddingModels.isEmpty {
        let provider = OpenAICompatibleProvider(settings)
        for model in settings.embeddingModels {
            do {
                others.append(try await RemoteEmbedder.connect(provider: provider, model: model))
            } catch where model != configuration.embeddingModel {
                logger.warning(
                    "an embedding model is not available", metadata: ["model": "\(model)", "error": "\(error)"])
            }
        }
    }
    if let standard = others.first(where: { $0.model.name == configuration.embeddingModel }) {
        return Embedders(standard: standard, others: others)
    }
    let folder = configuration.modelsDirectory + "/" + configuration.embeddingModel
    guard FileManager.default.fileExists(atPath: folder) else {
        throw ConfigurationError(
            "The embedding model \(configuration.embeddingModel) is not at \(folder). "
                + "Scripts/demo installs it; `almanac model pull` fetches others; ALMANAC_MODELS says where to look.")
    }
    let local = try LocalEmbedder(folder: folder, name: configuration.embeddingModel, configuration)
    return Embedders(standard: local, others: others)
}

extension LocalEmbedder {
    /// Computed as the configuration says.
    convenience init(folder: String, name: String, _ configuration: Configuration) throws {
        try self.init(
            folder: folder, name: name, threads: configuration.embedding.threads ?? configuration.threads,
            precision: configuration.embedding.precision, kernel: configuration.embedding.kernel)
    }
}

private func buildReranker(_ configuration: Configuration) throws -> (any Reranker)? {
    guard let choice = configuration.reranker else { return nil }
    if let provider = configuration.providers.first(where: { $0.name == choice.provider }) {
        return RemoteReranker(provider: OpenAICompatibleProvider(provider), model: choice.model)
    }
    return try CrossEncoder(
        folder: configuration.modelsDirectory + "/" + choice.model, threads: configuration.threads)
}

private func buildCatalog(
    _ configuration: Configuration, _ embedders: Embedders, _ moreModels: [(ModelCard, any LanguageModel)]
) -> any ModelCatalog {
    let started = Date()
    let extractive = ModelCard(id: ExtractiveModel.name, ownedBy: "almanac", createdAt: started)
    let cards = embedders.models.map {
        ModelCard(
            id: $0.name, ownedBy: "almanac", createdAt: started, maxSequenceLength: $0.maxTokens,
            hiddenSize: $0.dimension)
    }
    return ModelRegistry(
        local: [(extractive, ExtractiveModel(embedder: embedders.standard))] + moreModels, embedding: cards,
        providers: configuration.providers.map { OpenAICompatibleProvider($0) })
}
