import FoundationEssentials
import Knowledge
import Synchronization
import TestSupport
import Testing

@testable import Storage

@Suite("What is to expire")
struct ExpiryTests {
    /// A database whose clock stands still until it is set.
    private final class Clock: Sendable {
        private let seconds = Mutex(1_700_000_000.0)
        var now: Date { Date(timeIntervalSince1970: seconds.withLock { $0 }) }
        func advance(_ time: TimeInterval) { seconds.withLock { $0 += time } }
    }

    private let clock = Clock()
    private let directory: TemporaryDirectory
    private let database: Storage.Database
    private let scope = Scope(tenant: TenantID(rawValue: "tenant_one"), role: .user)

    init() throws {
        let directory = try TemporaryDirectory()
        self.directory = directory
        database = try Storage.Database.open(directory: directory.path, now: { [clock] in clock.now })
    }

    private func upload(_ text: String, lifetime: TimeInterval?) async throws -> StoredFile {
        let upload = try await database.beginUpload()
        try await upload.append(Array(text.utf8))
        return try await database.admit(upload, name: "a", purpose: "assistants", lifetime: lifetime, in: scope)
    }

    private func base(days: Int?) async throws -> KnowledgeBase {
        let model = EmbeddingModel(name: "m", dimension: 4, maxTokens: 256, fingerprint: "f")
        var base = KnowledgeBase(name: "Base", embedding: model, createdAt: database.time)
        base.expiryDays = days
        try await database.add(base, in: scope)
        return base
    }

    private var files: [FileID] {
        get async throws { try await database.files(purpose: nil, page: Page(), in: scope).elements.map(\.id) }
    }

    @Test("goes at its time and not before, and what has no time stays")
    func files() async throws {
        let kept = try await upload("kept", lifetime: nil)
        let short = try await upload("short", lifetime: 3_600)
        #expect(short.expiresAt == clock.now + 3_600)
        #expect(try await database.file(short.id, in: scope) == short)
        clock.advance(3_599)
        #expect(try await database.removeExpired().isEmpty)
        #expect(try await Set(files) == [kept.id, short.id])
        clock.advance(1)
        #expect(try await database.removeExpired().isEmpty)
        #expect(try await files == [kept.id])
        #expect(try await database.removeExpired().isEmpty)
    }

    @Test("goes so many days after its last use, with its documents and without its files")
    func bases() async throws {
        let (kept, idle, used) = (try await base(days: nil), try await base(days: 1), try await base(days: 1))
        let file = try await upload("text", lifetime: nil)
        _ = try await database.attach(Attachment(file: file.id), to: idle.id, in: scope)
        clock.advance(80_000)
        try await database.touch(used.id, in: scope)
        clock.advance(6_400)
        #expect(try await database.removeExpired() == [idle.id])
        #expect(try await Set(database.knowledgeBases(page: Page(), in: scope).elements.map(\.id)) == [kept.id, used.id])
        #expect(try await files == [file.id])
        #expect(try await database.claim(at: clock.now + 1_000_000) == nil)

        var unset = try await database.knowledgeBase(used.id, in: scope)
        #expect(unset.expiryDays == 1 && unset.expiresAt == unset.lastActiveAt + 86_400)
        unset.expiryDays = nil
        try await database.update(unset, in: scope)
        clock.advance(1e9)
        #expect(try await database.removeExpired().isEmpty)
    }

    @Test("is what uploads in parts and batches become, so long after they were made")
    func later() async throws {
        let upload = PartedUpload(
            filename: "a", purpose: "assistants", mimeType: "text/plain", bytes: 1, createdAt: clock.now,
            fileLifetime: 7_200)
        try await database.add(upload, in: scope)
        let bytes = try await database.beginUpload()
        try await bytes.append([1])
        let part = try await database.add(part: bytes, to: upload.id, in: scope)
        let done = try await database.complete(upload.id, parts: [part.id], md5: nil, in: scope)
        #expect(done.file?.expiresAt == clock.now + 7_200 && done.fileLifetime == 7_200)

        let input = try await self.upload("{}", lifetime: nil)
        let batch = RequestBatch(
            tenant: scope.tenant, endpoint: .embeddings, inputFile: input.id, createdAt: clock.now, outputLifetime: 3_600)
        try await database.add(batch, in: scope)
        let output = try await database.beginUpload()
        try await output.append([2])
        try await database.finish(batch.id, as: RequestBatchOutcome(.completed, output: output))
        let written = try #require(try await database.requestBatch(batch.id, in: scope).outputFile)
        #expect(try await database.file(written, in: scope).expiresAt == clock.now + 3_600)
    }
}
