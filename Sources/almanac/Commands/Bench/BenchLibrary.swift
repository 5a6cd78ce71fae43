import Foundation
import Knowledge
import Storage

/// A database in a folder of its own whose documents are rows of a file of vectors, written as those of users are.
struct BenchLibrary: Sendable {
    /// A document and the rows that it has.
    struct Entry: Sendable {
        let file: FileID
        let document: DocumentID
        let rows: Range<Int>
    }

    static let scope = Scope(tenant: TenantID(rawValue: "benchmark"), role: .admin)
    /// Words of a chunk: about as many as a paragraph has.
    private static let words = 40

    let database: Database
    private let vectors: NumpyFile

    /// Opens a database, works with it, and closes it.
    ///
    /// - Parameter folder: Where it is; nil: in a temporary folder, which is removed in the end.
    static func with<Value: Sendable>(
        _ vectors: NumpyFile, in folder: String? = nil, _ work: @Sendable (BenchLibrary) async throws -> Value
    ) async throws -> Value {
        let temporary = NSTemporaryDirectory() + "almanac-bench-" + UUID().uuidString
        // What cannot be removed is left to the system's own clearing of temporary files.
        defer { if folder == nil { try? FileManager.default.removeItem(atPath: temporary) } }
        let database = try Database.open(directory: folder ?? temporary)
        return try await database.closing { try await work(BenchLibrary(database: database, vectors: vectors)) }
    }

    /// The knowledge bases that were made here, each of one document.
    /// - Throws: Where one has other chunks, or its document is missing because filling it was broken off.
    func bases(ofChunks chunks: Int) async throws -> [KnowledgeBaseID] {
        var (found, page) = ([KnowledgeBase](), Page(limit: 100))
        while true {
            let listing = try await database.knowledgeBases(page: page, in: Self.scope)
            found += listing.elements
            guard listing.hasMore, let last = found.last else { break }
            page.after = last.id.rawValue
        }
        guard found.allSatisfy({ $0.name == Self.name(ofChunks: chunks) && $0.counts.completed == 1 }) else {
            throw CommandFailure(.conflict, "The folder was filled otherwise, or not to its end: remove it, or name another.")
        }
        return found.map(\.id)
    }

    private static func name(ofChunks chunks: Int?) -> String {
        chunks.map { "Benchmark of \($0) chunks" } ?? "Benchmark"
    }

    func makeBase(ofChunks chunks: Int? = nil) async throws -> KnowledgeBaseID {
        let model = EmbeddingModel(
            name: "benchmark", dimension: vectors.dimension, maxTokens: 256, fingerprint: "benchmark")
        let base = KnowledgeBase(name: Self.name(ofChunks: chunks), embedding: model, createdAt: Date())
        try await database.add(base, in: Self.scope)
        return base.id
    }

    /// A document of these rows, from its upload to `completed`.
    ///
    /// - Parameter number: Tells it from all others, so that its content is new.
    func add(_ rows: Range<Int>, number: Int, to base: KnowledgeBaseID) async throws -> Entry {
        let upload = try await database.beginUpload()
        try await upload.append(Array("document \(number)".utf8))
        let file = try await database.admit(upload, name: "\(number).txt", purpose: "assistants", in: Self.scope)
        let document = try await database.attach(Attachment(file: file.id), to: base, in: Self.scope)
        let content = try content(rows)
        guard let lease = try await database.claim(at: Date()), try await database.complete(lease, with: content) else {
            throw CommandFailure(.failed, "The benchmark's database lost a job.")
        }
        return Entry(file: file.id, document: document.id, rows: rows)
    }

    func remove(_ entry: Entry, from base: KnowledgeBaseID) async throws {
        try await database.remove(entry.file, from: base, in: Self.scope)
    }

    private func content(_ rows: Range<Int>) throws -> IndexedContent {
        let flat = try vectors.vectors(rows)
        var (text, chunks) = ("", [Chunk]())
        for row in rows {
            let start = text.utf8.count
            // Some words frequent and most of them rare, all in ASCII.
            let words = (0..<Self.words).map { "word\((row &* 40 &+ $0) &* 2_654_435_761 % (7 + $0 * $0 * 20))" }
            let own = words.joined(separator: " ") + "\n"
            text += own
            let range = start..<start + own.utf8.count
            chunks.append(
                Chunk(bytes: range, characters: range, text: own, context: "", headingPath: [], tokenCount: Self.words))
        }
        let dimension = vectors.dimension
        return IndexedContent(
            title: nil, text: text, chunks: chunks,
            vectors: (0..<rows.count).map { Array(flat[$0 * dimension..<($0 + 1) * dimension]) })
    }
}
