import FoundationEssentials
import Knowledge
import TestSupport
import Testing

@testable import Storage

@Suite("A batch of requests")
struct RequestBatchTests {
    private func batch(in world: World) async throws -> RequestBatch {
        let file = try await world.upload("{}", name: "input.jsonl")
        let batch = RequestBatch(
            tenant: world.scope.tenant, endpoint: .chat, inputFile: file.id, createdAt: world.database.time)
        try await world.database.add(batch, in: world.scope)
        return batch
    }

    private func result(_ line: Int, isSuccess: Bool = true) -> RequestResult {
        RequestResult(
            line: line, isSuccess: isSuccess, reply: Data("line \(line)\0".utf8),
            usage: TokenUsage(prompt: 2, completion: 3))
    }

    @Test("counts each line once, however often its answer is kept, also after the process was killed")
    func countsOnce() async throws {
        let world = try World()
        let id = try await batch(in: world).id
        try await world.database.advance(id, to: .inProgress, total: 3)
        try await world.database.keep(result(1), of: id)
        try await world.database.keep(result(3, isSuccess: false), of: id)
        let again = try await world.reopened()
        try await again.database.keep(result(1), of: id)
        let batch = try await again.database.requestBatch(id, in: again.scope)
        #expect(batch.counts == RequestBatch.Counts(total: 3, completed: 1, failed: 1))
        #expect(batch.usage == TokenUsage(prompt: 4, completion: 6))
        #expect(try await again.database.finishedLines(of: id) == [1, 3])
        let kept = try await again.database.results(of: id, after: 0, limit: 9)
        #expect(kept.map(\.reply) == [1, 3].map { result($0).reply })
        #expect(try await again.database.results(of: id, after: 1, limit: 9).map(\.line) == [3])
    }

    @Test("ends with its files and takes nothing more")
    func ends() async throws {
        let world = try World()
        let id = try await batch(in: world).id
        try await world.database.advance(id, to: .inProgress, total: 1)
        try await world.database.keep(result(1), of: id)
        let errors = try await world.database.beginUpload()
        try await errors.append([1, 2, 3])
        try await world.database.finish(id, as: RequestBatchOutcome(.completed, errors: errors))
        let ended = try await world.database.requestBatch(id, in: world.scope)
        #expect(ended.status == .completed && ended.outputFile == nil)
        #expect(ended.reachedAt[.completed] != nil && ended.reachedAt[.cancelled] == nil)
        let file = try #require(ended.errorFile)
        #expect(try await world.database.content(of: file, in: world.scope) == Data([1, 2, 3]))
        #expect(try await world.database.results(of: id, after: 0, limit: 9).isEmpty)

        let before = try await world.database.dump()
        try await world.database.keep(result(2), of: id)
        try await world.database.advance(id, to: .inProgress, total: 9)
        #expect(try await world.database.beginWork(on: id) == nil)
        let late = try await world.database.beginUpload()
        try await late.append([4])
        await #expect(throws: RequestError.self) {
            try await world.database.finish(id, as: RequestBatchOutcome(.expired, output: late))
        }
        await #expect(throws: RequestError.self) { try await world.database.cancelRequestBatch(id, in: world.scope) }
        #expect(try await world.database.dump().filter { !$0.hasPrefix("unlinking") } == before)
        #expect(try await world.database.unfinishedRequestBatches().isEmpty)
    }

    @Test("that is being cancelled does not go back to work, and can still end")
    func cancels() async throws {
        let world = try World()
        let id = try await batch(in: world).id
        #expect(try await world.database.cancelRequestBatch(id, in: world.scope).status == .cancelling)
        try await world.database.advance(id, to: .inProgress, total: 1)
        #expect(try await world.database.requestBatch(id, in: world.scope).status == .cancelling)
        try await world.database.finish(id, as: RequestBatchOutcome(.cancelled))
        #expect(try await world.database.cancelRequestBatch(id, in: world.scope).status == .cancelled)
    }

    @Test("is cancelled with its key, and no other with it")
    func endsWithItsKey() async throws {
        let world = try World()
        var ids: [RequestBatchID] = []
        let keys: [KeyID?] = [.random(), .random(), nil]
        for key in keys {
            let file = try await world.upload("{}", name: "input.jsonl")
            let batch = RequestBatch(
                tenant: world.scope.tenant, key: key, endpoint: .chat, inputFile: file.id,
                createdAt: world.database.time)
            try await world.database.add(batch, in: world.scope)
            ids.append(batch.id)
        }
        for (number, id) in keys.compactMap(\.self).enumerated() {
            let key = APIKey(
                id: id, name: "", tenant: world.scope.tenant, role: .user,
                digest: String(repeating: "\(number)", count: 64), hint: "", createdAt: world.database.time)
            try await world.database.add(key)
        }
        try await world.database.revoke(#require(keys[0]), of: nil, at: world.database.time)
        var found: [RequestBatch] = []
        for id in ids { found.append(try await world.database.requestBatch(id, in: world.scope)) }
        #expect(found.map(\.status) == [.cancelling, .validating, .validating])
        #expect(found.map(\.key) == keys)
    }

    @Test("remembers how often the process died over it, and forgets that once a line is done")
    func deaths() async throws {
        var world = try World()
        let id = try await batch(in: world).id
        try await world.database.advance(id, to: .inProgress, total: 9)
        for deaths in 0...2 {
            #expect(try await world.database.beginWork(on: id)?.deaths == deaths)
            world = try await world.reopened()
        }
        _ = try await world.database.beginWork(on: id)
        world = try await world.restarted()
        #expect(try await world.database.beginWork(on: id)?.deaths == 3)
        try await world.database.keep(result(1), of: id)
        world = try await world.reopened()
        #expect(try await world.database.beginWork(on: id)?.deaths == 0)
    }
}

@Suite("An upload in parts")
struct PartedUploadTests {
    private func begin(_ world: World, bytes: Int) async throws -> PartedUploadID {
        let upload = PartedUpload(
            filename: "a.txt", purpose: "assistants", mimeType: "text/plain", bytes: bytes,
            createdAt: world.database.time)
        try await world.database.add(upload, in: world.scope)
        return upload.id
    }

    private func add(_ text: String, to id: PartedUploadID, _ world: World) async throws -> UploadPartID {
        let bytes = try await world.database.beginUpload()
        try await bytes.append(Array(text.utf8))
        return try await world.database.add(part: bytes, to: id, in: world.scope).id
    }

    private func partsOnDisk(_ world: World) throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: world.directory.path + "/parts").count
    }

    @Test("survives the end of the process, and leaves nothing of its parts behind")
    func survives() async throws {
        var world = try World()
        let id = try await begin(world, bytes: 6)
        let first = try await add("abc", to: id, world)
        world = try await world.reopened()
        let second = try await add("def", to: id, world)
        _ = try await add("unused", to: id, world)
        let file = try #require(
            try await world.database.complete(id, parts: [second, first], md5: nil, in: world.scope).file)
        #expect(try await world.database.content(of: file.id, in: world.scope) == Data("defabc".utf8))
        #expect(try partsOnDisk(world) == 0)
    }

    @Test("takes twice the bytes that were announced, and of these no more than 64 GiB for a tenant")
    func sizes() async throws {
        let world = try World()
        let id = try await begin(world, bytes: 3)
        for _ in 0..<2 { _ = try await add("abc", to: id, world) }
        await #expect(throws: RequestError.self) { _ = try await add("a", to: id, world) }
        let rest = try await begin(world, bytes: (64 << 30) - 3)
        await #expect(throws: RequestError.self) { _ = try await begin(world, bytes: 1) }
        _ = try await world.database.cancelUpload(rest, in: world.scope)
        _ = try await begin(world, bytes: 1)
    }

    @Test("is over after an hour: it takes nothing more, and its parts are thrown away")
    func expires() async throws {
        let world = try World(tick: 600)
        let id = try await begin(world, bytes: 3)
        let part = try await add("abc", to: id, world)
        while try await world.database.partedUpload(id, in: world.scope).status == .pending {}
        #expect(try await world.database.partedUpload(id, in: world.scope).status == .expired)
        await #expect(throws: RequestError.self) { _ = try await add("abc", to: id, world) }
        await #expect(throws: RequestError.self) {
            try await world.database.complete(id, parts: [part], md5: nil, in: world.scope)
        }
        try await world.database.expireUploads()
        #expect(try partsOnDisk(world) == 0)
        #expect(try await world.database.partedUpload(id, in: world.scope).status == .expired)
    }
}

@Suite("A stored response")
struct ResponseTests {
    @Test("gives the conversation that it ends, back to where one is gone")
    func conversation() async throws {
        let world = try World()
        var ids: [ResponseID] = []
        for number in 0..<5 {
            let response = StoredResponse(
                id: .random(), previous: ids.last, input: [.string("question \(number)\0")],
                object: ["output": [.string("answer \(number)")]], createdAt: world.database.time)
            try await world.database.add(response, in: world.scope)
            ids.append(response.id)
        }
        let links = try await world.database.conversation(upTo: ids[3], in: world.scope)
        #expect(links.map(\.id) == Array(ids[...3]))
        #expect(links[2].input == ["question 2\0"])
        try await world.database.remove(ids[1], in: world.scope)
        #expect(try await world.database.conversation(upTo: ids[3], in: world.scope).map(\.id) == Array(ids[2...3]))
        await #expect(throws: RequestError.notFound("response", id: ids[1].rawValue, parameter: nil)) {
            try await world.database.conversation(upTo: ids[1], in: world.scope)
        }
        try await world.database.removeResponses(before: links[3].createdAt)
        for (position, id) in ids.enumerated() {
            let isThere = (try? await world.database.response(id, in: world.scope)) != nil
            #expect(isThere == (position >= 3))
        }
    }

    @Test("does not give a conversation of more than eight megabytes")
    func size() async throws {
        let world = try World()
        var ids: [ResponseID] = []
        for _ in 0..<3 {
            let response = StoredResponse(
                id: .random(), previous: ids.last, input: [.string(String(repeating: "x", count: 3 << 20))],
                object: [:], createdAt: world.database.time)
            try await world.database.add(response, in: world.scope)
            ids.append(response.id)
        }
        #expect(try await world.database.conversation(upTo: ids[1], in: world.scope).count == 2)
        await #expect(throws: RequestError.self) {
            try await world.database.conversation(upTo: ids[2], in: world.scope)
        }
    }
}
