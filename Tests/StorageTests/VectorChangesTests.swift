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
        /// What was removed until then, it has never seen.
        var begun: Int64 = 0
        var documents: [DocumentID: DocumentVectors] = [:]

        mutating func follow(_ database: Storage.Database, _ base: KnowledgeBaseID, limit: Int) async throws {
            if revision == 0 { begun = try await database.revision(of: base) }
            while true {
                let changes = try await database.changes(in: base, after: revision, limit: limit)
                if changes.forgottenThrough > max(revision, begun) {
                    self = Replica(begun: try await database.revision(of: base))
                    continue
                }
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
            switch Int.random(in: 0..<11, using: &random) {
            case 10:
                let revision = try await world.database.revision(of: base.id)
                try await world.database.write { try $0.forgetRemovals(in: base.id, before: revision - 2) }
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

    @Test(
        "gets all but one vector of a document, and the rest as ever, when any bit of it has changed",
        arguments: [0, 1, 77, 8 * 16 - 1])
    func noticesFlippedBits(_ bit: Int) async throws {
        let things = try await Damaged()
        let world = things.world
        try await world.database.write { db in
            guard var blob = try Data.fetchOne(db, sql: "SELECT vector FROM chunk_vector WHERE chunk_id = 3") else { return }
            blob[blob.startIndex + bit / 8] ^= 1 << (bit % 8)
            try db.execute(sql: "UPDATE chunk_vector SET vector = ? WHERE chunk_id = 3", arguments: [blob])
        }
        try await things.check(told: "a vector of \(things.damaged)")
    }

    @Test("gets all but one vector of a document, and the rest as ever, when it is missing")
    func noticesLostVectors() async throws {
        let things = try await Damaged()
        try await things.world.database.write { db in
            try db.execute(sql: "DELETE FROM chunk_vector WHERE chunk_id = 3")
        }
        try await things.check(told: "\(things.damaged) has lost vectors")
    }

    @Test("is not told for ever what was removed, and so long as it is told, of everything")
    func forgetsRemovals() async throws {
        let world = try World()
        let base = try await world.makeBase().id
        for number in 0..<6 {
            let document = try await world.attach("text \(number)", to: base)
            try await world.complete(World.content(chunks: 1))
            try await world.database.remove(document.file, from: base, in: world.scope)
        }
        for (limit, forgotten, told) in [(2, 0, 6), (7, 6, 3), (7, 6, 3), (9, 8, 2), (100, 12, 0)] as [(Int64, Int64, Int)] {
            try await world.database.write { try $0.forgetRemovals(in: base, before: limit) }
            let changes = try await world.database.changes(in: base, after: 0, limit: 100)
            #expect(changes.forgottenThrough == forgotten && changes.removed.count == told)
            let rows = try await world.database.read { try Int.fetchOne($0, sql: "SELECT COUNT(*) FROM removal") }
            #expect(rows == told + (forgotten > 0 ? 1 : 0))
        }
    }

    @Test("reads single vectors in the order asked, and nil for those that are gone")
    func readsSingleVectors() async throws {
        let things = try await Damaged()
        let database = things.world.database
        let content = World.content(chunks: 3)
        let read = try await database.vectors(of: [3, 99, 1, 3, 2].map { ChunkID($0) }, in: things.base)
        #expect(read == [content.vectors[2], nil, content.vectors[0], content.vectors[2], content.vectors[1]])
        #expect(try await database.vectors(of: [ChunkID](), in: things.base) == [])
        let documents = try await database.vectors(of: [things.sound, .random(), things.damaged], in: things.base)
        #expect(documents.map(\.document) == [things.sound, things.damaged])
        #expect(documents.map(\.revision) == [2, 1])
        #expect(documents[1].vectors == content.vectors.flatMap(\.self))
    }
}

/// Two documents, of which the first, with the chunks 1 to 3, is about to be damaged.
private struct Damaged {
    let world: World
    let base: KnowledgeBaseID
    let damaged: DocumentID
    let sound: DocumentID

    init() async throws {
        world = try World()
        base = try await world.makeBase().id
        damaged = try await world.attach("damaged", to: base).id
        try await world.complete(World.content(chunks: 3))
        sound = try await world.attach("sound", to: base).id
        try await world.complete(World.content(chunks: 2, seed: 50))
    }

    /// Reading the third chunk alone gives a vector without numbers, which is not the same as no chunk.
    func check(told: String) async throws {
        let changes = try await world.database.changes(in: base, after: 0, limit: 100)
        #expect(changes.added.map(\.document) == [damaged, sound])
        #expect(changes.added.map(\.chunks) == [[1, 2], [4, 5]].map { $0.map { ChunkID($0) } })
        #expect(try await world.database.vectors(of: [damaged, sound], in: base).map(\.chunks.count) == [2, 2])
        #expect(try await world.database.vectors(of: [ChunkID(3)], in: base) == [[]])
        #expect(world.damage.all.first == .damaged(told))
        #expect(world.damage.all.count == Set(world.damage.all).count)
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
