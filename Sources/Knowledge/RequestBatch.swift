package import FoundationEssentials

/// Many API requests in one file, answered in the background: what OpenAI calls a batch.
///
/// Not to be confused with a `FileBatch`, which is many files attached to a knowledge base in one call.
package struct RequestBatch: Hashable, Sendable {
    /// How long a batch may take.
    package static let window: TimeInterval = 24 * 3_600

    package var id: RequestBatchID
    package var tenant: TenantID
    /// Which key's requests its lines are; nil for the server's own. Revoking that key cancels the batch.
    package var key: KeyID?
    package var endpoint: Endpoint
    package var inputFile: FileID
    package var metadata: [String: String]
    package var status: Status
    package var counts: Counts
    /// Tokens of all answers so far, as far as they tell.
    package var usage: TokenUsage
    /// What is wrong with the input file, where that is why the batch failed.
    package var problems: [Problem]
    /// Present once the batch has ended, where there is anything in them.
    package var outputFile: FileID?
    package var errorFile: FileID?
    package var createdAt: Date
    package var expiresAt: Date
    /// How long the files that it writes are kept, in seconds; nil: for good.
    package var outputLifetime: TimeInterval?
    /// When the batch came to each of the states that it has been in; the first one is `createdAt`.
    package var reachedAt: [Status: Date]

    package init(
        id: RequestBatchID = .random(), tenant: TenantID, key: KeyID? = nil, endpoint: Endpoint, inputFile: FileID,
        metadata: [String: String] = [:], status: Status = .validating, counts: Counts = Counts(),
        usage: TokenUsage = TokenUsage(prompt: 0, completion: 0), problems: [Problem] = [], outputFile: FileID? = nil,
        errorFile: FileID? = nil, createdAt: Date, expiresAt: Date? = nil, reachedAt: [Status: Date] = [:],
        outputLifetime: TimeInterval? = nil
    ) {
        self.outputLifetime = outputLifetime
        self.id = id
        self.tenant = tenant
        self.key = key
        self.endpoint = endpoint
        self.inputFile = inputFile
        self.metadata = metadata
        self.status = status
        self.counts = counts
        self.usage = usage
        self.problems = problems
        self.outputFile = outputFile
        self.errorFile = errorFile
        self.createdAt = createdAt
        self.expiresAt = expiresAt ?? createdAt.addingTimeInterval(Self.window)
        self.reachedAt = reachedAt
    }

    /// What each line of a batch asks for; all lines ask for the same.
    package enum Endpoint: String, Sendable, Codable, CaseIterable {
        case chat = "/v1/chat/completions"
        case completions = "/v1/completions"
        case embeddings = "/v1/embeddings"
        case responses = "/v1/responses"
        case moderations = "/v1/moderations"
    }

    package enum Status: String, Sendable, Codable, CaseIterable {
        case validating
        case inProgress = "in_progress"
        case finalizing, completed, failed, expired, cancelling, cancelled

        /// Whether nothing more will happen.
        package var isFinal: Bool { [.completed, .failed, .expired, .cancelled].contains(self) }
    }

    /// Lines of the file; those that were not done when the batch ended are in neither of the two.
    package struct Counts: Hashable, Sendable {
        package var total: Int
        package var completed: Int
        package var failed: Int

        package init(total: Int = 0, completed: Int = 0, failed: Int = 0) {
            self.total = total
            self.completed = completed
            self.failed = failed
        }
    }

    /// What is wrong with a line of the input, or with the whole of it.
    package struct Problem: Hashable, Sendable, Codable {
        package var code: String
        package var message: String
        package var parameter: String?
        /// 1 for the first line.
        package var line: Int?

        package init(_ code: String, _ message: String, parameter: String? = nil, line: Int? = nil) {
            self.code = code
            self.message = message
            self.parameter = parameter
            self.line = line
        }
    }
}

package struct RequestBatchID: Identifier {
    package static let prefix = "batch_"
    package let rawValue: String
    package init(rawValue: String) { self.rawValue = rawValue }
}

/// What came of one line of a batch.
package struct RequestResult: Hashable, Sendable {
    /// 1 for the first line of the input file.
    package var line: Int
    /// Whether the answer is one of success; else it goes to the error file.
    package var isSuccess: Bool
    /// The line of the output or error file, without its end.
    package var reply: Data
    package var usage: TokenUsage?

    package init(line: Int, isSuccess: Bool, reply: Data, usage: TokenUsage? = nil) {
        self.line = line
        self.isSuccess = isSuccess
        self.reply = reply
        self.usage = usage
    }
}

/// Batches as their owners see them.
package protocol RequestBatchStore: Sendable {
    /// Throws `RequestError.notFound` where the tenant has no such input file, `tooMany` where too many batches wait.
    func add(_ batch: RequestBatch, in scope: Scope) async throws
    /// Throws `RequestError.notFound` with no parameter.
    func requestBatch(_ id: RequestBatchID, in scope: Scope) async throws -> RequestBatch
    func requestBatches(page: Page, in scope: Scope) async throws -> Listing<RequestBatch>
    /// Begins to end a batch early; one that is being cancelled or was cancelled stays as it is.
    /// - Throws: `RequestError.conflict` where the batch has ended in another way.
    func cancelRequestBatch(_ id: RequestBatchID, in scope: Scope) async throws -> RequestBatch
}

/// Batches as the one worker of the process sees them. A batch that has ended takes none of these writes any more.
package protocol RequestBatchQueue: Sendable {
    /// Batches that are not at their end, oldest first.
    func unfinishedRequestBatches() async throws -> [RequestBatch]
    /// Notes that work on a batch begins. Returns the batch as it is now, and how often in a row that came to nothing
    /// because the process ended; nil where it has ended.
    func beginWork(on id: RequestBatchID) async throws -> (batch: RequestBatch, deaths: Int)?
    /// Notes that the work that began last has ended, or was given up, without the process.
    func leaveWork(on id: RequestBatchID) async throws
    /// Brings a batch into another state that is not its end, and notes how many lines it has, where that is known.
    func advance(_ id: RequestBatchID, to status: RequestBatch.Status, total: Int?) async throws
    /// Lines that were answered in this or an earlier process.
    func finishedLines(of id: RequestBatchID) async throws -> Set<Int>
    /// Keeps an answer and counts it, once. The answer is on disk when this returns.
    func keep(_ result: RequestResult, of id: RequestBatchID) async throws
    /// Kept answers behind a line, in the order of lines.
    func results(of id: RequestBatchID, after line: Int, limit: Int) async throws -> [RequestResult]
    /// The bytes of a batch's input from an offset on, fewer at the end and none behind it.
    /// - Throws: `RequestError.notFound` where the file is gone.
    func input(of batch: RequestBatch, at offset: Int, count: Int) async throws -> Data
    /// Ends a batch: its files, its state and the end of its kept answers in one transaction.
    func finish(_ id: RequestBatchID, as outcome: RequestBatchOutcome) async throws
}

/// How a batch ends.
package struct RequestBatchOutcome: Sendable {
    package var status: RequestBatch.Status
    package var problems: [RequestBatch.Problem]
    /// Nil where there is nothing to say.
    package var output: (any FileUpload)?
    package var errors: (any FileUpload)?

    package init(
        _ status: RequestBatch.Status, problems: [RequestBatch.Problem] = [], output: (any FileUpload)? = nil,
        errors: (any FileUpload)? = nil
    ) {
        self.status = status
        self.problems = problems
        self.output = output
        self.errors = errors
    }
}
