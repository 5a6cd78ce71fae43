import FoundationEssentials
import Knowledge
import Testing

@testable import Storage

@Suite("Another tenant")
struct IsolationTests {
    @Test("sees nothing and changes nothing", arguments: ScopedCall.all)
    func seesNothing(_ call: ScopedCall) async throws {
        let things = try await Things()
        let before = try await things.world.database.dump()
        #expect(try await call.finds(things, things.world.stranger) == false)
        #expect(try await things.world.database.dump() == before)
    }

    @Test("gets for what is there the very answer that it gets for what is not", arguments: ScopedCall.all)
    func cannotTellTheDifference(_ call: ScopedCall) async throws {
        let things = try await Things()
        let foreign = try await call.error(things, things.world.stranger)
        let unknown = try await call.error(things.unknown, things.world.stranger)
        #expect(foreign == unknown)
    }

    @Test("is told apart from the owner, to whom every one of these calls gives something", arguments: ScopedCall.all)
    func ownerSees(_ call: ScopedCall) async throws {
        let things = try await Things()
        #expect(try await call.finds(things, things.world.scope))
    }

    @Test("that has the same bytes keeps them when they are removed here, and documents stay apart")
    func sharesNoContent() async throws {
        let things = try await Things()
        let world = things.world
        let own = try await world.upload("text", in: world.stranger)
        await #expect(throws: RequestError.notFound("document", id: own.id.rawValue, parameter: nil)) {
            let base = try await world.makeBase(in: world.stranger)
            _ = try await world.database.document(own.id, of: base.id, in: world.stranger)
        }
        try await world.database.remove(things.file, in: world.scope)
        #expect(try await world.database.content(of: own.id, in: world.stranger) == Data("text".utf8))
    }
}

/// One of everything, owned by the world's own tenant; the stranger's tenant exists and owns a knowledge base and a file.
struct Things: Sendable {
    var world: World
    var file: FileID
    var base: KnowledgeBase
    var document: DocumentID
    var chunk: ChunkID
    var job: JobID
    var batch: FileBatchID
    /// Under the name `name`.
    var named: DocumentID
    var expert: Expert
    var response: StoredResponse
    var requestBatch: RequestBatch
    var upload: PartedUpload
    var part: UploadPartID
    var strangersBase: KnowledgeBaseID
    var strangersFile: FileID

    init() async throws {
        world = try World()
        base = try await world.makeBase()
        let document = try await world.attach("text", to: base.id)
        try await world.complete(World.content())
        file = document.file
        self.document = document.id
        let stored = try await world.database.changes(in: base.id, after: 0, limit: 9).added
        chunk = try #require(stored.first?.chunks.first)
        job = try #require(try await world.database.jobs(status: nil, page: Page(), in: world.scope).elements.first?.id)
        batch = try await world.database.addBatch([Attachment(file: file)], to: base.id, in: world.scope).id
        let extra = try await world.upload("named text")
        let (holder, _) = try await world.database.put(
            Attachment(file: extra.id), as: "name", in: base.id, scope: world.scope)
        named = holder.document.id
        try await world.complete(World.content())
        expert = Expert(title: "Expert", createdAt: world.database.time)
        try await world.database.add(expert, in: world.scope)
        response = StoredResponse(
            id: .random(), previous: nil, input: ["text"], object: ["output": []], createdAt: world.database.time)
        try await world.database.add(response, in: world.scope)
        requestBatch = RequestBatch(
            tenant: world.scope.tenant, endpoint: .chat, inputFile: try await world.upload("requests").id,
            createdAt: world.database.time)
        try await world.database.add(requestBatch, in: world.scope)
        upload = PartedUpload(
            filename: "a.txt", purpose: "assistants", mimeType: "text/plain", bytes: 4, createdAt: world.database.time)
        try await world.database.add(upload, in: world.scope)
        let bytes = try await world.database.beginUpload()
        try await bytes.append(Array("part".utf8))
        part = try await world.database.add(part: bytes, to: upload.id, in: world.scope).id
        _ = try await world.upload("second file")
        strangersBase = try await world.makeBase(in: world.stranger).id
        strangersFile = try await world.upload("other text", in: world.stranger).id
    }

    /// The same ids for things that nobody has: only the digits of the ids differ.
    var unknown: Things {
        var copy = self
        copy.file = .random()
        copy.base.id = .random()
        copy.document = .random()
        copy.chunk = ChunkID(chunk.rawValue + 1000)
        copy.job = .random()
        copy.batch = .random()
        copy.expert.id = .random()
        copy.response.id = .random()
        copy.requestBatch.id = .random()
        copy.requestBatch.inputFile = .random()
        copy.upload.id = .random()
        copy.part = .random()
        return copy
    }

    var place: ChunkPlace { ChunkPlace(knowledgeBase: base.id, document: document, chunk: chunk) }
}

/// A call of a port that takes a scope. True if it finds the things or changes them.
struct ScopedCall: Sendable, CustomTestStringConvertible {
    var name: String
    var run: @Sendable (Storage.Database, Things, Scope) async throws -> Bool

    init(_ name: String, _ run: @escaping @Sendable (Storage.Database, Things, Scope) async throws -> Bool) {
        self.name = name
        self.run = run
    }

    var testDescription: String { name }

    func finds(_ things: Things, _ scope: Scope) async throws -> Bool {
        do {
            return try await run(things.world.database, things, scope)
        } catch RequestError.notFound {
            return false
        } catch RequestError.invalid {
            // A cursor that is not of the list.
            return false
        }
    }

    /// What the call throws, with the id left out.
    func error(_ things: Things, _ scope: Scope) async throws -> String? {
        do {
            return try await run(things.world.database, things, scope) ? "found" : nil
        } catch RequestError.notFound(let kind, _, let parameter) {
            return "\(kind) \(parameter ?? "-")"
        } catch RequestError.invalid(let parameter, let message) {
            return "\(parameter ?? "-") \(message)"
        }
    }

    static let all: [ScopedCall] = files + bases + documents + others + generated

    private static let files = [
        ScopedCall("file") { try await $0.file($1.file, in: $2).id == $1.file },
        ScopedCall("files") { database, things, scope in
            try await database.files(purpose: nil, page: Page(), in: scope).elements.contains { $0.id == things.file }
        },
        ScopedCall("files behind the file") { database, things, scope in
            let page = Page(order: .ascending, after: things.file.rawValue)
            return try await !database.files(purpose: nil, page: page, in: scope).elements.isEmpty
        },
        ScopedCall("content of file") { try await $0.content(of: $1.file, in: $2).count == 4 },
        ScopedCall("remove file") { database, things, scope in
            try await database.remove(things.file, in: scope)
            return true
        },
    ]

    private static let bases = [
        ScopedCall("knowledge base") { try await $0.knowledgeBase($1.base.id, in: $2).id == $1.base.id },
        ScopedCall("knowledge bases by id") { database, things, scope in
            try await !database.knowledgeBases([things.base.id], in: scope).isEmpty
        },
        ScopedCall("knowledge bases") { database, things, scope in
            try await database.knowledgeBases(page: Page(), in: scope).elements.contains { $0.id == things.base.id }
        },
        ScopedCall("update knowledge base") { database, things, scope in
            var base = things.base
            base.name = "Taken over"
            try await database.update(base, in: scope)
            return true
        },
        ScopedCall("remove knowledge base") { database, things, scope in
            try await database.remove(things.base.id, in: scope)
            return true
        },
    ]

    private static let documents = [
        ScopedCall("attach a file to the knowledge base") { database, things, scope in
            let file = scope == things.world.scope ? things.file : things.strangersFile
            _ = try await database.attach(Attachment(file: file), to: things.base.id, in: scope)
            return true
        },
        ScopedCall("attach the file to a knowledge base") { database, things, scope in
            let base = scope == things.world.scope ? things.base.id : things.strangersBase
            _ = try await database.attach(Attachment(file: things.file), to: base, in: scope)
            return true
        },
        ScopedCall("document") { try await $0.document($1.file, of: $1.base.id, in: $2).id == $1.document },
        ScopedCall("document of another's knowledge base") { database, things, scope in
            let base = scope == things.world.scope ? things.base.id : things.strangersBase
            return try await database.document(things.file, of: base, in: scope).id == things.document
        },
        ScopedCall("documents") { database, things, scope in
            try await !database.documents(of: things.base.id, status: nil, page: Page(), in: scope).elements.isEmpty
        },
        ScopedCall("set attributes") { database, things, scope in
            _ = try await database.setAttributes(["a": 1], of: things.file, in: things.base.id, scope: scope)
            return true
        },
        ScopedCall("text") { try await !$0.text(of: $1.file, in: $1.base.id, scope: $2).isEmpty },
        ScopedCall("remove document") { database, things, scope in
            try await database.remove(things.file, from: things.base.id, in: scope)
            return true
        },
        ScopedCall("named documents") { database, things, scope in
            try await !database.namedDocuments(of: things.base.id, after: nil, limit: 9, in: scope).elements.isEmpty
        },
        ScopedCall("document by name") { database, things, scope in
            try await database.document(FileID(rawValue: "name"), of: things.base.id, in: scope).id == things.named
        },
        ScopedCall("put a file under a name") { database, things, scope in
            let file = scope == things.world.scope ? things.file : things.strangersFile
            _ = try await database.put(Attachment(file: file), as: "name", in: things.base.id, scope: scope)
            return true
        },
        ScopedCall("put the file under a name") { database, things, scope in
            let base = scope == things.world.scope ? things.base.id : things.strangersBase
            _ = try await database.put(Attachment(file: things.file), as: "other", in: base, scope: scope)
            return true
        },
        ScopedCall("remove named document") { database, things, scope in
            do {
                try await database.remove(named: "name", from: things.base.id, in: scope)
            } catch RequestError.notFound("document", _, _) {
                return false
            }
            return true
        },
        ScopedCall("documents matching") { database, things, scope in
            try await !database.documents(matching: .all([]), of: [things.base.id], in: scope).documents.isEmpty
        },
    ]

    private static let others = [
        ScopedCall("passages") { try await !$0.passages([$1.place], in: $2).isEmpty },
        ScopedCall("expert") { try await $0.expert($1.expert.id, in: $2).id == $1.expert.id },
        ScopedCall("experts") { try await !$0.experts(in: $2).isEmpty },
        ScopedCall("update expert") { database, things, scope in
            var expert = things.expert
            expert.title = "Taken over"
            try await database.update(expert, in: scope)
            return true
        },
        ScopedCall("remove expert") { database, things, scope in
            try await database.remove(things.expert.id, in: scope)
            return true
        },
        ScopedCall("batch") { try await $0.batch($1.batch, of: $1.base.id, in: $2).counts.total == 1 },
        ScopedCall("documents of the batch") { database, things, scope in
            let page = try await database.documents(
                ofBatch: things.batch, of: things.base.id, status: nil, page: Page(), in: scope)
            return page.elements.map(\.file) == [things.file]
        },
        ScopedCall("put the file into a batch") { database, things, scope in
            let base = scope == things.world.scope ? things.base.id : things.strangersBase
            _ = try await database.addBatch([Attachment(file: things.file)], to: base, in: scope)
            return true
        },
        ScopedCall("cancel the batch") { database, things, scope in
            _ = try await database.cancelBatch(things.batch, of: things.base.id, in: scope)
            return true
        },
        ScopedCall("queue the batch again") { database, things, scope in
            try await database.requeueBatch(things.batch, of: things.base.id, in: scope)
            return true
        },
        ScopedCall("job") { try await $0.job($1.job, in: $2).id == $1.job },
        ScopedCall("jobs") { try await !$0.jobs(status: nil, page: Page(), in: $2).elements.isEmpty },
        ScopedCall("jobs of a status") {
            try await !$0.jobs(status: .completed, page: Page(), in: $2).elements.isEmpty
        },
        ScopedCall("cancel a job") { database, things, scope in
            do {
                return try await database.cancel(things.job, in: scope).status == .cancelled
            } catch RequestError.conflict {
                return true  // it has ended, which nobody else may know
            }
        },
        ScopedCall("queue a job again") { database, things, scope in
            do {
                return try await database.requeue(things.job, in: scope).status == .queued
            } catch RequestError.conflict {
                return true
            }
        },
    ]

    private static let generated = [
        ScopedCall("response") { try await $0.response($1.response.id, in: $2).id == $1.response.id },
        ScopedCall("conversation") { try await !$0.conversation(upTo: $1.response.id, in: $2).isEmpty },
        ScopedCall("remove response") { database, things, scope in
            try await database.remove(things.response.id, in: scope)
            return true
        },
        ScopedCall("batch of requests") { database, things, scope in
            try await database.requestBatch(things.requestBatch.id, in: scope).id == things.requestBatch.id
        },
        ScopedCall("batches of requests") { database, things, scope in
            try await !database.requestBatches(page: Page(), in: scope).elements.isEmpty
        },
        ScopedCall("cancel the batch of requests") { database, things, scope in
            try await database.cancelRequestBatch(things.requestBatch.id, in: scope).status == .cancelling
        },
        ScopedCall("make a batch of the file") { database, things, scope in
            var batch = things.requestBatch
            batch.id = .random()
            try await database.add(batch, in: scope)
            return true
        },
        ScopedCall("upload") { try await $0.partedUpload($1.upload.id, in: $2).id == $1.upload.id },
        ScopedCall("complete the upload") { database, things, scope in
            try await database.complete(things.upload.id, parts: [things.part], md5: nil, in: scope).file != nil
        },
        ScopedCall("cancel the upload") { database, things, scope in
            do {
                return try await database.cancelUpload(things.upload.id, in: scope).status == .cancelled
            } catch RequestError.conflict {
                return true  // it has ended, which nobody else may know
            }
        },
    ]
}
