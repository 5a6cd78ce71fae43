import FoundationEssentials
import GRDB
import Knowledge
import Testing

@testable import Storage

@Suite("A job")
struct JobLifeTests {
    private let progress = JobProgress(stage: .embedding, pages: 3, chunks: 4, done: 2, reused: 1)

    @Test("goes to another worker when nothing was heard of the first for a minute, and never while it is heard of")
    func expires() async throws {
        let world = try World()
        _ = try await world.attach("text", to: try await world.makeBase().id)
        let start = world.later
        let lease = try #require(try await world.database.claim(at: start))
        #expect(try await world.database.claim(at: start + 59) == nil)
        #expect(try await world.database.renew(lease, at: start + 59, progress: progress))
        #expect(try await world.database.claim(at: start + 118) == nil)
        let next = try #require(try await world.database.claim(at: start + 119))
        #expect(next.job.id == lease.job.id)
        #expect(next.job.progress.done == 2, "what was done stays done")
        #expect(try await !world.database.renew(lease, at: start + 119, progress: progress))
        #expect(try await !world.database.complete(lease, with: World.content()))
        #expect(try await world.database.complete(next, with: World.content()))
    }

    @Test("that lost three workers in a row is given up, whatever number of tries came before")
    func countsDeathsApart() async throws {
        let world = try World()
        let base = try await world.makeBase()
        let document = try await world.attach("text", to: base.id)
        var time = world.later
        for _ in 1...7 {
            let lease = try #require(try await world.database.claim(at: time))
            #expect(try await world.database.retry(lease, notBefore: time, message: "Provider is away."))
        }
        for _ in 1...3 {
            #expect(try await world.database.claim(at: time) != nil)
            time += 61
        }
        #expect(try await world.database.claim(at: time) == nil)
        let job = try #require(try await world.database.jobs(status: .failed, page: Page(), in: world.scope).elements.first)
        #expect(job.reason == .internalError)
        let status = try await world.database.document(document.file, of: base.id, in: world.scope).status
        #expect(status == .failed(DocumentFailure(.internalError, try #require(job.message))))
    }

    @Test("is queued again by an orderly end as if it had not run, however often that happens")
    func survivesRestarts() async throws {
        var world = try World()
        _ = try await world.attach("text", to: try await world.makeBase().id)
        for _ in 1...7 {
            let lease = try #require(try await world.database.claim(at: world.later))
            #expect(lease.job.attempts == 1)
            try await world.database.close()
            world = try await world.reopened()
            let deaths = try await world.database.read { try Int.fetchOne($0, sql: "SELECT SUM(deaths) FROM job") }
            #expect(deaths == 0)
        }
        try await world.complete(World.content())
    }

    @Test("does not embed again what an earlier run or another document of the knowledge base has embedded")
    func reusesVectors() async throws {
        let world = try World()
        let base = try await world.makeBase()
        _ = try await world.attach("one", to: base.id)
        var content = World.content(chunks: 3)
        for index in content.chunks.indices { content.chunks[index].context = "\(index)\n" }
        let first = try #require(try await world.database.claim(at: world.later))
        #expect(try await world.database.vectors(of: content.chunks, for: first) == [nil, nil, nil])
        let staged = try await world.database.stage(
            [content.vectors[1]], of: [content.chunks[1]], for: first, at: world.later, progress: progress)
        #expect(staged)

        let next = try await world.reopened()
        let again = try #require(try await next.database.claim(at: world.later))
        #expect(again.job.progress == JobProgress(stage: .reading, pages: 3, chunks: 4, done: 2, reused: 1))
        #expect(try await next.database.vectors(of: content.chunks, for: again) == [nil, content.vectors[1], nil])
        #expect(try await !next.database.stage([[1, 2, 3, 4]], of: [content.chunks[0]], for: first, at: world.later, progress: progress))
        #expect(try await next.database.complete(again, with: content))
        let left = try await next.database.read { try Int.fetchOne($0, sql: "SELECT COUNT(*) FROM staged_vector") }
        #expect(left == 0)

        // Another document of the same knowledge base has use of them, one of another has not.
        _ = try await next.attach("two", to: base.id)
        let two = try #require(try await next.database.claim(at: world.later))
        #expect(try await next.database.vectors(of: content.chunks, for: two) == content.vectors)
        _ = try await next.attach("two", to: try await next.makeBase().id)
        let stranger = try #require(try await next.database.claim(at: world.later))
        #expect(try await next.database.vectors(of: content.chunks, for: stranger) == [nil, nil, nil])
    }

    @Test("that is cancelled writes nothing more, and can be queued again")
    func cancelsAndComesBack() async throws {
        let world = try World()
        let base = try await world.makeBase()
        let document = try await world.attach("text", to: base.id)
        let lease = try #require(try await world.database.claim(at: world.later))
        _ = try await world.database.stage(
            [[1, 2, 3, 4]], of: World.content(chunks: 1).chunks, for: lease, at: world.later, progress: progress)
        #expect(try await world.database.cancel(lease.job.id, in: world.scope).status == .cancelled)
        #expect(try await world.database.document(document.file, of: base.id, in: world.scope).status == .cancelled)
        let before = try await world.database.dump()
        #expect(!before.contains { $0.hasPrefix("staged_vector") })
        #expect(try await !world.database.complete(lease, with: World.content()))
        #expect(try await !world.database.fail(lease, DocumentFailure(.empty, "Nothing.")))
        #expect(try await world.database.cancel(lease.job.id, in: world.scope).status == .cancelled)
        #expect(try await world.database.dump() == before)
        #expect(try await world.database.claim(at: world.later) == nil)

        let again = try await world.database.requeue(lease.job.id, in: world.scope)
        #expect(again.attempts == 0 && again.progress.done == 0 && again.progress.chunks == 0)
        #expect(try await world.database.document(document.file, of: base.id, in: world.scope).status == .inProgress)
        try await world.complete(World.content())
        for call in [world.database.cancel, world.database.requeue] {
            await #expect { try await call(lease.job.id, world.scope) } throws: { error in
                if case RequestError.conflict = error { true } else { false }
            }
        }
    }

    @Test("is not accepted while ten thousand of the tenant wait, and other tenants do not notice")
    func cap() async throws {
        let world = try World()
        let base = try await world.makeBase()
        let fill = """
            WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 10000)
            INSERT INTO job (id, tenant_id, kind, knowledge_base_id, document_id, status, not_before, created_at, updated_at)
            SELECT 'job_' || n, ?, 'ingest', ?, 'doc_' || n, 'queued', 0, n, n FROM number
            """
        try await world.database.write { db in
            try db.execute(sql: fill, arguments: [world.scope.tenant.rawValue, base.id.rawValue])
        }
        await #expect { try await world.attach("text", to: base.id) } throws: { error in
            if case RequestError.tooMany = error { true } else { false }
        }
        #expect(try await world.database.documents(of: base.id, status: nil, page: Page(), in: world.scope).elements.isEmpty)
        let other = try await world.makeBase(in: world.stranger)
        _ = try await world.attach("text", to: other.id, in: world.stranger)
    }
}
