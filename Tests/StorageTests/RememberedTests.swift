import Knowledge
import Testing

@testable import Storage

@Suite("What is remembered between commits")
struct RememberedTests {
    private let world: World

    init() throws { world = try World() }

    @Test("is what the last answered write left: knowledge bases, their revisions, and keys")
    func follows() async throws {
        let (database, scope) = (world.database, world.scope)
        var base = try await world.makeBase()
        let other = try await world.makeBase()
        for round in 1...3 {
            _ = try await world.attach("text \(round)", to: base.id)
            let before = try await database.knowledgeBases([base.id, other.id], in: scope)
            let revision = try await database.revision(of: base.id)
            #expect(before.map(\.counts.inProgress) == [1, 0])
            try await world.complete(World.content())
            #expect(try await database.knowledgeBases([other.id, base.id], in: scope).map(\.counts.completed) == [0, round])
            #expect(try await database.revision(of: base.id) > revision)
        }
        #expect(try await database.knowledgeBases([base.id], in: world.stranger).isEmpty)
        base = try #require(try await database.knowledgeBases([base.id], in: scope).first)
        base.name = "Other"
        try await database.update(base, in: scope)
        #expect(try await database.knowledgeBases([base.id], in: scope).map(\.name) == ["Other"])
        try await database.remove(base.id, in: scope)
        #expect(try await database.knowledgeBases([base.id, other.id], in: scope).map(\.id) == [other.id])
        await #expect(throws: RequestError.self) { try await database.revision(of: base.id) }

        let digest = String(repeating: "0", count: 64)
        #expect(try await database.key(digest: digest) == nil)
        let key = APIKey(name: "k", tenant: scope.tenant, role: .user, digest: digest, hint: "0000", createdAt: database.time)
        try await database.add(key)
        #expect(try await database.key(digest: digest)?.id == key.id)
        try await database.revoke(key.id, of: nil, at: world.later)
        #expect(try await database.key(digest: digest) == nil)
    }

    @Test("is asked for once between two commits, and never taken from before one that came meanwhile")
    func forgets() async throws {
        let remembered = world.database.remembered
        let question = Remembered.Question.key(digest: "d")
        var reads = 0
        func ask(meanwhile: () async throws -> Void = {}) async throws -> Int? {
            try await remembered.answer(to: question) {
                reads += 1
                try await meanwhile()
                return reads == 1 ? nil : reads
            }
        }
        #expect(try await ask() == nil)
        // That there is none is known, too.
        #expect(try await ask() == nil && reads == 1)
        _ = try await world.makeBase()
        #expect(try await ask { _ = try await world.makeBase() } == 2)
        #expect(try await ask() == 3)
        #expect(try await ask() == 3)
        // From the moment on in which a commit may be seen nothing older is said, however long it takes.
        remembered.databaseWillCommit()
        let during = try await ask()
        #expect(try await ask() != during)
    }
}
