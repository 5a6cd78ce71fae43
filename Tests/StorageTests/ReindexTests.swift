import FoundationEssentials
import GRDB
import Knowledge
import TestSupport
import Testing

@testable import Storage

@Suite("A knowledge base that is indexed anew")
struct ReindexTests {
    @Test("is found as before until it is done, as by the new settings from then on, and is never half of both")
    func changesOver() async throws {
        let library = try await Library()
        let old = library.settings[0]
        for text in ["one two three", "two four six eight", "five"] { try await library.add(text) }
        let before = try await library.knowledgeBase()
        let searching = try await library.places(in: before.index)

        _ = try await library.world.database.reindex(library.base, with: library.settings[1], in: library.world.scope)
        let lease = try #require(try await library.claim())
        #expect(lease.job.kind == .reindex && lease.embedding == library.settings[1].embedding)
        while try await library.step(lease) {
            try await library.checkAnswers(old)
            let state = try #require(try await library.knowledgeBase().reindexing)
            #expect(state.job.id == lease.job.id && state.settings == library.settings[1])
        }
        try await library.checkAnswers(old)
        #expect(try await library.world.database.changeOver(lease) == .done)
        try await library.checkAnswers(library.settings[1])

        let after = try await library.knowledgeBase()
        #expect(after.index != before.index && after.reindexing == nil && after.former?.settings == old)
        #expect(after.settings == library.settings[1] && after.counts.completed == 3)
        let documents = try await library.documents()
        #expect(documents.allSatisfy { $0.chunking == after.chunking })
        let expected = documents.map { library.content(of: $0, after.settings).chunks.count }
        #expect(documents.map(\.chunkCount) == expected)
        #expect(after.usageBytes == documents.map { library.text(of: $0).utf8.count }.reduce(0, +)
            + expected.reduce(0, +) * after.embedding.dimension * 4)
        // A search that began before is answered to its end, from what it began with.
        #expect(try await library.world.database.passages(searching, in: library.world.scope).count == searching.count)
        #expect(try await library.places(in: before.index) == searching)
        #expect(try await library.world.database.job(lease.job.id, in: library.world.scope).status == .completed)
    }

    @Test("takes along what is added, replaced and removed meanwhile, and lets nothing come in while it changes over")
    func keepsUp() async throws {
        let library = try await Library()
        let database = library.world.database
        for text in ["one", "two", "three"] { try await library.add(text) }
        try await library.put("first version", as: "name")
        let lease = try await library.begin(1)
        #expect(try await library.step(lease, chunks: 1))
        try await library.add("four")
        try await library.remove("one")
        try await library.remove("three")
        try await library.put("second version", as: "name")
        try await library.checkAnswers(library.settings[0])
        #expect(try await database.changeOver(lease) == .incomplete)
        while try await library.step(lease) {}

        #expect(try await database.renew(lease, at: library.world.later, progress: JobProgress(stage: .storing)))
        let late = try await library.world.attach("five six", to: library.base)
        #expect(try await library.claim() == nil)
        #expect(try await database.changeOver(lease) == .done)
        try await library.work()
        #expect(try await library.documents().contains { $0.id == late.id && $0.status == .completed })
        try await library.checkAnswers(library.settings[1])
        let texts = try await library.documents().map(library.text(of:)).sorted()
        #expect(texts == ["five six", "four", "second version", "two"])
        try await library.checkFresh()
        // The job that goes on while its knowledge base changes begins anew.
        let next = try await library.begin(2)
        _ = try await library.world.attach("seven eight", to: library.base)
        let ingest = try #require(try await library.claim())
        while try await library.step(next) {}
        #expect(try await database.changeOver(next) == .done)
        #expect(try await database.complete(ingest, with: World.content(dimension: 4)) == false)
        try await library.work()
        try await library.checkAnswers(library.settings[2])
    }

    @Test("goes on after the end of the process where it was, and embeds nothing twice")
    func resumes() async throws {
        var library = try await Library()
        for number in 0..<5 { try await library.add("text number \(number)") }
        var lease = try await library.begin(1)
        #expect(try await library.step(lease, chunks: 1))
        #expect(try await library.step(lease, chunks: 1))
        let dead = lease
        library.world = try await library.world.reopened()
        #expect(try await library.world.database.documents(lackingIn: dead, after: 0, limit: 9) == nil)
        #expect(try await library.world.database.changeOver(dead) == .lost)
        try await library.checkAnswers(library.settings[0])
        lease = try #require(try await library.claim())
        #expect(lease.job.id == dead.job.id)
        let left = try #require(try await library.world.database.documents(lackingIn: lease, after: 0, limit: 100))
        #expect(left.documents.count == 3 && left.progress == JobProgress.Documents(total: 5, done: 2))
        while try await library.step(lease) {}
        #expect(try await library.world.database.changeOver(lease) == .done)
        try await library.checkAnswers(library.settings[1])
    }

    @Test("is as it was when that is cancelled, and the space is given back")
    func isCancelled() async throws {
        let library = try await Library()
        let (database, scope) = (library.world.database, library.world.scope)
        for text in ["one two", "three four five"] { try await library.add(text) }
        await database.collector.finish()
        func content() async throws -> [String] {
            let changing = ["job:", "tenant:", "keyword"]
            return try await database.dump().filter { row in !changing.contains(where: row.hasPrefix) }
        }
        let before = try await content()
        let lease = try await library.begin(1)
        #expect(try await library.step(lease, chunks: 1))
        #expect(try await database.cancel(lease.job.id, in: scope).status == .cancelled)
        #expect(try await library.step(lease) == false)
        await database.collector.finish()
        #expect(try await content() == before)
        #expect(try await database.keywordProblems() == [])
        try await library.checkAnswers(library.settings[0])
        await #expect(throws: RequestError.self) { try await database.requeue(lease.job.id, in: scope) }
    }

    @Test("keeps to its answers where a document fails, and tries only what failed again")
    func fails() async throws {
        let library = try await Library()
        let (database, scope) = (library.world.database, library.world.scope)
        for text in ["one two", "three four five"] { try await library.add(text) }
        let lease = try await library.begin(1)
        #expect(try await library.step(lease, chunks: 1))
        #expect(try await database.fail(lease, DocumentFailure(.embeddingFailed, "No.")))
        try await library.checkAnswers(library.settings[0])
        #expect(try await library.knowledgeBase().reindexing?.job.status == .failed)
        // Asked for again, it is the same job.
        let again = try await database.reindex(library.base, with: library.settings[1], in: scope)
        #expect(again.reindexing?.job.id == lease.job.id && again.reindexing?.job.status == .queued)
        let next = try #require(try await library.claim())
        #expect(try await database.documents(lackingIn: next, after: 0, limit: 100)?.documents.count == 1)
        while try await library.step(next) {}
        #expect(try await database.changeOver(next) == .done)
        try await library.checkAnswers(library.settings[1])
    }

    @Test("goes back to what it had, with all that came since and without what went")
    func rollsBack() async throws {
        let library = try await Library()
        let database = library.world.database
        for text in ["one two", "three four", "five six"] { try await library.add(text) }
        let old = try await library.knowledgeBase().index
        try await library.reindex(1)
        try await library.add("seven eight")
        try await library.remove("one two")
        let lease = try await library.begin(0)
        #expect(lease.job.document.rawValue == old.rawValue)
        let left = try #require(try await database.documents(lackingIn: lease, after: 0, limit: 100))
        #expect(left.documents.map(\.text) == ["seven eight"])
        while try await library.step(lease) {}
        #expect(try await database.changeOver(lease) == .done)
        try await library.checkAnswers(library.settings[0])
        try await library.checkFresh()
        // To and fro, without anything to do.
        for number in [1, 0] {
            let lease = try await library.begin(number)
            #expect(try await database.changeOver(lease) == .done)
            try await library.checkAnswers(library.settings[number])
        }
        // What was searched before goes in the end, and takes up no space.
        try await database.discardGenerations(expiredAt: Date(timeIntervalSince1970: 4_000_000_000))
        await database.collector.finish()
        #expect(try await library.knowledgeBase().former == nil)
        try await library.checkAnswers(library.settings[0])
        #expect(try await library.strayChunks() == 0)
    }

    @Test("finds by attributes what it found before, on either side of the change")
    func filters() async throws {
        let library = try await Library()
        let (database, scope) = (library.world.database, library.world.scope)
        let file = try await library.world.upload("blue one")
        _ = try await database.attach(Attachment(file: file.id, attributes: ["colour": "blue"]), to: library.base, in: scope)
        try await library.work()
        try await library.add("red one")
        func found() async throws -> Int {
            let filter = try await database.documents(
                matching: .compare("colour", .equal, "blue"), of: [library.base], in: scope)
            let index = try await library.knowledgeBase().index
            return try await database.search("one", in: [index], documents: filter, limit: 9).hits.count
        }
        #expect(try await found() == 1)
        try await library.reindex(1)
        #expect(try await found() == 1)
    }

    @Test("is at every moment what a new one with its documents and settings would be", arguments: 0..<12)
    func equalsFresh(_ seed: UInt64) async throws {
        var random = SplitMix64(state: seed)
        var library = try await Library()
        var held: JobLease?
        var count = 0
        for _ in 0..<40 {
            let database = library.world.database
            switch Int.random(in: 0..<10, using: &random) {
            case 0, 1:
                count += 1
                let words = (0..<Int.random(in: 1...9, using: &random)).map { _ in "w\(Int.random(in: 0..<20, using: &random))" }
                try await library.add("t\(count) " + words.joined(separator: " "))
            case 2:
                if let document = try await library.documents().randomElement(using: &random) {
                    try await library.remove(library.text(of: document))
                }
            case 3:
                count += 1
                try await library.put("named \(count) w\(count % 5)", as: "n\(Int.random(in: 0..<2, using: &random))")
            case 4 where held == nil:
                let settings = library.settings.randomElement(using: &random)!
                _ = try await database.reindex(library.base, with: settings, in: library.world.scope)
                held = try await library.claim()
            case 5:
                if let lease = held, Int.random(in: 0..<3, using: &random) == 0 {
                    _ = try await database.cancel(lease.job.id, in: library.world.scope)
                    held = nil
                } else {
                    try await database.discardGenerations(
                        expiredAt: Date(timeIntervalSince1970: held == nil ? 4_000_000_000 : 0))
                }
            case 6 where Int.random(in: 0..<2, using: &random) == 0:
                library.world = try await library.world.reopened()
                held = try await library.claim()
            default:
                guard let lease = held else { break }
                if try await !library.step(lease, chunks: Int.random(in: 1...6, using: &random)),
                    try await database.changeOver(lease) == .done
                {
                    held = nil
                }
            }
            try await library.checkAnswers()
        }
        try await library.checkFresh()
        if let held { _ = try await library.world.database.cancel(held.job.id, in: library.world.scope) }
        try await library.world.database.discardGenerations(expiredAt: Date(timeIntervalSince1970: 4_000_000_000))
        await library.world.database.collector.finish()
        #expect(try await library.strayChunks() == 0)
        #expect(try await library.world.database.check(.quick, mends: false).problems == [])
    }

    @Test("is found in a database from before there were generations")
    func upgrades() async throws {
        let directory = try TemporaryDirectory()
        let queue = try DatabaseQueue(path: "\(directory.path)/almanac.db")
        try await queue.writeWithoutTransaction { db in
            try SchemaMigration.apply(Array(SchemaMigration.embedded.prefix(7)), to: db, at: Date())
            try db.execute(sql: Self.oldRows)
        }
        try queue.close()
        let world = try World(in: directory)
        let base = KnowledgeBaseID(rawValue: "kb")
        let scope = Scope(tenant: TenantID(rawValue: "t"), role: .user)
        #expect(try await world.database.knowledgeBase(base, in: scope).index == base)
        let hits = try await world.database.search("apple", in: [base], documents: nil, limit: 9).hits
        #expect(hits.map(\.chunk) == [ChunkID(7)])
        #expect(try await world.database.manifest(of: base).documents.map(\.chunkCount) == [2])
        #expect(try await world.database.check(.quick, mends: false).problems.filter { $0.part != .files } == [])
        let job = try await world.database.job(JobID(rawValue: "job"), in: scope)
        #expect(job.kind == .ingest && job.progress.documents == nil)
    }

    private static let oldRows = """
        INSERT INTO tenant (id) VALUES ('t');
        INSERT INTO file (id, tenant_id, name, bytes, sha256, purpose, created_at)
        VALUES ('f', 't', 'a.txt', 1, '\(String(repeating: "a", count: 64))', '', 0);
        INSERT INTO knowledge_base (id, tenant_id, name, summary, metadata, embedding_name, embedding_dimension,
            embedding_max_tokens, embedding_fingerprint, chunking, created_at, last_active_at, revision)
        VALUES ('kb', 't', '', '', '{}', 'm', 1, 9, 'f', '{"structured":{}}', 0, 0, 3);
        INSERT INTO document (id, tenant_id, knowledge_base_id, file_id, sha256, filename, status, attributes, chunking,
            chunk_count, usage_bytes, revision, created_at)
        VALUES ('doc', 't', 'kb', 'f', '\(String(repeating: "a", count: 64))', 'a.txt', 'completed', '{}',
            '{"structured":{}}', 2, 9, 3, 0);
        INSERT INTO document_text (document_id, text) VALUES ('doc', 'apple pear');
        INSERT INTO chunk (id, document_id, position, byte_start, byte_end, character_start, character_end, text, context,
            heading_path, token_count)
        VALUES (7, 'doc', 0, 0, 5, 0, 5, 'apple', '', '[]', 1), (8, 'doc', 1, 6, 10, 6, 10, 'pear', '', '[]', 1);
        INSERT INTO chunk_vector (chunk_id, vector, crc32)
        VALUES (7, x'0000803f', \(CRC32.one)), (8, x'0000803f', \(CRC32.one));
        INSERT INTO job (id, tenant_id, kind, knowledge_base_id, document_id, status, not_before, created_at, updated_at)
        VALUES ('job', 't', 'ingest', 'kb', 'doc', 'completed', 0, 0, 0);
        """
}

extension CRC32 {
    /// Of the float 1, little-endian.
    fileprivate static let one = [UInt8]([0, 0, 0x80, 0x3F]).withUnsafeBytes(checksum)
}
