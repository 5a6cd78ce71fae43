import FoundationEssentials
import Knowledge
import Testing

@testable import Storage

@Suite("A key")
struct KeyTests {
    private func key(_ digit: Character, at seconds: Double = 1_700_000_000) -> APIKey {
        APIKey(
            name: "Key \(digit)", tenant: TenantID(rawValue: "tenant_one"), role: .admin,
            digest: String(repeating: digit, count: 64), hint: "wxyz", createdAt: Date(timeIntervalSince1970: seconds))
    }

    @Test("opens the door until it is revoked, at once")
    func isRevoked() async throws {
        let world = try World()
        let key = key("a")
        try await world.database.add(key)
        #expect(try await world.database.key(digest: key.digest) == key)
        try await world.database.revoke(key.id, of: nil, at: world.later)
        #expect(try await world.database.key(digest: key.digest) == nil)
        try await world.database.revoke(key.id, of: nil, at: Date(timeIntervalSince1970: 1_900_000_000))
        #expect(try await world.database.keys(of: nil).map(\.revokedAt) == [world.later])
    }

    @Test("of the same digest stays the first one, and stays revoked")
    func isAddedOnce() async throws {
        let world = try World()
        let first = key("a")
        try await world.database.add(first)
        try await world.database.revoke(first.id, of: nil, at: world.later)
        try await world.database.add(key("a"))
        #expect(try await world.database.keys(of: nil).map(\.id) == [first.id])
        #expect(try await world.database.key(digest: first.digest) == nil)
    }

    @Test("is neither seen nor revoked by another tenant")
    func isOfOneTenant() async throws {
        let world = try World()
        let key = key("a")
        try await world.database.add(key)
        let other = TenantID(rawValue: "tenant_two")
        #expect(try await world.database.keys(of: other).isEmpty)
        #expect(try await world.database.keys(of: key.tenant) == [key])
        await #expect(throws: RequestError.notFound("key", id: key.id.rawValue, parameter: nil)) {
            try await world.database.revoke(key.id, of: other, at: world.later)
        }
        #expect(try await world.database.key(digest: key.digest) == key)
    }

    @Test("is listed after the older ones, and an unknown one is not found")
    func isListed() async throws {
        let world = try World()
        let keys = [key("c", at: 3), key("a", at: 1), key("b", at: 2)]
        for key in keys { try await world.database.add(key) }
        #expect(try await world.database.keys(of: nil) == [keys[1], keys[2], keys[0]])
        #expect(try await world.database.key(digest: String(repeating: "d", count: 64)) == nil)
        await #expect(throws: RequestError.notFound("key", id: "key_none", parameter: nil)) {
            try await world.database.revoke(KeyID(rawValue: "key_none"), of: nil, at: world.later)
        }
    }
}

@Suite("An expert and a knowledge base")
struct ProfileTests {
    @Test("are read as they were written, changed and removed")
    func roundTrip() async throws {
        let world = try World()
        var expert = Expert(title: "Häuptling", summary: "Knows", createdAt: world.database.time)
        expert.settings.instructions = "Be \u{0} brief.\n"
        expert.settings.temperature = 0.25
        expert.settings.knowledgeBases = [.random(), .random()]
        expert.settings.initialConversation = [Expert.Turn(role: "user", content: "Hello?")]
        expert.settings.other = ["deep": [["a": .null], 1, 2.5, true]]
        try await world.database.add(expert, in: world.scope)
        #expect(try await world.database.expert(expert.id, in: world.scope) == expert)
        expert.title = "Chief"
        expert.settings.onEmpty = .refuse
        try await world.database.update(expert, in: world.scope)
        #expect(try await world.database.experts(in: world.scope) == [expert])
        try await world.database.remove(expert.id, in: world.scope)
        await #expect(throws: RequestError.notFound("expert", id: expert.id.rawValue, parameter: nil)) {
            try await world.database.expert(expert.id, in: world.scope)
        }
    }

    @Test("keep what is fixed: an update changes a knowledge base's name, summary and metadata alone")
    func updatesOnlyWords() async throws {
        let world = try World()
        let base = try await world.makeBase()
        var changed = base
        changed.name = "Other"
        changed.summary = "About it"
        changed.metadata = ["a": "b"]
        changed.embedding.fingerprint = "another"
        changed.chunking = .fixed(maxTokens: 10, overlapTokens: 0)
        try await world.database.update(changed, in: world.scope)
        let stored = try await world.database.knowledgeBase(base.id, in: world.scope)
        changed.embedding = base.embedding
        changed.chunking = base.chunking
        changed.lastActiveAt = stored.lastActiveAt
        #expect(stored == changed)
        #expect(stored.lastActiveAt > base.lastActiveAt)
    }

    @Test("come in the order asked for, without those that are not there")
    func keepOrder() async throws {
        let world = try World()
        let bases = [try await world.makeBase(), try await world.makeBase(), try await world.makeBase()]
        let ids = [bases[2].id, .random(), bases[0].id]
        #expect(try await world.database.knowledgeBases(ids, in: world.scope) == [bases[2], bases[0]])
    }
}
