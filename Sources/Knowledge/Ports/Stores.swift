package import FoundationEssentials

/// A stretch of a list: ids are cursors, as in OpenAI's lists.
package struct Page: Hashable, Sendable {
    package enum Order: String, Sendable { case ascending = "asc", descending = "desc" }

    package var limit: Int
    /// By creation time, then id.
    package var order: Order
    /// Only what comes behind this id in the given order, also where it was deleted after a page had ended with it. Any
    /// other id that is not in the list is `RequestError.invalid`.
    package var after: String?
    package var before: String?

    package init(limit: Int = 20, order: Order = .descending, after: String? = nil, before: String? = nil) {
        self.limit = limit
        self.order = order
        self.after = after
        self.before = before
    }
}

/// A page of a list and whether more follows.
package struct Listing<Element: Sendable>: Sendable {
    package var elements: [Element]
    package var hasMore: Bool

    package init(elements: [Element], hasMore: Bool) {
        self.elements = elements
        self.hasMore = hasMore
    }
}

/// Who may ask. Looks up digests only: a secret never reaches a store.
package protocol KeyStore: Sendable {
    /// The key of that digest unless it was revoked.
    func key(digest: String) async throws -> APIKey?
    /// Adds a key, and its tenant where that is new; a key of the same digest stays as it is, revoked or not.
    func add(_ key: APIKey) async throws
    /// The keys of a tenant, or of all tenants for nil, oldest first, revoked ones included.
    func keys(of tenant: TenantID?) async throws -> [APIKey]
    /// Revokes at once a key of this tenant, or of any for nil, and cancels its batches of requests. Throws
    /// `RequestError.notFound`.
    func revoke(_ id: KeyID, of tenant: TenantID?, at time: Date) async throws
}

/// Uploaded originals: the rows, and the bytes under their hash.
package protocol FileStore: Sendable {
    /// A place to write an upload to, outside any transaction. Dropped uploads leave nothing behind.
    func beginUpload() async throws -> any FileUpload
    /// Makes an upload durable: bytes under their hash and the row, on disk when this returns.
    /// - Parameter lifetime: Seconds after which the file goes by itself; nil: it stays.
    func admit(
        _ upload: any FileUpload, name: String, purpose: String, lifetime: TimeInterval?, in scope: Scope
    ) async throws -> StoredFile
    func file(_ id: FileID, in scope: Scope) async throws -> StoredFile
    func files(purpose: String?, page: Page, in scope: Scope) async throws -> Listing<StoredFile>
    /// The content, to be read piece by piece.
    func open(_ id: FileID, in scope: Scope) async throws -> any FileReading
    /// Removes the file, and every document that no other attached file of the same content stands for; the bytes too
    /// where no other file has the same.
    func remove(_ id: FileID, in scope: Scope) async throws
}

extension FileStore {
    /// Makes an upload durable for good.
    package func admit(
        _ upload: any FileUpload, name: String, purpose: String, in scope: Scope
    ) async throws -> StoredFile {
        try await admit(upload, name: name, purpose: purpose, lifetime: nil, in: scope)
    }
}

/// The content of a file on its way out; stays readable where the file is removed meanwhile.
package protocol FileReading: Sendable {
    /// Of the whole.
    var bytes: Int { get }
    /// The next piece, nil behind the last.
    /// - Throws: Where the content is not what was uploaded. The last piece comes only after all of it was checked.
    func next() async throws -> Data?
}

/// An upload that is still coming in.
package protocol FileUpload: Sendable {
    /// Appends bytes, hashing them on the way.
    /// - Returns: How many bytes there are now.
    @discardableResult func append(_ bytes: [UInt8]) async throws -> Int
    /// Throws away what was written; harmless after `admit`.
    func discard() async
}

package protocol KnowledgeBaseStore: Sendable {
    func add(_ base: KnowledgeBase, in scope: Scope) async throws
    /// Throws `RequestError.notFound` with no parameter.
    func knowledgeBase(_ id: KnowledgeBaseID, in scope: Scope) async throws -> KnowledgeBase
    /// Those of the ids that this scope may see, in the order asked, without those it may not.
    func knowledgeBases(_ ids: [KnowledgeBaseID], in scope: Scope) async throws -> [KnowledgeBase]
    func knowledgeBases(page: Page, in scope: Scope) async throws -> Listing<KnowledgeBase>
    /// Notes that it is in use.
    func touch(_ id: KnowledgeBaseID, in scope: Scope) async throws
    /// Changes name, summary, metadata, search settings and expiry. Model and chunking stay: `ReindexStore` changes these.
    func update(_ base: KnowledgeBase, in scope: Scope) async throws
    /// Removes it with its documents, chunks and vectors. Files stay.
    func remove(_ id: KnowledgeBaseID, in scope: Scope) async throws
}

extension KnowledgeBaseStore {
    /// Puts off the end of knowledge bases that would go by themselves, since they are in use. Once an hour will do: the
    /// shortest time is a day. Who asks gets an answer also where that cannot be written.
    package func putOffExpiry(of bases: [KnowledgeBase], in scope: Scope) async {
        for base in bases where base.expiryDays != nil && base.lastActiveAt.timeIntervalSinceNow < -3_600 {
            try? await touch(base.id, in: scope)
        }
    }
}

/// How a file becomes a document.
package struct Attachment: Sendable {
    package var file: FileID
    /// Those of a document that is there already stay where this is nil.
    package var attributes: [String: JSONValue]?
    /// The knowledge base's own where absent.
    package var chunking: Chunking?

    package init(file: FileID, attributes: [String: JSONValue]? = nil, chunking: Chunking? = nil) {
        self.file = file
        self.attributes = attributes
        self.chunking = chunking
    }
}

/// Documents of a knowledge base. Files of the same content are one document, found by each file that was attached.
package protocol DocumentStore: Sendable {
    /// Writes the document row and its ingest job in one transaction.
    ///
    /// Content that the knowledge base already has or is indexing gives the existing document, with the new attributes;
    /// content that failed is queued again.
    func attach(_ attachment: Attachment, to base: KnowledgeBaseID, in scope: Scope) async throws -> Document
    func document(_ file: FileID, of base: KnowledgeBaseID, in scope: Scope) async throws -> Document
    /// The document of this content, nil where the knowledge base has none.
    func document(sha256: String, of base: KnowledgeBaseID, in scope: Scope) async throws -> Document?
    /// `status`: one of OpenAI's `in_progress`, `completed`, `failed`, `cancelled`.
    func documents(
        of base: KnowledgeBaseID, status: String?, page: Page, in scope: Scope
    ) async throws -> Listing<Document>
    func setAttributes(
        _ attributes: [String: JSONValue], of file: FileID, in base: KnowledgeBaseID, scope: Scope
    ) async throws -> Document
    /// The canonical text of a completed document.
    func text(of file: FileID, in base: KnowledgeBaseID, scope: Scope) async throws -> String
    /// Takes the file from the knowledge base. Where no other file of the same content was attached, no later search
    /// gives the document when this returns, and its job, if one runs, changes nothing any more.
    func remove(_ file: FileID, from base: KnowledgeBaseID, in scope: Scope) async throws
    /// The documents of these files in these knowledge bases. Throws `RequestError.notFound`, with `file_ids[n]` as its
    /// parameter, for an id that is no file; one that is not in the knowledge bases is left out.
    func documents(of files: [FileID], in bases: [KnowledgeBaseID], scope: Scope) async throws -> Set<DocumentID>
    /// Completed documents whose attributes satisfy the filter: the same object as long as nothing changes.
    func documents(matching filter: AttributeFilter, of bases: [KnowledgeBaseID], in scope: Scope) async throws
        -> DocumentFilter
}

/// Chunks by their rows, for an answer.
package protocol ChunkStore: Sendable {
    /// The passages at these places in the same order, without those that are gone by now; their scores are 0.
    func passages(_ places: [ChunkPlace], in scope: Scope) async throws -> [Passage]
    /// Texts of up to `count` chunks from all over a knowledge base, always the same ones as long as it does not change, and
    /// how many chunks it has.
    /// - Parameter generation: `KnowledgeBase.index`.
    func sample(
        of generation: KnowledgeBaseID, count: Int, in scope: Scope
    ) async throws -> (texts: [String], chunks: Int)
    /// Where these chunks lie in their documents, and those up to `reach` before and behind each; in the order of documents
    /// and text, each once.
    func spans(around places: [ChunkPlace], reach: Int, in scope: Scope) async throws -> [ChunkSpan]
    /// Stretches of documents' canonical texts, in the same order; nil for what is gone.
    /// - Parameter stretches: UTF-8 bytes, on character borders.
    func texts(_ stretches: [(document: DocumentID, bytes: Range<Int>)], in scope: Scope) async throws -> [String?]
}

/// Where a chunk lies in its document.
package struct ChunkSpan: Hashable, Sendable {
    package var chunk: ChunkID
    package var document: DocumentID
    /// 0 for the document's first chunk.
    package var position: Int
    /// In the canonical text: UTF-8 bytes, and the same stretch in code points.
    package var bytes: Range<Int>
    package var characters: Range<Int>
    package var headingPath: [String]
    package var page: Int?
    package var tokenCount: Int

    package init(
        chunk: ChunkID, document: DocumentID, position: Int, bytes: Range<Int>, characters: Range<Int>,
        headingPath: [String], page: Int?, tokenCount: Int
    ) {
        self.chunk = chunk
        self.document = document
        self.position = position
        self.bytes = bytes
        self.characters = characters
        self.headingPath = headingPath
        self.page = page
        self.tokenCount = tokenCount
    }
}

package protocol ExpertStore: Sendable {
    func add(_ expert: Expert, in scope: Scope) async throws
    func expert(_ id: ExpertID, in scope: Scope) async throws -> Expert
    func experts(in scope: Scope) async throws -> [Expert]
    func update(_ expert: Expert, in scope: Scope) async throws
    func remove(_ id: ExpertID, in scope: Scope) async throws
}

/// The queue. Lives in the same database as what its jobs write.
package protocol JobStore: Sendable {
    /// The next job that is due, fair between tenants, now running under a new lease; nil when there is none.
    ///
    /// Jobs whose leases ran out are queued again first, or fail if that happened to them too often.
    func claim(at time: Date) async throws -> JobLease?
    /// Prolongs the lease and notes how far the job is. Returns false, with nothing written, if the lease is void.
    func renew(_ lease: JobLease, at time: Date, progress: JobProgress) async throws -> Bool
    /// The vectors of chunks that need not be embedded, since the knowledge base or an earlier run has them; nil for others.
    func vectors(of chunks: [Chunk], for lease: JobLease) async throws -> [[Float]?]
    /// Keeps vectors for later runs of the job, in the way of `renew`.
    func stage(
        _ vectors: [[Float]], of chunks: [Chunk], for lease: JobLease, at time: Date, progress: JobProgress
    ) async throws -> Bool
    /// Chunks, vectors, text and `completed` in one transaction. Returns false, with nothing written, if the lease is void.
    ///
    /// Where the document is the next one of an external name, the present one goes in the same transaction.
    func complete(_ lease: JobLease, with content: IndexedContent) async throws -> Bool
    /// Ends job and document with a reason. Returns false, with nothing written, if the lease is void.
    func fail(_ lease: JobLease, _ failure: DocumentFailure) async throws -> Bool
    /// Puts the job back, to run not before `time`.
    func retry(_ lease: JobLease, notBefore time: Date, message: String) async throws -> Bool
    func job(_ id: JobID, in scope: Scope) async throws -> Job
    func jobs(status: Job.Status?, page: Page, in scope: Scope) async throws -> Listing<Job>
    /// Cancels a job and its document's indexing, and voids the lease. A cancelled one stays as it is.
    /// - Throws: `RequestError.conflict` where the job has ended in another way.
    func cancel(_ id: JobID, in scope: Scope) async throws -> Job
    /// Queues a failed or cancelled job again, its attempts counted anew. A live one stays as it is.
    /// - Throws: `RequestError.conflict` where it was completed, or its document is gone or in other hands.
    func requeue(_ id: JobID, in scope: Scope) async throws -> Job
    /// The bytes of the leased document's file.
    func content(_ lease: JobLease) async throws -> Data
}
