import FoundationEssentials
import GRDB
import Knowledge
import Testing

@testable import Storage

@Suite("What was removed")
struct ErasingTests {
    /// More than goes in a few steps.
    private static let many = 3 * Connection.erasingStep + 7

    /// A knowledge base of one document with many chunks, one with few, and the words that both hold.
    private struct Library {
        var world: World
        var base: KnowledgeBaseID
        var large: Document
        var small: Document

        init() async throws {
            world = try World()
            base = try await world.makeBase().id
            let keywords = KeywordWorld(world)
            large = try await keywords.add(
                (0..<many).map { "apple number \($0)" }, context: "Secret", named: "large", to: base)
            small = try await keywords.add(["apple pie", "pear"], named: "small", to: base)
        }

        func remove() async throws {
            try await world.database.remove(large.file, from: base, in: world.scope)
        }

        /// What is found is what a database has that never had the large document.
        func checkFindsOnlyTheSmallOne(sourceLocation: SourceLocation = #_sourceLocation) async throws {
            let plain = KeywordWorld(try World())
            let expected = try await plain.base(with: [["apple pie", "pear"]])
            for query in ["apple", "pear", "number", "secret apple", "7"] {
                let hits = try await KeywordWorld(world).search(query, in: base)
                let plainHits = try await plain.search(query, in: expected)
                #expect(hits.map(\.position) == plainHits.map(\.position), sourceLocation: sourceLocation)
                #expect(hits.map(\.score) == plainHits.map(\.score), sourceLocation: sourceLocation)
                #expect(hits.allSatisfy { $0.document == small.id }, sourceLocation: sourceLocation)
            }
            let database = world.database
            #expect(
                try await database.manifest(of: base).documents.map(\.document) == [small.id],
                sourceLocation: sourceLocation)
            #expect(
                try await database.documents(of: base, status: nil, page: Page(), in: world.scope).elements.map(\.id)
                    == [small.id], sourceLocation: sourceLocation)
        }
    }

    @Test("is found by nobody from then on, however much of it is left to be erased, and then leaves nothing")
    func isGoneAtOnce() async throws {
        let library = try await Library()
        let world = library.world
        await world.database.collector.close()
        let known = try await world.database.changes(in: library.base, after: 0, limit: 10_000)
        let chunks = try #require(known.added.first { $0.document == library.large.id }).chunks
        try await library.remove()

        var steps = 0
        repeat {
            try await library.checkFindsOnlyTheSmallOne()
            #expect(try await world.database.keywordProblems() == [])
            let places = chunks.suffix(2).map {
                ChunkPlace(knowledgeBase: library.base, document: library.large.id, chunk: $0)
            }
            #expect(try await world.database.passages(places, in: world.scope) == [])
            #expect(try await world.database.spans(around: places, reach: 1, in: world.scope) == [])
            steps += 1
        } while try await world.database.write { try $0.eraseStep() }
        #expect(steps == Self.many / Connection.erasingStep + 1)
        #expect(try await world.remains(of: library.large.id) == [])
        #expect(try await world.database.summary().chunks == 2)
    }

    @Test("can be stored again at once, as if it had never been there")
    func canComeBack() async throws {
        let library = try await Library()
        await library.world.database.collector.close()
        try await library.remove()
        let again = try await library.world.database.attach(
            Attachment(file: library.large.file), to: library.base, in: library.world.scope)
        #expect(again.id != library.large.id)
        try await library.world.complete(KeywordWorld.content(["apple again"]))
        while try await library.world.database.write({ try $0.eraseStep() }) {}
        #expect(try await KeywordWorld(library.world).search("again", in: library.base).map(\.document) == [again.id])
        #expect(try await library.world.database.keywordProblems() == [])
    }

    @Test("is erased without being asked for")
    func isErasedBehind() async throws {
        let library = try await Library()
        try await library.remove()
        await library.world.database.collector.finish()
        #expect(try await library.world.remains(of: library.large.id) == [])
        try await library.checkFindsOnlyTheSmallOne()
    }

    @Test("stays gone after a power cut, and its erasing goes on where it ended")
    func erasingOutlivesProcess() async throws {
        var library = try await Library()
        await library.world.database.collector.close()
        try await library.remove()
        _ = try await library.world.database.write { try $0.eraseStep() }
        library.world = try await library.world.reopened()
        try await library.checkFindsOnlyTheSmallOne()
        await library.world.database.collector.finish()
        try await library.checkFindsOnlyTheSmallOne()
        #expect(try await library.world.remains(of: library.large.id) == [])
        #expect(try await library.world.database.keywordProblems() == [])
    }

    @Test("goes on being erased when the keyword index was made anew in between")
    func survivesRebuild() async throws {
        let library = try await Library()
        await library.world.database.collector.close()
        try await library.remove()
        try await library.world.database.rebuildKeywords()
        try await library.checkFindsOnlyTheSmallOne()
        while try await library.world.database.write({ try $0.eraseStep() }) {}
        #expect(try await library.world.database.keywordProblems() == [])
        try await library.checkFindsOnlyTheSmallOne()
    }

    @Test("takes its file along, whose content is unlinked")
    func goesWithItsFile() async throws {
        let library = try await Library()
        let world = library.world
        await world.database.collector.close()
        try await world.database.remove(library.large.file, in: world.scope)
        try await library.checkFindsOnlyTheSmallOne()
        await #expect(throws: RequestError.self) {
            try await world.database.content(of: library.large.file, in: world.scope)
        }
        while try await world.database.write({ try $0.eraseStep() }) {}
        #expect(try await world.remains(of: library.large.id) == [])
    }

    @Test("as a whole knowledge base is gone at once and leaves nothing in the end")
    func wholeBase() async throws {
        let library = try await Library()
        let world = library.world
        await world.database.collector.close()
        let other = try await KeywordWorld(world).base(with: [["apple tree"]])
        try await world.database.remove(library.base, in: world.scope)
        await #expect(throws: RequestError.self) { try await world.database.manifest(of: library.base) }
        #expect(try await KeywordWorld(world).search("apple", in: library.base) == [])
        #expect(try await KeywordWorld(world).search("apple", in: other).count == 1)
        #expect(try await world.database.summary().knowledgeBases == 1)
        while try await world.database.write({ try $0.eraseStep() }) {}
        #expect(try await world.remains(of: library.large.id) == [])
        #expect(try await world.remains(of: library.small.id) == [])
        #expect(try await world.database.summary().chunks == 1)
        #expect(try await world.database.keywordProblems() == [])
    }

    @Test("counts as cancelled in the batch that it came with")
    func batchesForgetIt() async throws {
        let library = try await Library()
        let world = library.world
        let batch = try await world.database.addBatch(
            [Attachment(file: library.large.file), Attachment(file: library.small.file)], to: library.base,
            in: world.scope)
        await world.database.collector.close()
        try await library.remove()
        let counts = try await world.database.batch(batch.id, of: library.base, in: world.scope).counts
        #expect(counts.completed == 1)
        #expect(counts.cancelled == 1)
        let listed = try await world.database.documents(
            ofBatch: batch.id, of: library.base, status: nil, page: Page(), in: world.scope)
        #expect(listed.elements.map(\.id) == [library.small.id])
        // Nothing is left of it that could be queued again.
        try await world.database.requeueBatch(batch.id, of: library.base, in: world.scope)
    }
}

extension World {
    /// Rows of any table that still name a document, or are chunks, vectors or words without one.
    fileprivate func remains(of document: DocumentID) async throws -> [String] {
        let named = try await database.dump().filter { row in
            row.contains(document.rawValue) && !row.hasPrefix("job:") && !row.hasPrefix("removal:")
                && !row.hasPrefix("file_batch_member:")
        }
        let orphans = try await database.read { db in
            try String.fetchAll(
                db,
                sql: """
                    SELECT 'chunk ' || id FROM chunk WHERE document_id NOT IN (SELECT id FROM document)
                    UNION ALL SELECT 'vector ' || chunk_id FROM chunk_vector WHERE chunk_id NOT IN (SELECT id FROM chunk)
                    UNION ALL SELECT 'words ' || id FROM keyword_docsize WHERE id >> 12 NOT IN (SELECT id FROM chunk)
                    """)
        }
        return named + orphans
    }
}
