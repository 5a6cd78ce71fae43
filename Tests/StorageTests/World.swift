import FoundationEssentials
import GRDB
import Knowledge
import Synchronization
import TestSupport

@testable import Storage

/// A database in a directory of its own, and the few steps that most tests begin with.
struct World: Sendable {
    let directory: TemporaryDirectory
    let database: Storage.Database
    let scope = Scope(tenant: TenantID(rawValue: "tenant_one"), role: .user)
    let stranger = Scope(tenant: TenantID(rawValue: "tenant_two"), role: .user)
    /// What the database told of damage.
    let damage: Heard
    static let dimension = 4

    final class Heard: Sendable {
        private let errors = Mutex<[StorageError]>([])
        var all: [StorageError] { errors.withLock { $0 } }
        func note(_ error: StorageError) { errors.withLock { $0.append(error) } }
    }

    /// - Parameter tick: How far time goes on with every look at the clock, in seconds.
    init(in directory: TemporaryDirectory? = nil, tick: Double = 1) throws {
        let directory = try directory ?? TemporaryDirectory()
        let seconds = Mutex(1_700_000_000.0)
        let damage = Heard()
        self.directory = directory
        self.damage = damage
        database = try Storage.Database.open(
            directory: directory.path,
            now: {
                seconds.withLock { seconds in
                    seconds += tick
                    return Date(timeIntervalSince1970: seconds)
                }
            }, onDamage: damage.note)
    }

    /// The same directory as a new process finds it after this one was killed.
    func reopened() async throws -> World {
        try await database.onDisk { [database] in try database.drop() }
        return try World(in: directory)
    }

    /// The same directory as a new process finds it after this one has ended in good order.
    func restarted() async throws -> World {
        try await database.close()
        return try World(in: directory)
    }

    /// Later than any time that the database's clock shows.
    var later: Date { Date(timeIntervalSince1970: 1_800_000_000) }

    func upload(_ text: String, name: String = "a.txt", in scope: Scope? = nil) async throws -> StoredFile {
        let upload = try await database.beginUpload()
        try await upload.append(Array(text.utf8))
        return try await database.admit(upload, name: name, purpose: "assistants", in: scope ?? self.scope)
    }

    func makeBase(in scope: Scope? = nil, dimension: Int = dimension) async throws -> KnowledgeBase {
        let model = EmbeddingModel(name: "m", dimension: dimension, maxTokens: 256, fingerprint: "f")
        let base = KnowledgeBase(name: "Base", embedding: model, createdAt: database.time)
        try await database.add(base, in: scope ?? self.scope)
        return base
    }

    func attach(_ text: String, to base: KnowledgeBaseID, in scope: Scope? = nil) async throws -> Document {
        let file = try await upload(text, in: scope)
        return try await database.attach(Attachment(file: file.id), to: base, in: scope ?? self.scope)
    }

    /// Runs the next job to its end.
    func complete(_ content: IndexedContent) async throws {
        guard let lease = try await database.claim(at: later) else { throw Missing.job }
        guard try await database.complete(lease, with: content) else { throw Missing.lease }
    }

    /// What a document of `count` chunks yields: chunk `i` is the character `i` of the text.
    static func content(chunks count: Int = 2, dimension: Int = dimension, seed: Float = 1) -> IndexedContent {
        let text = String(repeating: "x", count: count)
        let chunks = (0..<count).map { position in
            Chunk(
                bytes: position..<position + 1, characters: position..<position + 1, text: "x", context: "Title\n",
                headingPath: ["Title"], page: position + 1, locator: "line \(position)", tokenCount: 3)
        }
        let vectors = (0..<count).map { row in (0..<dimension).map { seed + Float(row * dimension + $0) } }
        return IndexedContent(title: "Title", text: text, chunks: chunks, vectors: vectors)
    }

    enum Missing: Error { case job, lease }
}

extension Storage.Database {
    /// All of a file.
    func content(of id: FileID, in scope: Scope) async throws -> Data {
        let reading = try await open(id, in: scope)
        var data = Data()
        while let piece = try await reading.next() { data += piece }
        return data
    }

    /// Every row of every table, as text, to be compared before and after.
    func dump() async throws -> [String] {
        try await read { db in
            let tables = try String.fetchAll(
                db, sql: "SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'sqlite_sequence' ORDER BY 1")
            return try tables.flatMap { table in
                try Row.fetchAll(db, sql: "SELECT * FROM \(table)").map { "\(table): \($0)" }.sorted()
            }
        }
    }
}
