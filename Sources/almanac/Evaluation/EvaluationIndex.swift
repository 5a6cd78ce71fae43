import Crypto
import Foundation
import Knowledge
import Logging
import Server
import Service
import Storage

/// Documents in a knowledge base of their own, uploaded, cut, embedded and stored as those of any user.
struct EvaluationIndex: Sendable {
    let services: Services
    let base: KnowledgeBase
    /// The corpus ids behind a file name: several where entries have the same content, which are one document.
    let ids: [String: [String]]
    /// By file name, completed ones only.
    let documents: [String: Document]
    let seconds: Double
    /// Whether the index was there already.
    let isReused: Bool

    static let scope = Scope(tenant: defaultTenant, role: .admin)

    var chunkCount: Int { documents.values.reduce(0) { $0 + $1.chunkCount } }

    /// Corpus ids of ranked passages, best first, each once: a document is as good as its best passage.
    func ranking(of passages: [Passage], limit: Int) -> [String] {
        var seen: Set<String> = []
        return Array(passages.flatMap { ids[$0.filename] ?? [] }.filter { seen.insert($0).inserted }.prefix(limit))
    }

    // MARK: - Making one

    /// Indexes the documents in the data directory, or in one that goes away afterwards where none is named, and works
    /// with the index.
    static func with<Value: Sendable>(
        _ documents: [EvaluationDocument], chunking: Chunking, configuration: Configuration, keptIn directory: String?,
        _ work: @Sendable (EvaluationIndex) async throws -> Value
    ) async throws -> Value {
        var configuration = configuration
        let temporary = NSTemporaryDirectory() + "almanac-eval-" + UUID().uuidString
        configuration.dataDirectory = directory ?? temporary
        // What cannot be removed is left to the system's own clearing of temporary files.
        defer { if directory == nil { try? FileManager.default.removeItem(atPath: temporary) } }
        var logger = Logger(label: "almanac") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .error
        let services = try buildServices(
            configuration, embedders: await buildEmbedders(configuration, logger: logger),
            reader: buildReader(configuration, logger: logger), sessionSecret: nil, logger: logger)
        return try await with(documents, chunking: chunking, services: services, work)
    }

    /// The same with services of one's own, which are closed at the end.
    static func with<Value: Sendable>(
        _ documents: [EvaluationDocument], chunking: Chunking, services: Services,
        _ work: @Sendable (EvaluationIndex) async throws -> Value
    ) async throws -> Value {
        try await services.database.closing { try await work(make(documents, chunking, services)) }
    }

    private static func make(
        _ documents: [EvaluationDocument], _ chunking: Chunking, _ services: Services
    ) async throws -> EvaluationIndex {
        let name = "eval-" + fingerprint(of: documents, chunking)
        let base = try await knowledgeBase(name, chunking, services)
        let unique = Dictionary(grouping: documents, by: \.content)
        let distinct = documents.filter { unique[$0.content]?.first?.id == $0.id }
        let known = Set(try await self.documents(of: base, services).map(\.filename))
        let missing = distinct.filter { !known.contains($0.filename) }
        let start = ContinuousClock.now
        try await index(missing, in: base, total: distinct.count, services)
        let seconds = (ContinuousClock.now - start).seconds
        let all = try await self.documents(of: base, services)
        return EvaluationIndex(
            services: services, base: try await services.database.knowledgeBase(base.id, in: scope),
            ids: Dictionary(
                distinct.map { ($0.filename, unique[$0.content]?.map(\.id) ?? []) }, uniquingKeysWith: { $0 + $1 }),
            documents: Dictionary(
                completed(all).map { ($0.filename, $0) }, uniquingKeysWith: { first, _ in first }),
            seconds: seconds, isReused: missing.isEmpty)
    }

    private static func completed(_ documents: [Document]) -> [Document] {
        documents.filter { document in
            if case .failed(let failure) = document.status { Terminal.note("\(document.filename): \(failure.message)") }
            return document.status == .completed
        }
    }

    /// The same documents, cut the same way by the same version of the program, are the same knowledge base.
    private static func fingerprint(of documents: [EvaluationDocument], _ chunking: Chunking) -> String {
        var hash = SHA256()
        hash.update(data: Data("\(Almanac.version) \(chunking)".utf8))
        for document in documents {
            hash.update(data: Data(document.filename.utf8))
            hash.update(data: [0])
            hash.update(data: Data(SHA256.hash(data: document.content)))
        }
        return String(hash.finalize().hexadecimal.prefix(16))
    }

    private static func knowledgeBase(
        _ name: String, _ chunking: Chunking, _ services: Services
    ) async throws -> KnowledgeBase {
        var page = Page(limit: 100)
        while true {
            let listing = try await services.database.knowledgeBases(page: page, in: scope)
            if let base = listing.elements.first(where: { $0.name == name }) { return base }
            guard listing.hasMore, let last = listing.elements.last else { break }
            page.after = last.id.rawValue
        }
        return try await services.door.create(
            name: name, summary: "Made by almanac eval.", chunking: chunking, in: scope)
    }

    private static func documents(of base: KnowledgeBase, _ services: Services) async throws -> [Document] {
        var documents: [Document] = []
        var page = Page(limit: 1_000, order: .ascending)
        while true {
            let listing = try await services.database.documents(of: base.id, status: nil, page: page, in: scope)
            documents += listing.elements
            guard listing.hasMore, let last = listing.elements.last else { return documents }
            page.after = last.id.rawValue
        }
    }

    // MARK: - Indexing

    /// Uploads several at a time, since an upload waits for the disk most of its time, while the job runner works.
    private static let uploadsAtOnce = 8

    private static func index(
        _ documents: [EvaluationDocument], in base: KnowledgeBase, total: Int, _ services: Services
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await services.runner.run() }
            try await upload(documents, to: base, services)
            let start = ContinuousClock.now
            while true {
                let counts = try await services.database.knowledgeBase(base.id, in: scope).counts
                guard counts.inProgress > 0 else { break }
                let done = total - counts.inProgress
                let rate = Double(counts.completed) / (ContinuousClock.now - start).seconds
                let rest = rate > 0 ? ", about \(Int(Double(counts.inProgress) / rate)) s left" : ""
                Terminal.progress("\(done)/\(total) indexed\(rest)")
                try await Task.sleep(for: .milliseconds(50))
            }
            Terminal.endProgress()
            group.cancelAll()
        }
    }

    private static func upload(
        _ documents: [EvaluationDocument], to base: KnowledgeBase, _ services: Services
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (position, document) in documents.enumerated() {
                if position >= uploadsAtOnce { try await group.next() }
                if position % 100 == 0 { Terminal.progress("\(position)/\(documents.count) uploaded") }
                group.addTask { try await upload(document, to: base, services) }
            }
            try await group.waitForAll()
        }
    }

    private static func upload(
        _ document: EvaluationDocument, to base: KnowledgeBase, _ services: Services
    ) async throws {
        let upload = try await services.database.beginUpload()
        try await upload.append(Array(document.content))
        let file = try await services.database.admit(
            upload, name: document.filename, purpose: "assistants", in: scope)
        _ = try await services.door.attach(Attachment(file: file.id), to: base.id, in: scope)
    }
}

extension Duration {
    var seconds: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) + Double(attoseconds) * 1e-18
    }
}
