import FoundationEssentials
import GRDB
import Knowledge
import TestSupport
import Testing
import Vectors

@testable import Storage

@Suite("Looking through all stored data")
struct CheckTests {
    /// One kind of damage and what has to be said of it.
    struct Damage: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var part: CheckReport.Problem.Part
        /// What the report has to name.
        var names: @Sendable (Stock) -> String
        var isDerived: Bool
        /// Whether only the deep check can see it.
        var isDeep = false
        var inflict: @Sendable (Stock) async throws -> Void
    }

    /// A knowledge base with documents, a segment of the real index and files.
    struct Stock: Sendable {
        var world: World
        var base: KnowledgeBaseID
        var documents: [Document] = []
        var segment: SegmentID

        init() async throws {
            world = try World()
            base = try await world.makeBase(dimension: 16).id
            var documents: [Document] = []
            for number in 0..<3 {
                documents.append(try await world.attach("text \(number)", to: base))
                try await world.complete(World.content(chunks: 3, dimension: 16, seed: Float(number)))
            }
            self.documents = documents
            var limits = IndexLimits()
            limits.sealRows = 1
            let workers = Workers(count: 1, name: "test")
            let index = VectorIndex(store: world.database, segments: world.database, workers: workers, limits: limits)
            try await index.settle(base)
            segment = try #require(try await world.database.manifest(of: base).segments.first).id
        }

        func check(mends: Bool = false, isDeep: Bool = true) async throws -> CheckReport {
            let audit = SegmentAudit(store: world.database, workers: Workers(count: 1, name: "test"))
            let depth = CheckDepth(readsFiles: true) { try await audit.problem(with: $1, of: $0) }
            return try await world.database.check(isDeep ? depth : .quick, mends: mends)
        }

        /// Turns one bit of a blob over.
        func flip(_ bit: Int, of column: String, in table: String, where condition: String, fixing: Bool = false) async throws {
            try await world.database.write { db in
                guard var blob = try Data.fetchOne(db, sql: "SELECT \(column) FROM \(table) WHERE \(condition)") else {
                    throw World.Missing.job
                }
                blob[blob.startIndex + (bit / 8) % blob.count] ^= 1 << (bit % 8)
                try db.execute(
                    sql: "UPDATE \(table) SET \(column) = ? WHERE \(condition)", arguments: [blob])
                guard fixing else { return }
                try db.execute(
                    sql: "UPDATE \(table) SET crc32 = ? WHERE \(condition)",
                    arguments: [blob.withUnsafeBytes(CRC32.checksum)])
            }
        }

        func path(of document: Int) async throws -> String {
            let sha256 = try await world.database.file(documents[document].file, in: world.scope).sha256
            return "\(world.directory.path)/files/\(sha256.prefix(2))/\(sha256)"
        }
    }

    static let damages: [Damage] = [
        Damage(testDescription: "a flipped bit of a vector", part: .rows, names: { $0.documents[1].id.rawValue }, isDerived: false) {
            try await $0.flip(99, of: "vector", in: "chunk_vector", where: "chunk_id = 5")
        },
        Damage(testDescription: "a lost vector", part: .rows, names: { $0.documents[0].id.rawValue }, isDerived: false) { stock in
            try await stock.world.database.write { try $0.execute(sql: "DELETE FROM chunk_vector WHERE chunk_id = 2") }
        },
        Damage(testDescription: "a lost text", part: .rows, names: { $0.documents[2].id.rawValue }, isDerived: false) { stock in
            try await stock.world.database.write { db in
                try db.execute(
                    sql: "DELETE FROM document_text WHERE document_id = ?", arguments: [stock.documents[2].id.rawValue])
            }
        },
        Damage(testDescription: "a flipped bit of a segment", part: .segments, names: { "\($0.segment.rawValue)" }, isDerived: true) {
            try await $0.flip(4000, of: "bytes", in: "index_part", where: "1")
        },
        Damage(
            testDescription: "a segment that agrees with its checksum and not with its hashes", part: .segments,
            names: { "\($0.segment.rawValue)" }, isDerived: true, isDeep: true
        ) {
            try await $0.flip(4000, of: "bytes", in: "index_part", where: "1", fixing: true)
        },
        Damage(
            testDescription: "a segment that agrees with itself and not with the rows", part: .segments,
            names: { $0.documents[1].id.rawValue }, isDerived: true, isDeep: true
        ) {
            try await $0.flip(30, of: "vector", in: "chunk_vector", where: "chunk_id = 5", fixing: true)
        },
        Damage(testDescription: "a lost part of a segment", part: .segments, names: { "\($0.segment.rawValue)" }, isDerived: true) { stock in
            try await stock.world.database.write { try $0.execute(sql: "DELETE FROM index_part") }
        },
        Damage(testDescription: "a part of no segment", part: .segments, names: { _ in "1 parts" }, isDerived: true) { stock in
            try await stock.world.database.write {
                try $0.execute(sql: "INSERT INTO index_part (id, crc32, bytes) VALUES (99 << 16, 0, x'00')")
            }
        },
        Damage(testDescription: "a chunk that the keyword index lacks", part: .keywords, names: { _ in "chunks" }, isDerived: true) { stock in
            try await stock.world.database.write {
                try $0.execute(sql: "INSERT INTO keyword (keyword) VALUES ('delete-all')")
            }
        },
        Damage(testDescription: "a wrong count of words", part: .keywords, names: { _ in "miscounts" }, isDerived: true) { stock in
            try await stock.world.database.write { try $0.execute(sql: "UPDATE keyword_base SET chunks = chunks + 1") }
        },
        Damage(testDescription: "a lost original", part: .files, names: { _ in "content" }, isDerived: false) { stock in
            try FileManager.default.removeItem(atPath: try await stock.path(of: 0))
        },
        Damage(testDescription: "an original of another length", part: .files, names: { _ in "content" }, isDerived: false) { stock in
            try Data("tex".utf8).write(to: URL(filePath: try await stock.path(of: 0)))
        },
        Damage(testDescription: "an original of other bytes", part: .files, names: { _ in "content" }, isDerived: false, isDeep: true) { stock in
            try Data("text 9".utf8).write(to: URL(filePath: try await stock.path(of: 0)))
        },
        Damage(testDescription: "content of no file", part: .files, names: { _ in String(repeating: "0", count: 64) }, isDerived: true) { stock in
            let folder = "\(stock.world.directory.path)/files/00"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            try Data("x".utf8).write(to: URL(filePath: "\(folder)/\(String(repeating: "0", count: 64))"))
        },
        Damage(testDescription: "a row that names another that is gone", part: .database, names: { _ in "document" }, isDerived: false) { stock in
            try await stock.world.database.pool.writeWithoutTransaction { db in
                try db.execute(sql: "PRAGMA foreign_keys = OFF")
                try db.execute(sql: "UPDATE document_text SET document_id = 'x' WHERE rowid = 1")
                try db.execute(sql: "PRAGMA foreign_keys = ON")
            }
        },
    ]

    /// Numbers that the schema forbids, or that no row has.
    static let numbers = ["-1", "-9223372036854775808", "9223372036854775807", "1 << 42", "1 << 62"]

    @Test(
        "names numbers that a flipped bit made impossible, and the rest is searched as before",
        arguments: [
            "index_segment.parts", "index_segment.bytes", "document.chunk_count", "edition.last_chunk",
            "knowledge_base.embedding_dimension",
        ], numbers)
    func namesNumbers(_ column: String, _ number: String) async throws {
        let stock = try await Stock()
        let (table, name) = (column.prefix { $0 != "." }, column.drop { $0 != "." }.dropFirst())
        try await stock.world.database.pool.writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA ignore_check_constraints = ON")
            let which = table == "document" ? "WHERE rowid = 1" : table == "edition" ? "WHERE first_chunk = 1" : ""
            try db.execute(sql: "UPDATE \(table) SET \(name) = \(number) \(which)")
            try db.execute(sql: "PRAGMA ignore_check_constraints = OFF")
        }
        #expect(!(try await stock.check().isSound))
        let database = stock.world.database
        let index = VectorIndex(store: database, segments: database, workers: Workers(count: 1, name: "test"))
        let search = NeighbourSearch(query: [Float](repeating: 0.25, count: 16), bases: [stock.base], limit: 100)
        if table == "knowledge_base" {
            await #expect(throws: StorageError.self) { try await index.search(search) }
        } else {
            #expect(try await index.search(search).neighbours.count >= 6)
        }
        _ = try await stock.check(mends: true)
    }

    @Test("finds nothing where all is well, and counts what it looked at")
    func isSound() async throws {
        let stock = try await Stock()
        let report = try await stock.check()
        #expect(report.problems == [])
        #expect(report.vectors == 9)
        #expect(report.files == 3)
        #expect(report.segments >= 1)
    }

    @Test("names every damage, mends what is derived and leaves the rest as it is", arguments: damages)
    func namesDamage(_ damage: Damage) async throws {
        let stock = try await Stock()
        try await damage.inflict(stock)
        let quick = try await stock.check(isDeep: false)
        #expect(quick.isSound == damage.isDeep)
        let before = try await stock.world.database.dump()
        let report = try await stock.check()
        #expect(try await stock.world.database.dump() == before)
        let named = report.problems.filter { $0.part == damage.part && $0.what.contains(damage.names(stock)) }
        #expect(!named.isEmpty, "\(report.problems)")
        #expect(!report.isMended)

        let mended = try await stock.check(mends: true)
        #expect(mended.problems.map(\.what) == report.problems.map(\.what))
        #expect(mended.problems.filter { $0.part == damage.part }.allSatisfy { $0.isMended == damage.isDerived })
        let after = try await stock.check()
        #expect(after.problems.contains { $0.part == damage.part } == !damage.isDerived)
    }
}
