import FoundationEssentials
import GRDB
import Knowledge
import Testing

@testable import Storage

/// A knowledge base whose documents are cut into some words a chunk, and whose vectors tell text and model.
struct Library: Sendable {
    var world: World
    let base: KnowledgeBaseID
    /// By which it may be indexed: another model, and other chunks.
    let settings: [IndexSettings]

    init() async throws {
        world = try World()
        let models = [("m", 4), ("n", 8)].map {
            EmbeddingModel(name: $0.0, dimension: $0.1, maxTokens: 256, fingerprint: $0.0)
        }
        settings = [
            IndexSettings(embedding: models[0], chunking: .fixed(maxTokens: 2, overlapTokens: 0)),
            IndexSettings(embedding: models[1], chunking: .fixed(maxTokens: 3, overlapTokens: 0)),
            IndexSettings(embedding: models[0], chunking: .fixed(maxTokens: 1, overlapTokens: 0)),
        ]
        let base = KnowledgeBase(
            name: "Base", embedding: models[0], chunking: settings[0].chunking, createdAt: world.database.time)
        try await world.database.add(base, in: world.scope)
        self.base = base.id
    }

    // MARK: - What people do

    func add(_ text: String) async throws {
        _ = try await world.attach(text, to: base)
        try await work()
    }

    func put(_ text: String, as name: String) async throws {
        let file = try await world.upload(text)
        _ = try await world.database.put(Attachment(file: file.id), as: name, in: base, scope: world.scope)
        try await work()
    }

    func remove(_ text: String) async throws {
        for document in try await documents() where self.text(of: document) == text {
            try await world.database.remove(document.file, from: base, in: world.scope)
        }
    }

    // MARK: - What the worker does

    func claim() async throws -> JobLease? { try await world.database.claim(at: world.later) }

    /// Indexes all documents that wait.
    func work() async throws {
        while let lease = try await claim() {
            let text = String(decoding: try await world.database.content(lease), as: UTF8.self)
            let settings = IndexSettings(embedding: lease.embedding, chunking: lease.chunking)
            guard try await world.database.complete(lease, with: Self.content(text, settings)) else { throw World.Missing.lease }
        }
    }

    /// Begins to index by other settings.
    func begin(_ number: Int) async throws -> JobLease {
        _ = try await world.database.reindex(base, with: settings[number], in: world.scope)
        return try #require(try await claim())
    }

    /// Does a part of a re-index. False where there is nothing to do, or nothing may be done.
    func step(_ lease: JobLease, chunks: Int = 100) async throws -> Bool {
        guard let step = try await world.database.documents(lackingIn: lease, after: 0, limit: chunks),
            !step.documents.isEmpty
        else { return false }
        let contents = step.documents.map { document in
            (document.document, Self.content(document.text, IndexSettings(embedding: lease.embedding, chunking: document.chunking)))
        }
        return try await world.database.keep(
            contents, for: lease, at: world.later, progress: JobProgress(stage: .embedding, documents: step.progress))
    }

    func reindex(_ number: Int) async throws {
        let lease = try await begin(number)
        while try await step(lease) {}
        guard case .done = try await world.database.changeOver(lease) else { throw World.Missing.lease }
    }

    // MARK: - What is there

    func knowledgeBase() async throws -> KnowledgeBase { try await world.database.knowledgeBase(base, in: world.scope) }

    func documents() async throws -> [Document] {
        try await world.database.documents(
            of: base, status: nil, page: Page(limit: 100, order: .ascending), in: world.scope
        ).elements
    }

    /// Titles are texts here.
    func text(of document: Document) -> String { document.title ?? "" }

    func content(of document: Document, _ settings: IndexSettings) -> IndexedContent {
        Self.content(text(of: document), settings)
    }

    static func content(_ text: String, _ settings: IndexSettings) -> IndexedContent {
        guard case .fixed(let size, _) = settings.chunking else { preconditionFailure("only fixed windows are made here") }
        let words = text.split(separator: " ")
        let pieces = stride(from: 0, to: words.count, by: size).map { words[$0..<min($0 + size, words.count)] }
        var start = 0
        let chunks = pieces.map { piece -> Chunk in
            let words = piece.joined(separator: " ")
            defer { start += words.utf8.count + 1 }
            let range = start..<start + words.utf8.count
            return Chunk(
                bytes: range, characters: range, text: words, context: "", headingPath: [], tokenCount: piece.count)
        }
        let vectors = chunks.map { chunk in
            (0..<settings.embedding.dimension).map { place in
                var hash: UInt32 = 2_166_136_261  // FNV-1a
                for byte in "\(settings.embedding.fingerprint) \(chunk.text) \(place)".utf8 {
                    hash = (hash ^ UInt32(byte)) &* 16_777_619
                }
                return Float(hash >> 16)
            }
        }
        return IndexedContent(title: text, text: text, chunks: chunks, vectors: vectors)
    }

    /// All chunks of a generation, as a search finds them.
    func places(in generation: KnowledgeBaseID) async throws -> [ChunkPlace] {
        try await world.database.changes(in: generation, after: 0, limit: .max).added.flatMap { document in
            document.chunks.map { ChunkPlace(knowledgeBase: generation, document: document.document, chunk: $0) }
        }
    }

    // MARK: - What must be so

    /// Chunks, vectors and words are those of the settings that the knowledge base says it has.
    func checkAnswers(
        _ expected: IndexSettings? = nil, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let (database, base) = (world.database, try await knowledgeBase())
        if let expected { #expect(base.settings == expected, sourceLocation: sourceLocation) }
        let documents = Dictionary(uniqueKeysWithValues: try await documents().map { ($0.id, $0) })
        let held = try await database.changes(in: base.index, after: 0, limit: .max).added
        #expect(Set(held.map(\.document)) == Set(documents.keys), sourceLocation: sourceLocation)
        for vectors in held {
            guard let document = documents[vectors.document] else { continue }
            let content = content(of: document, base.settings)
            #expect(vectors.vectors == content.vectors.flatMap(\.self), sourceLocation: sourceLocation)
            let places = vectors.chunks.map {
                ChunkPlace(knowledgeBase: base.index, document: document.id, chunk: $0)
            }
            let passages = try await database.passages(places, in: world.scope)
            #expect(passages.map(\.text) == content.chunks.map(\.text), sourceLocation: sourceLocation)
            #expect(passages.allSatisfy { $0.knowledgeBase == base.id }, sourceLocation: sourceLocation)
            let spans = try await database.spans(around: places.suffix(1), reach: 100, in: world.scope)
            #expect(spans.map(\.position) == Array(0..<content.chunks.count), sourceLocation: sourceLocation)
        }
        #expect(try await database.keywordProblems() == [], sourceLocation: sourceLocation)
    }

    /// Words are found with the scores that they would have in a new knowledge base of these documents.
    func checkFresh(sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let base = try await knowledgeBase()
        let documents = try await documents()
        let fresh = try await Library()
        try await fresh.world.database.remove(fresh.base, in: fresh.world.scope)
        let other = KnowledgeBase(
            id: fresh.base, name: "", embedding: base.embedding, chunking: base.chunking,
            createdAt: Date(timeIntervalSince1970: 0))
        try await fresh.world.database.add(other, in: fresh.world.scope)
        for document in documents { try await fresh.add(text(of: document)) }
        let words = Set(documents.flatMap { text(of: $0).split(separator: " ").map(String.init) })
        for word in words {
            let found = try await hits(word, in: base.index)
            #expect(try await fresh.hits(word, in: fresh.base) == found && !found.isEmpty, sourceLocation: sourceLocation)
        }
    }

    private func hits(_ word: String, in generation: KnowledgeBaseID) async throws -> [String] {
        let found = try await world.database.search(SearchQuery(word), in: [generation], documents: nil, limit: 1_000)
        let hits = found.hits
        let passages = try await world.database.passages(hits.map(\.place), in: world.scope)
        return zip(hits, passages).map { "\($0.score) \($1.text) of \($1.title ?? "")" }.sorted()
    }

    /// Chunks that are no document's current ones.
    func strayChunks() async throws -> Int {
        let index = try await knowledgeBase().index
        let count = try await places(in: index).count
        return try await world.database.read { db in
            try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM chunk") ?? 0
        } - count
    }
}
