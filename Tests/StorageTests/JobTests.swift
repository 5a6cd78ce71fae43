import FoundationEssentials
import Knowledge
import Testing

@testable import Storage

@Suite("The queue")
struct JobTests {
    @Test("gives a job that was running when the process died to the next one, and the dead one's lease is void")
    func survivesCrash() async throws {
        let world = try World()
        let base = try await world.makeBase()
        let document = try await world.attach("text", to: base.id)
        let lease = try #require(try await world.database.claim(at: world.later))
        #expect(lease.job.attempts == 1)

        let next = try await world.reopened()
        let before = try await next.database.dump()
        #expect(try await !next.database.complete(lease, with: World.content()))
        #expect(try await !next.database.fail(lease, DocumentFailure(.empty, "Nothing in it.")))
        #expect(try await !next.database.retry(lease, notBefore: world.later, message: "Later."))
        #expect(try await next.database.dump() == before)

        let again = try #require(try await next.database.claim(at: world.later))
        #expect(again.job.id == lease.job.id)
        #expect(again.job.attempts == 2)
        #expect(try await next.database.content(again) == Data("text".utf8))
        #expect(try await next.database.complete(again, with: World.content()))
        #expect(try await next.database.document(document.file, of: base.id, in: world.scope).status == .completed)
    }

    @Test("does not count a run that ended with the process in good order")
    func survivesRestart() async throws {
        var world = try World()
        _ = try await world.attach("text", to: try await world.makeBase().id)
        for _ in 1...5 {
            #expect(try await world.database.claim(at: world.later)?.job.attempts == 1)
            world = try await world.restarted()
        }
    }

    @Test("gives up a document that the process died of three times, and does the others before it tries again")
    func survivesDeadlyDocument() async throws {
        var world = try World()
        let base = try await world.makeBase()
        let deadly = try await world.attach("deadly", to: base.id)
        let harmless = try await world.attach("harmless", to: base.id)
        for attempt in 1...3 {
            let lease = try #require(try await world.database.claim(at: world.later))
            #expect(lease.job.document == deadly.id)
            #expect(lease.job.attempts == attempt)
            world = try await world.reopened()
            guard attempt == 1 else { continue }
            let other = try #require(try await world.database.claim(at: world.later))
            #expect(other.job.document == harmless.id)
            #expect(try await world.database.complete(other, with: World.content()))
        }
        let status = try await world.database.document(deadly.file, of: base.id, in: world.scope).status
        #expect(
            status == .failed(DocumentFailure(.internalError, "The server ended 3 times while it read this document.")))
        #expect(try await world.database.claim(at: world.later) == nil)
    }

    @Test("lets only the holder of the present lease write")
    func fences() async throws {
        let world = try World()
        let base = try await world.makeBase()
        _ = try await world.attach("text", to: base.id)
        let old = try #require(try await world.database.claim(at: world.later))
        #expect(try await world.database.retry(old, notBefore: world.later, message: "Later."))
        let new = try #require(try await world.database.claim(at: world.later))
        let before = try await world.database.dump()
        #expect(try await !world.database.complete(old, with: World.content()))
        #expect(try await world.database.dump() == before)
        #expect(try await world.database.complete(new, with: World.content()))
        #expect(try await !world.database.complete(new, with: World.content(seed: 9)))
    }

    @Test("holds a job back until its time")
    func waits() async throws {
        let world = try World()
        let base = try await world.makeBase()
        _ = try await world.attach("text", to: base.id)
        let lease = try #require(try await world.database.claim(at: world.later))
        let time = world.later.addingTimeInterval(60.0005)
        #expect(try await world.database.retry(lease, notBefore: time, message: "Provider is away."))
        #expect(try await world.database.job(lease.job.id, in: world.scope).message == "Provider is away.")
        #expect(try await world.database.claim(at: world.later) == nil)
        #expect(try await world.database.claim(at: time)?.job.id == lease.job.id)
    }

    @Test("serves tenants in turn, and each one's jobs in order, however many one of them has")
    func isFair() async throws {
        let world = try World()
        let tenants = [world.scope, world.stranger, Scope(tenant: TenantID(rawValue: "tenant_three"), role: .user)]
        for (number, scope) in tenants.enumerated() {
            let base = try await world.makeBase(in: scope)
            for job in 0..<(number == 0 ? 6 : 2) { _ = try await world.attach("\(job)", to: base.id, in: scope) }
        }
        var served: [TenantID] = []
        var jobs: [Job] = []
        while let lease = try await world.database.claim(at: world.later) {
            served.append(lease.job.tenant)
            jobs.append(lease.job)
        }
        #expect(served.count == 10)
        #expect(Set(served[0..<3]) == Set(tenants.map(\.tenant)))
        #expect(Set(served[3..<6]) == Set(tenants.map(\.tenant)))
        #expect(served[6...].allSatisfy { $0 == world.scope.tenant })
        for scope in tenants {
            let times = jobs.filter { $0.tenant == scope.tenant }.map(\.createdAt)
            #expect(times == times.sorted())
        }
    }

    @Test("stores nothing of content whose parts do not fit", arguments: BadContent.allCases)
    func completesAllOrNothing(_ bad: BadContent) async throws {
        let world = try World()
        let base = try await world.makeBase()
        _ = try await world.attach("text", to: base.id)
        let lease = try #require(try await world.database.claim(at: world.later))
        let before = try await world.database.dump()
        await #expect {
            try await world.database.complete(lease, with: bad.content)
        } throws: { error in
            if case StorageError.invalidContent = error { true } else { false }
        }
        #expect(try await world.database.dump() == before)
        #expect(try await world.database.complete(lease, with: World.content()))
    }

    enum BadContent: CaseIterable {
        case noChunks, shortVector, longVector, missingVector, notANumber, beyondTheText

        var content: IndexedContent {
            var content = World.content(chunks: 3)
            switch self {
            case .noChunks: (content.chunks, content.vectors) = ([], [])
            case .shortVector: content.vectors[2].removeLast()
            case .longVector: content.vectors[2].append(1)
            case .missingVector: content.vectors.removeLast()
            case .notANumber: content.vectors[2][0] = .nan
            case .beyondTheText: content.chunks[2].bytes = 2..<4
            }
            return content
        }
    }

    @Test("takes back the lease of a document that is removed", arguments: Removal.allCases)
    func voidsLeases(_ removal: Removal) async throws {
        let world = try World()
        let base = try await world.makeBase()
        let document = try await world.attach("text", to: base.id)
        let lease = try #require(try await world.database.claim(at: world.later))
        switch removal {
        case .document: try await world.database.remove(document.file, from: base.id, in: world.scope)
        case .file: try await world.database.remove(document.file, in: world.scope)
        case .knowledgeBase: try await world.database.remove(base.id, in: world.scope)
        }
        let before = try await world.database.dump()
        #expect(try await !world.database.complete(lease, with: World.content()))
        #expect(try await world.database.dump() == before)
        #expect(try await world.database.job(lease.job.id, in: world.scope).status == .cancelled)
        #expect(try await world.database.claim(at: world.later) == nil)
    }

    enum Removal: CaseIterable { case document, file, knowledgeBase }

    @Test("gives each job to one worker, however many ask at once")
    func claimsOnce() async throws {
        let world = try World()
        let base = try await world.makeBase()
        for number in 0..<20 { _ = try await world.attach("\(number)", to: base.id) }
        let claimed = try await withThrowingTaskGroup(of: JobID?.self) { group in
            for _ in 0..<25 {
                group.addTask { try await world.database.claim(at: world.later)?.job.id }
            }
            return try await group.reduce(into: [JobID]()) { jobs, job in if let job { jobs.append(job) } }
        }
        #expect(claimed.count == 20)
        #expect(Set(claimed).count == 20)
    }
}
