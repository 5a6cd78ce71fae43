import FoundationEssentials
import GRDB
import Knowledge
import TestSupport
import Testing

@testable import Storage

@Suite("An original")
struct FileTests {
    @Test("comes back byte for byte, with its size and hash, also after a restart")
    func roundTrips() async throws {
        let world = try World()
        var random = SplitMix64(state: 3)
        let pieces = [0, 1, 65_536, 7].map { count in (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
        }
        let upload = try await world.database.beginUpload()
        var total = 0
        for piece in pieces {
            total += piece.count
            #expect(try await upload.append(piece) == total)
        }
        let name = "../../etc/passwd"
        let file = try await world.database.admit(upload, name: name, purpose: "batch", in: world.scope)
        #expect(file.bytes == total)
        #expect(world.blobs == [file.sha256])

        let next = try await world.reopened()
        #expect(try await next.database.file(file.id, in: world.scope) == file)
        #expect(try await next.database.content(of: file.id, in: world.scope) == Data(pieces.flatMap(\.self)))
    }

    @Test(
        "has the hash that everybody else gets",
        arguments: [
            ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ])
    func isNamedBySHA256(_ text: String, _ sha256: String) async throws {
        #expect(try await World().upload(text).sha256 == sha256)
    }

    @Test("is on disk once for all files of the same content, and until the last of them is gone")
    func isSharedAndCounted() async throws {
        let world = try World()
        let files = [
            (try await world.upload("same"), world.scope), (try await world.upload("same"), world.scope),
            (try await world.upload("same", in: world.stranger), world.stranger),
        ]
        #expect(Set(files.map(\.0.id)).count == 3)
        #expect(world.blobs == [files[0].0.sha256])
        for (file, scope) in files {
            #expect(world.blobs.count == 1)
            try await world.database.remove(file.id, in: scope)
        }
        #expect(world.blobs.isEmpty)
    }

    @Test("goes with the documents that are made of it")
    func takesDocumentsAlong() async throws {
        let world = try World()
        let bases = [try await world.makeBase(), try await world.makeBase()]
        let file = try await world.upload("text")
        for base in bases {
            _ = try await world.database.attach(Attachment(file: file.id), to: base.id, in: world.scope)
            try await world.complete(World.content())
        }
        try await world.database.remove(file.id, in: world.scope)
        for base in bases {
            #expect(try await world.database.knowledgeBase(base.id, in: world.scope).counts == DocumentCounts())
            #expect(try await world.database.changes(in: base.id, after: 1, limit: 10).removed.count == 1)
        }
        #expect(try await world.database.summary().chunks == 0)
    }

    @Test("that was never admitted leaves nothing behind", arguments: [true, false])
    func abandonedUploadsVanish(_ isDiscarded: Bool) async throws {
        let world = try World()
        do {
            let upload = try await world.database.beginUpload()
            try await upload.append([1, 2, 3])
            #expect(world.uploads.count == 1)
            if isDiscarded {
                await upload.discard()
                await upload.discard()
                await #expect(throws: StorageError.uploadEnded) { try await upload.append([4]) }
            }
        }
        #expect(world.uploads.isEmpty)
        #expect(world.blobs.isEmpty)
    }

    @Test("that was admitted is not harmed by a discard afterwards, and is admitted only once")
    func admissionEndsAnUpload() async throws {
        let world = try World()
        let upload = try await world.database.beginUpload()
        try await upload.append(Array("text".utf8))
        let file = try await world.database.admit(upload, name: "a", purpose: "assistants", in: world.scope)
        await upload.discard()
        await #expect(throws: StorageError.uploadEnded) {
            try await world.database.admit(upload, name: "b", purpose: "assistants", in: world.scope)
        }
        #expect(try await world.database.content(of: file.id, in: world.scope) == Data("text".utf8))
        #expect(world.uploads.isEmpty)
    }

    @Test("is unlinked at the next start if the process died before it could, unless it is wanted again")
    func finishesUnlinking() async throws {
        let world = try World()
        let gone = try await world.upload("gone")
        let wanted = try await world.upload("wanted")
        try await world.database.write { db in
            for file in [gone, wanted] {
                try db.execute(sql: "INSERT INTO unlinking (sha256) VALUES (?)", arguments: [file.sha256])
            }
            try db.execute(sql: "DELETE FROM file WHERE id = ?", arguments: [gone.id.rawValue])
        }
        try Data([1]).write(to: URL(filePath: "\(world.directory.path)/uploads/left"))
        let next = try await world.reopened()
        #expect(next.blobs == [wanted.sha256])
        #expect(next.uploads.isEmpty)
        #expect(try await next.database.content(of: wanted.id, in: world.scope) == Data("wanted".utf8))
    }

    @Test("is never handed out damaged")
    func noticesDamage() async throws {
        let world = try World()
        let file = try await world.upload("text")
        let path = "\(world.directory.path)/files/\(file.sha256.prefix(2))/\(file.sha256)"
        try Data("texu".utf8).write(to: URL(filePath: path))
        await #expect {
            try await world.database.content(of: file.id, in: world.scope)
        } throws: { error in
            if case StorageError.damaged = error { true } else { false }
        }
        // The same content uploaded once more mends it.
        _ = try await world.upload("text")
        #expect(try await world.database.content(of: file.id, in: world.scope) == Data("text".utf8))
    }

    @Test("comes in pieces, and breaks off before its last one where any of it is damaged", arguments: [0, 1, 2])
    func breaksOff(_ place: Int) async throws {
        let world = try World()
        let bytes = (0..<600_000).map { UInt8(truncatingIfNeeded: $0 / 256 ^ $0) }
        let upload = try await world.database.beginUpload()
        try await upload.append(bytes)
        let file = try await world.database.admit(upload, name: "a", purpose: "assistants", in: world.scope)
        let whole = try await world.database.open(file.id, in: world.scope)
        var pieces: [Data] = []
        while let piece = try await whole.next() { pieces.append(piece) }
        #expect(pieces.count == 3 && Array(pieces.joined()) == bytes && whole.bytes == bytes.count)

        var damaged = bytes
        damaged[place * 299_000] ^= 1
        try Data(damaged).write(
            to: URL(filePath: "\(world.directory.path)/files/\(file.sha256.prefix(2))/\(file.sha256)"))
        let broken = try await world.database.open(file.id, in: world.scope)
        var count = 0
        await #expect {
            while let piece = try await broken.next() { count += piece.count }
        } throws: { error in
            if case StorageError.damaged = error { true } else { false }
        }
        #expect(count == 2 * 262_144)
    }

    @Test("is read to its end where it is removed meanwhile")
    func outlivesItsRow() async throws {
        let world = try World()
        let file = try await world.upload("text")
        let reading = try await world.database.open(file.id, in: world.scope)
        try await world.database.remove(file.id, in: world.scope)
        #expect(try await reading.next() == Data("text".utf8))
        #expect(try await reading.next() == nil)
    }

    @Test("survives any interleaving of uploads and removals of the same content")
    func survivesRaces() async throws {
        let world = try World()
        let survivors = try await withThrowingTaskGroup(of: FileID?.self) { group in
            for number in 0..<24 {
                group.addTask {
                    let file = try await world.upload("same")
                    if number % 3 == 0 { return file.id }
                    try await world.database.remove(file.id, in: world.scope)
                    return nil
                }
            }
            return try await group.reduce(into: [FileID]()) { files, file in if let file { files.append(file) } }
        }
        for file in survivors {
            #expect(try await world.database.content(of: file, in: world.scope) == Data("same".utf8))
        }
        for file in survivors { try await world.database.remove(file, in: world.scope) }
        #expect(world.blobs.isEmpty)
    }
}

extension World {
    /// The names of all originals on disk.
    var blobs: [String] {
        names("files").flatMap { names("files/\($0)") }.sorted()
    }

    var uploads: [String] { names("uploads") }

    private func names(_ folder: String) -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: "\(directory.path)/\(folder)")) ?? []
    }
}
