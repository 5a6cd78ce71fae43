import FoundationEssentials
import GRDB
import Knowledge
import Testing

@testable import Storage

@Suite("An index that follows a knowledge base")
struct VectorChangesTests {
    /// What an index makes of the changes: no more than the port says.
    struct Replica {
        var revision: Int64 = 0
        var documents: [DocumentID: DocumentVectors] = [:]

        mutating func follow(_ database: Storage.Database, _ base: KnowledgeBaseID, limit: Int) async throws {
            while true {
                let changes = try await database.changes(in: base, after: revision, limit: limit)
                #expect(changes.isComplete || changes.revision > revision)
                let size = changes.added.reduce(0) { $0 + $1.chunks.count }
                #expect(changes.added.count <= 1 || size <= limit)
                for document in changes.removed { documents[document] = nil }
                for document in changes.added { documents[document.document] = document }
                revision = changes.revision
                if changes.isComplete { return }
            }
        }

        var vectors: [DocumentID: [Float]] { documents.mapValues(\.vectors) }
    }

    @Test("has exactly the stored vectors after any history, whenever it looked", arguments: 0..<8)
    func followsEveryHistory(_ seed: UInt64) async throws {
        var random = SplitMix64(state: seed)
        var world = try World()
        let base = try await world.makeBase()
        var expected: [DocumentID: [Float]] = [:]
        var files: [DocumentID: FileID] = [:]
        var follower = Replica()
        for step in 0..<40 {
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<5:
                let document = try await world.attach("text \(step)", to: base.id)
                let content = World.content(chunks: Int.random(in: 1...4, using: &random), seed: Float(step))
                try await world.complete(content)
                expected[document.id] = content.vectors.flatMap(\.self)
                files[document.id] = document.file
            case 5..<7:
                let present = expected.keys.sorted { $0.rawValue < $1.rawValue }
                guard let victim = present.randomElement(using: &random), let file = files[victim] else { continue }
                if Bool.random(using: &random) {
                    try await world.database.remove(file, from: base.id, in: world.scope)
                } else {
                    try await world.database.remove(file, in: world.scope)
                }
                expected[victim] = nil
            case 7:
                let document = try await world.attach("failing \(step)", to: base.id)
                let lease = try #require(try await world.database.claim(at: world.later))
                #expect(try await world.database.fail(lease, DocumentFailure(.empty, "Nothing in it.")))
                try await world.database.remove(document.file, from: base.id, in: world.scope)
            case 8:
                try await follower.follow(world.database, base.id, limit: Int.random(in: 1...6, using: &random))
                #expect(follower.vectors == expected)
            default:
                // No index outlives its process.
                world = try await world.reopened()
                follower = Replica()
            }
        }
        var fresh = Replica()
        try await fresh.follow(world.database, base.id, limit: 3)
        try await follower.follow(world.database, base.id, limit: 1000)
        #expect(fresh.vectors == expected)
        #expect(follower.vectors == expected)
        #expect(fresh.documents.mapValues(\.chunks) == follower.documents.mapValues(\.chunks))
        #expect(try await world.database.revision(of: base.id) == fresh.revision)
    }

    @Test("is told of damage when any bit of a stored vector has changed", arguments: [0, 1, 77, 8 * 16 - 1])
    func noticesFlippedBits(_ bit: Int) async throws {
        let world = try World()
        let base = try await world.makeBase()
        let document = try await world.attach("text", to: base.id)
        try await world.complete(World.content(chunks: 3))
        try await world.database.write { db in
            guard var blob = try Data.fetchOne(db, sql: "SELECT vector FROM chunk_vector ORDER BY chunk_id DESC") else {
                return
            }
            blob[blob.startIndex + bit / 8] ^= 1 << (bit % 8)
            try db.execute(
                sql: "UPDATE chunk_vector SET vector = ? WHERE chunk_id = (SELECT MAX(chunk_id) FROM chunk_vector)",
                arguments: [blob])
        }
        await #expect(throws: StorageError.damaged("a vector of \(document.id)")) {
            try await world.database.changes(in: base.id, after: 0, limit: 100)
        }
    }

    @Test("is told of damage when a vector is missing")
    func noticesLostVectors() async throws {
        let world = try World()
        let base = try await world.makeBase()
        let document = try await world.attach("text", to: base.id)
        try await world.complete(World.content(chunks: 3))
        try await world.database.write { db in try db.execute(sql: "DELETE FROM chunk_vector WHERE chunk_id = 2") }
        await #expect(throws: StorageError.damaged("\(document.id) has lost vectors")) {
            try await world.database.changes(in: base.id, after: 0, limit: 100)
        }
    }
}

@Suite("The checksum")
struct ChecksumTests {
    @Test(
        "is zlib's",
        arguments: [("", 0), ("123456789", 0xCBF4_3926), ("The quick brown fox jumps over the lazy dog", 0x414F_A339)]
    )
    func agreesWithZlib(_ text: String, _ expected: UInt32) {
        #expect(Array(text.utf8).withUnsafeBytes(CRC32.checksum) == expected)
    }

    @Test("is that of one bit after the other, at every length")
    func agreesWithDefinition() {
        var random = SplitMix64(state: 1)
        for length in 0...67 {
            let bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
            var crc = ~UInt32(0)
            for byte in bytes {
                crc ^= UInt32(byte)
                for _ in 0..<8 { crc = crc & 1 == 1 ? (crc >> 1) ^ 0xEDB8_8320 : crc >> 1 }
            }
            #expect(bytes.withUnsafeBytes(CRC32.checksum) == ~crc)
        }
    }
}

/// Steele, Lea and Flood's generator: the same numbers for the same seed.
struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
