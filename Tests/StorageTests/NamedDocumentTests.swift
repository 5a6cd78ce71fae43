import FoundationEssentials
import GRDB
import Knowledge
import Testing

@testable import Storage

@Suite("A document under a name")
struct NamedDocumentTests {
    private func put(
        _ text: String, as name: String = "a/b.txt", _ base: KnowledgeBaseID, _ world: World
    ) async throws -> NameChange {
        let file = try await world.upload(text)
        return try await world.database.put(Attachment(file: file.id), as: name, in: base, scope: world.scope).1
    }

    private func names(_ base: KnowledgeBaseID, _ world: World) async throws -> [NamedDocument] {
        try await world.database.namedDocuments(of: base, after: nil, limit: 100, in: world.scope).elements
    }

    /// The texts of the documents that searches find.
    private func found(_ base: KnowledgeBaseID, _ world: World) async throws -> [String] {
        try await world.database.read { db in
            try String.fetchAll(
                db,
                sql: """
                    SELECT document.sha256 FROM document WHERE knowledge_base_id = ? AND status = 'completed'
                        AND EXISTS (SELECT 1 FROM chunk WHERE document_id = document.id) ORDER BY 1
                    """, arguments: [base.rawValue])
        }
    }

    @Test("is found in its old version until the new one is indexed, then in the new one only")
    func replaces() async throws {
        let world = try World()
        let base = try await world.makeBase().id
        #expect(try await put("old", base, world) == .created)
        try await world.complete(World.content())
        let old = try #require(try await found(base, world).first)
        let oldDocument = try #require(try await names(base, world).first).document

        #expect(try await put("new", base, world) == .replaced)
        #expect(try await found(base, world) == [old])
        let revision = try await world.database.revision(of: base)
        try await world.complete(World.content(chunks: 3))
        let new = try #require(try await names(base, world).first)
        #expect(try await found(base, world) == [new.sha256])
        #expect(new.sha256 != old && new.document.status == .completed)
        let changes = try await world.database.changes(in: base, after: revision, limit: 9)
        #expect(changes.removed == [oldDocument.id] && changes.added.map(\.document) == [new.document.id])
        #expect(try await world.database.document(FileID(rawValue: "a/b.txt"), of: base, in: world.scope).id == new.document.id)
        // Nothing is left of the old one, not even its bytes.
        let files = try await world.database.files(purpose: nil, page: Page(), in: world.scope).elements
        #expect(files.map(\.sha256) == [new.sha256])
        #expect(try world.database.blobs.contents(of: old) == nil)
    }

    @Test("keeps its old version where the new one cannot be indexed, and takes the next one that can")
    func survivesBadVersion() async throws {
        let world = try World()
        let base = try await world.makeBase().id
        _ = try await put("old", base, world)
        try await world.complete(World.content())
        let old = try await found(base, world)
        _ = try await put("bad", base, world)
        let lease = try #require(try await world.database.claim(at: world.later))
        #expect(try await world.database.fail(lease, DocumentFailure(.empty, "Nothing.")))
        #expect(try await found(base, world) == old)
        let next = try await world.reopened()
        #expect(try await put("good", base, next) == .replaced)
        try await next.complete(World.content())
        let documents = try await next.database.documents(of: base, status: nil, page: Page(), in: world.scope).elements
        #expect(documents.map(\.status) == [.completed])
    }

    @Test("that is put again as it is costs nothing and leaves no second file, in whatever state it is")
    func isIdempotent() async throws {
        let world = try World()
        let base = try await world.makeBase().id
        _ = try await put("one", base, world)
        for _ in 1...3 { #expect(try await put("one", base, world) == .unchanged) }
        try await world.complete(World.content())
        for _ in 1...3 { #expect(try await put("one", base, world) == .unchanged) }
        _ = try await put("two", base, world)
        #expect(try await put("two", base, world) == .unchanged)
        // And back: what was to come is dropped.
        #expect(try await put("one", base, world) == .unchanged)
        #expect(try await world.database.claim(at: world.later) == nil)
        #expect(try await world.database.files(purpose: nil, page: Page(), in: world.scope).elements.count == 1)
        #expect(try await world.database.documents(of: base, status: nil, page: Page(), in: world.scope).elements.count == 1)
    }

    @Test("that lost its file to somebody is put again by the next one of the same content")
    func outlivesFile() async throws {
        let world = try World()
        let base = try await world.makeBase().id
        _ = try await put("same", as: "one", base, world)
        _ = try await put("same", as: "two", base, world)
        try await world.complete(World.content())
        let first = try #require(try await names(base, world).first).document.file
        try await world.database.remove(first, in: world.scope)
        #expect(try await put("same", as: "one", base, world) == .unchanged)
        #expect(try await put("same", as: "one", base, world) == .unchanged)
        #expect(try await world.database.files(purpose: nil, page: Page(), in: world.scope).elements.count == 2)
        try await world.database.remove(named: "two", from: base, in: world.scope)
        #expect(try await found(base, world).count == 1)
        try await world.database.remove(named: "one", from: base, in: world.scope)
        #expect(try await world.database.files(purpose: nil, page: Page(), in: world.scope).elements.isEmpty)
    }

    @Test("is not removed by its name where a file is asked for, and nobody is told so")
    func keepsNameApart() async throws {
        let world = try World()
        let base = try await world.makeBase().id
        _ = try await put("text", as: "one", base, world)
        try await world.complete(World.content())
        await #expect(throws: RequestError.notFound("document", id: "one", parameter: nil)) {
            try await world.database.remove(FileID(rawValue: "one"), from: base, in: world.scope)
        }
        #expect(try await found(base, world).count == 1)
    }

    @Test("may have the content of another, and outlives it")
    func shares() async throws {
        let world = try World()
        let base = try await world.makeBase().id
        _ = try await put("same", as: "one", base, world)
        _ = try await put("same", as: "two", base, world)
        try await world.complete(World.content())
        #expect(try await names(base, world).map(\.name) == ["one", "two"])
        try await world.database.remove(named: "one", from: base, in: world.scope)
        #expect(try await found(base, world).count == 1)
        #expect(try await names(base, world).map(\.name) == ["two"])
        // One that moves to content which is there already is replaced at once.
        _ = try await put("other", as: "one", base, world)
        try await world.complete(World.content())
        #expect(try await put("other", as: "two", base, world) == .replaced)
        #expect(try await found(base, world).count == 1)
        try await world.database.remove(named: "one", from: base, in: world.scope)
        try await world.database.remove(named: "two", from: base, in: world.scope)
        #expect(try await found(base, world).isEmpty)
        #expect(try await world.database.files(purpose: nil, page: Page(), in: world.scope).elements.isEmpty)
        await #expect(throws: RequestError.notFound("document", id: "two", parameter: nil)) {
            try await world.database.remove(named: "two", from: base, in: world.scope)
        }
    }

    @Test("is listed in the order of the names, page by page")
    func lists() async throws {
        let world = try World()
        let base = try await world.makeBase().id
        let all = ["a", "a/b", "b", "ä", "😀"]
        for name in all.reversed() { _ = try await put("text of \(name)", as: name, base, world) }
        var seen: [String] = []
        while true {
            let page = try await world.database.namedDocuments(of: base, after: seen.last, limit: 2, in: world.scope)
            seen += page.elements.map(\.name)
            guard page.hasMore else { break }
        }
        #expect(seen == all)
    }
}
