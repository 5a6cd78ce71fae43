import FoundationEssentials
import Knowledge
import Testing

@testable import Storage

@Suite("A batch of files")
struct FileBatchTests {
    private func statuses(_ world: World, _ batch: FileBatch) async throws -> DocumentCounts {
        try await world.database.batch(batch.id, of: batch.knowledgeBase, in: world.scope).counts
    }

    @Test("counts every file once at every moment, whatever becomes of it, after a crash as well")
    func counts() async throws {
        let world = try World()
        let base = try await world.makeBase()
        var files: [StoredFile] = []
        for text in ["one", "two", "three", "four", "one"] { files.append(try await world.upload(text)) }
        let attachments = (files + [files[0]]).map { Attachment(file: $0.id) }
        let batch = try await world.database.addBatch(attachments, to: base.id, in: world.scope)
        // The last two are another file of the same content, and the same file again.
        #expect(batch.counts == DocumentCounts(inProgress: 5))

        var leases: [FileID: JobLease] = [:]
        while let lease = try await world.database.claim(at: world.later) { leases[try #require(lease.file).id] = lease }
        #expect(leases.count == 4)
        #expect(try await world.database.complete(#require(leases[files[0].id]), with: World.content()))
        #expect(try await statuses(world, batch).completed == 2, "both files of one content")
        #expect(try await world.database.fail(#require(leases[files[1].id]), DocumentFailure(.empty, "Nothing.")))
        #expect(try await statuses(world, batch) == DocumentCounts(inProgress: 2, completed: 2, failed: 1))

        let next = try await world.reopened()
        #expect(try await next.database.cancelBatch(batch.id, of: base.id, in: world.scope).count == 2)
        #expect(try await statuses(next, batch) == DocumentCounts(completed: 2, failed: 1, cancelled: 2))
        #expect(try await next.database.claim(at: world.later) == nil)

        try await next.database.requeueBatch(batch.id, of: base.id, in: world.scope)
        #expect(try await statuses(next, batch) == DocumentCounts(inProgress: 3, completed: 2))
        for _ in 1...3 { try await next.complete(World.content()) }
        #expect(try await statuses(next, batch) == DocumentCounts(completed: 5))
        try await next.database.remove(files[2].id, in: world.scope)
        #expect(try await statuses(next, batch) == DocumentCounts(completed: 4, cancelled: 1))
    }

    @Test("is made of all its files or not at all")
    func allOrNothing() async throws {
        let world = try World()
        let base = try await world.makeBase()
        let file = try await world.upload("one")
        let before = try await world.database.dump()
        let missing = FileID.random()
        await #expect(throws: RequestError.notFound("file", id: missing.rawValue, parameter: nil)) {
            let attachments = [file.id, missing].map { Attachment(file: $0) }
            _ = try await world.database.addBatch(attachments, to: base.id, in: world.scope)
        }
        #expect(try await world.database.dump() == before)
    }

    @Test("lists its files page by page, each under its own id, filtered by what became of them")
    func lists() async throws {
        let world = try World()
        let base = try await world.makeBase()
        var files: [FileID] = []
        for text in ["one", "one", "two", "three", "two"] { files.append(try await world.upload(text).id) }
        let batch = try await world.database.addBatch(files.map { Attachment(file: $0) }, to: base.id, in: world.scope)
        while let lease = try await world.database.claim(at: world.later) {
            guard lease.file?.id == files[0] else { continue }
            #expect(try await world.database.complete(lease, with: World.content()))
        }
        func list(_ status: String?, after: String? = nil) async throws -> [FileID] {
            try await world.database.documents(
                ofBatch: batch.id, of: base.id, status: status, page: Page(limit: 2, order: .ascending, after: after),
                in: world.scope
            ).elements.map(\.file)
        }
        var seen: [FileID] = []
        while true {
            let page = try await list(nil, after: seen.last?.rawValue)
            if page.isEmpty { break }
            seen += page
        }
        #expect(seen == files)
        #expect(try await list("completed") == Array(files[0...1]))
        #expect(try await list("failed").isEmpty)
        // One whose document stays by another file stays a member.
        try await world.database.remove(files[0], from: base.id, in: world.scope)
        #expect(try await list("completed") == Array(files[0...1]))
    }
}
