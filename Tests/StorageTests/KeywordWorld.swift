import GRDB
import Knowledge

@testable import Storage

/// A database whose knowledge bases are filled with texts as chunks.
struct KeywordWorld: Sendable {
    let world: World
    var database: Storage.Database { world.database }

    struct Hit: Hashable {
        var document: DocumentID
        var position: Int
        var score: Double
        var coverage: Double
    }

    init() throws { world = try World() }
    init(_ world: World) { self.world = world }

    /// A knowledge base with these documents, each given as its chunks.
    func base(with documents: [[String]], in scope: Scope? = nil) async throws -> KnowledgeBaseID {
        let base = try await world.makeBase(in: scope).id
        for (number, chunks) in documents.enumerated() {
            try await add(chunks, named: "\(number)", to: base, in: scope)
        }
        return base
    }

    @discardableResult
    func add(
        _ chunks: [String], context: String = "", named name: String, to base: KnowledgeBaseID, in scope: Scope? = nil
    ) async throws -> Document {
        let document = try await world.attach(name, to: base, in: scope)
        try await world.complete(Self.content(chunks, context: context))
        return document
    }

    static func content(_ chunks: [String], context: String = "") -> IndexedContent {
        IndexedContent(
            title: nil, text: "x",
            chunks: chunks.map { text in
                Chunk(bytes: 0..<1, characters: 0..<1, text: text, context: context, headingPath: [], tokenCount: 1)
            },
            vectors: chunks.map { _ in Array(repeating: 0.5, count: World.dimension) }
        )
    }

    func search(_ query: String, in base: KnowledgeBaseID, limit: Int = 10) async throws -> [Hit] {
        try await positions(of: database.search(SearchQuery(query), in: [base], documents: nil, limit: limit).hits)
    }

    /// Hits with the chunks' places in their documents.
    func positions(of hits: [KeywordHit]) async throws -> [Hit] {
        try await database.read { db in
            try hits.map { hit in
                let position = try Int.fetchOne(
                    db, sql: "SELECT position FROM chunk WHERE id = ?", arguments: [hit.chunk.rawValue])
                return Hit(document: hit.document, position: position ?? -1, score: hit.score, coverage: hit.coverage)
            }
        }
    }
}
