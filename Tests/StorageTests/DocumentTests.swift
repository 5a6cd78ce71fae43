import FoundationEssentials
import Knowledge
import Testing

@testable import Storage

@Suite("A document")
struct DocumentTests {
    @Test("is one for one content, whatever file it comes from")
    func isFoundByContent() async throws {
        let world = try World()
        let database = world.database
        let base = try await world.makeBase()
        let files = [try await world.upload("same", name: "a.txt"), try await world.upload("same", name: "b.txt")]
        let first = try await database.attach(Attachment(file: files[0].id), to: base.id, in: world.scope)
        let again = try await database.attach(
            Attachment(file: files[1].id, attributes: ["year": 2024]), to: base.id, in: world.scope)

        #expect(again.id == first.id)
        #expect(again.file == files[1].id)
        #expect(again.attributes == ["year": 2024])
        for file in files {
            var expected = again
            expected.file = file.id
            #expect(try await database.document(file.id, of: base.id, in: world.scope) == expected)
        }
        #expect(try await database.jobs(status: nil, page: Page(), in: world.scope).elements.count == 1)
    }

    @Test("goes with the last file that it was attached by, and not with the first")
    func outlivesItsFirstFile() async throws {
        let world = try World()
        let database = world.database
        let base = try await world.makeBase()
        var files: [StoredFile] = []
        for name in ["a.txt", "b.txt", "c.txt"] { files.append(try await world.upload("same", name: name)) }
        for file in files.prefix(2) {
            _ = try await database.attach(Attachment(file: file.id), to: base.id, in: world.scope)
        }
        try await world.complete(World.content())
        await #expect(throws: RequestError.notFound("document", id: files[2].id.rawValue, parameter: nil)) {
            try await database.document(files[2].id, of: base.id, in: world.scope)
        }

        try await database.remove(files[0].id, in: world.scope)
        let heir = try await database.document(files[1].id, of: base.id, in: world.scope)
        #expect(heir.filename == "b.txt")
        #expect(try await database.knowledgeBase(base.id, in: world.scope).counts.completed == 1)

        try await database.remove(files[1].id, from: base.id, in: world.scope)
        #expect(try await database.knowledgeBase(base.id, in: world.scope).counts.total == 0)
        #expect(try await database.content(of: files[1].id, in: world.scope) == Data("same".utf8))
    }

    @Test("that is completed stays so when it is attached again, and no work is queued")
    func isNotIndexedTwice() async throws {
        let world = try World()
        let base = try await world.makeBase()
        let document = try await world.attach("text", to: base.id)
        try await world.complete(World.content())
        let again = try await world.attach("text", to: base.id)
        #expect(again.id == document.id)
        #expect(again.status == .completed)
        #expect(try await world.database.claim(at: world.later) == nil)
    }

    @Test("that failed is queued again when it is attached again")
    func isRetried() async throws {
        let world = try World()
        let base = try await world.makeBase()
        let document = try await world.attach("text", to: base.id)
        let lease = try #require(try await world.database.claim(at: world.later))
        let failure = DocumentFailure(.unreadable, "Not what its name says.")
        #expect(try await world.database.fail(lease, failure))
        let failed = try await world.database.document(document.file, of: base.id, in: world.scope)
        #expect(failed.status == .failed(failure))

        let again = try await world.database.attach(
            Attachment(file: document.file, chunking: .fixed(maxTokens: 100, overlapTokens: 10)), to: base.id,
            in: world.scope)
        #expect(again.id == document.id)
        #expect(again.status == .inProgress)
        let next = try #require(try await world.database.claim(at: world.later))
        #expect(next.job.document == document.id)
        #expect(next.chunking == .fixed(maxTokens: 100, overlapTokens: 10))
        #expect(next.job.id != lease.job.id)
    }

    @Test("counts in its knowledge base from the moment it is attached")
    func isCounted() async throws {
        let world = try World()
        let base = try await world.makeBase()
        func counts() async throws -> DocumentCounts {
            try await world.database.knowledgeBase(base.id, in: world.scope).counts
        }
        _ = try await world.attach("one", to: base.id)
        #expect(try await counts() == DocumentCounts(inProgress: 1))
        try await world.complete(World.content(chunks: 3))
        #expect(try await counts() == DocumentCounts(completed: 1))
        let two = try await world.attach("two", to: base.id)
        let lease = try #require(try await world.database.claim(at: world.later))
        #expect(try await world.database.fail(lease, DocumentFailure(.empty, "Nothing in it.")))
        #expect(try await counts() == DocumentCounts(completed: 1, failed: 1))
        try await world.database.remove(two.file, from: base.id, in: world.scope)
        #expect(try await counts() == DocumentCounts(completed: 1))
        let usage = try await world.database.knowledgeBase(base.id, in: world.scope).usageBytes
        #expect(usage == 3 + 3 * World.dimension * 4)
    }

    @Test("gives back text, passages and attributes as they were stored, NUL and all")
    func roundTrips() async throws {
        let world = try World()
        let base = try await world.makeBase()
        let attributes: [String: JSONValue] = ["a": 3, "b": 2.5, "c": "ü\u{0}\"", "d": true]
        let file = try await world.upload("bytes")
        let document = try await world.database.attach(
            Attachment(file: file.id, attributes: attributes), to: base.id, in: world.scope)
        let text = "naïve \u{0} 𝄞 text"
        let chunk = Chunk(
            bytes: 0..<text.utf8.count, characters: 0..<text.unicodeScalars.count, text: text, context: "A\u{0}B\n",
            headingPath: ["A\u{0}", "B"], page: 7, locator: "lines 1–2", tokenCount: 9)
        try await world.complete(
            IndexedContent(title: "Title", text: text, chunks: [chunk], vectors: [[1, 0, 0, 0]]))

        #expect(try await world.database.text(of: file.id, in: base.id, scope: world.scope) == text)
        let added = try await world.database.changes(in: base.id, after: 0, limit: 10).added
        let chunkID = try #require(added.first?.chunks.first)
        let found = ChunkPlace(knowledgeBase: base.id, document: document.id, chunk: chunkID)
        let gone = ChunkPlace(
            knowledgeBase: base.id, document: document.id, chunk: ChunkID(chunkID.rawValue + 1))
        let expected = Passage(
            chunk: chunkID, knowledgeBase: base.id, document: document.id, file: file.id, filename: "a.txt",
            title: "Title", headingPath: ["A\u{0}", "B"], page: 7, locator: "lines 1–2", characters: chunk.characters,
            text: text, tokenCount: 9, attributes: attributes, score: 0)
        #expect(try await world.database.passages([gone, found], in: world.scope) == [expected])
    }

    @Test("matches a filter only when it is completed, in the knowledge bases asked for, and satisfies it")
    func isFiltered() async throws {
        let world = try World()
        let bases = [try await world.makeBase(), try await world.makeBase()]
        var matching: [KnowledgeBaseID: DocumentID] = [:]
        for base in bases {
            for year in [2023, 2024] {
                let file = try await world.upload("\(year)")
                let document = try await world.database.attach(
                    Attachment(file: file.id, attributes: ["year": .integer(year)]), to: base.id, in: world.scope)
                try await world.complete(World.content())
                if year == 2024 { matching[base.id] = document.id }
            }
            let file = try await world.upload("unfinished")
            _ = try await world.database.attach(
                Attachment(file: file.id, attributes: ["year": 2024]), to: base.id, in: world.scope)
            let lease = try #require(try await world.database.claim(at: world.later))
            #expect(try await world.database.fail(lease, DocumentFailure(.empty, "Nothing in it.")))
        }
        let filter = AttributeFilter.compare("year", .equal, 2024)
        let found = try await world.database.documents(matching: filter, of: [bases[0].id], in: world.scope)
        #expect(found.documents == Set([matching[bases[0].id]].compactMap(\.self)))
        let all = try await world.database.documents(matching: filter, of: bases.map(\.id), in: world.scope)
        #expect(all.documents == Set(matching.values))
    }
}
