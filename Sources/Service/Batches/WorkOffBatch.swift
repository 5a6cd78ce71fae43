import FoundationEssentials
package import Knowledge

/// Answers one API request inside the process, as its HTTP route would.
package protocol RequestPerformer: Sendable {
    /// Errors of the request are answers too. Throws only when the task is cancelled.
    func perform(
        _ body: JSONValue, at endpoint: RequestBatch.Endpoint, in scope: Scope
    ) async throws -> PerformedRequest
}

/// What a request was answered.
package struct PerformedRequest: Hashable, Sendable {
    package var status: Int
    package var requestID: String
    package var body: JSONValue

    package init(status: Int, requestID: String, body: JSONValue) {
        self.status = status
        self.requestID = requestID
        self.body = body
    }

    var usage: TokenUsage? {
        guard let usage = body["usage"] else { return nil }
        let prompt = usage["prompt_tokens"] ?? usage["input_tokens"]
        let completion = usage["completion_tokens"] ?? usage["output_tokens"]
        return TokenUsage(prompt: prompt?.integer ?? 0, completion: completion?.integer ?? 0)
    }
}

/// Does what is left to do of one batch: check its input, answer its lines, write its files.
///
/// Every answer is on disk before it counts, so that a later run goes on where this one ended, however it ended.
struct WorkOffBatch: Sendable {
    /// Lines of one batch that are answered at the same time.
    private static let linesAtOnce = 8
    /// How often a line is tried whose model is away or has too much to do: for about ten minutes.
    private static let maxAttempts = 8
    private static let longestPause = 300.0
    private static let passing: Set<Int> = [429, 502, 503, 504]
    /// Beginnings in a row that may end with the process before a line is done.
    private static let maxDeaths = 3

    let queue: any RequestBatchQueue
    let files: any FileStore
    let performer: any RequestPerformer
    let workers: Workers
    /// Waits so many seconds.
    var pause: @Sendable (Double) async throws -> Void = { try await Task.sleep(for: .seconds($0)) }

    func callAsFunction(_ batch: RequestBatch) async throws {
        do {
            try await work(batch.id)
        } catch RequestError.notFound("file", _, _) {
            let problem = RequestBatch.Problem(
                "input_file_gone", "The input file was deleted.", parameter: "input_file_id")
            try await end(batch, as: .failed, [problem])
        } catch {
            // The process is still there, so this was no death. Not cut short by the cancellation that it may be part of.
            try? await Task { try await queue.leaveWork(on: batch.id) }.value
            throw error
        }
    }

    private func work(_ id: RequestBatchID) async throws {
        guard let (batch, deaths) = try await queue.beginWork(on: id) else { return }
        if batch.status == .cancelling { return try await end(batch, as: .cancelled) }
        if batch.expiresAt <= Date() { return try await end(batch, as: .expired) }
        guard deaths < Self.maxDeaths else {
            let message = "The server ended \(Self.maxDeaths) times while it worked on this batch."
            return try await end(batch, as: .failed, [.init("server_error", message)])
        }
        if batch.status == .validating {
            let (lines, problems) = try await CheckBatch(queue: queue, workers: workers)(batch)
            guard problems.isEmpty else { return try await end(batch, as: .failed, problems) }
            try await queue.advance(batch.id, to: .inProgress, total: lines)
        }
        try await answerLines(of: batch)
        try await queue.advance(batch.id, to: .finalizing, total: nil)
        try await end(batch, as: .completed)
    }

    // MARK: - The lines

    private func answerLines(of batch: RequestBatch) async throws {
        let done = try await queue.finishedLines(of: batch.id)
        var input = BatchInput(batch, queue: queue)
        try await withThrowingTaskGroup(of: RequestResult.self) { group in
            var underWay = 0
            while let (number, bytes) = try await input.next() {
                if done.contains(number) { continue }
                if underWay == Self.linesAtOnce, let result = try await group.next() {
                    try await queue.keep(result, of: batch.id)
                    underWay -= 1
                }
                group.addTask { try await answer(line: bytes, number, of: batch) }
                underWay += 1
            }
            for try await result in group { try await queue.keep(result, of: batch.id) }
        }
    }

    private func answer(line bytes: Data, _ number: Int, of batch: RequestBatch) async throws -> RequestResult {
        let line = try await workers.run(.background) { try BatchLine(bytes, number: number, endpoint: batch.endpoint) }
        let scope = Scope(tenant: batch.tenant, role: .user, key: batch.key, isBackground: true)
        var attempt = 0
        while true {
            attempt += 1
            let answer = try await performer.perform(.object(line.body), at: batch.endpoint, in: scope)
            try Task.checkCancellation()
            guard Self.passing.contains(answer.status), attempt < Self.maxAttempts else {
                let isSuccess = (200..<300).contains(answer.status)
                let reply = try Self.reply(
                    to: line,
                    response: [
                        "status_code": .integer(answer.status), "request_id": .string(answer.requestID),
                        "body": answer.body,
                    ])
                return RequestResult(line: number, isSuccess: isSuccess, reply: reply, usage: answer.usage)
            }
            try await pause(Backoff.seconds(afterAttempts: attempt, cap: Self.longestPause))
        }
    }

    private static func reply(
        to line: BatchLine, response: JSONValue = .null, error: JSONValue = .null
    ) throws -> Data {
        let id = "batch_req_" + (0..<24).map { _ in String(Int.random(in: 0..<16), radix: 16) }.joined()
        let reply: JSONValue = [
            "id": .string(id), "custom_id": .string(line.customID), "response": response, "error": error,
        ]
        return try reply.json()
    }

    // MARK: - The end

    /// Ends a batch with what is done; lines that are not say so in the error file.
    private func end(
        _ batch: RequestBatch, as status: RequestBatch.Status, _ problems: [RequestBatch.Problem] = []
    ) async throws {
        var (output, errors) = (BatchFile(files: files), BatchFile(files: files))
        do {
            var last = 0
            while case let results = try await queue.results(of: batch.id, after: last, limit: 64), !results.isEmpty {
                for result in results {
                    if result.isSuccess {
                        try await output.append(result.reply)
                    } else {
                        try await errors.append(result.reply)
                    }
                    last = result.line
                }
            }
            // A batch that was never checked has no lines yet.
            if batch.counts.total > 0, let reason = Self.reason(of: status, problems) {
                try await tellUndone(batch, reason, in: &errors)
            }
            try await queue.finish(
                batch.id,
                as: RequestBatchOutcome(
                    status, problems: problems, output: output.upload, errors: errors.upload))
        } catch {
            await output.upload?.discard()
            await errors.upload?.discard()
            throw error
        }
    }

    /// Why a batch that ends like this leaves lines undone; nil where it leaves none.
    private static func reason(of status: RequestBatch.Status, _ problems: [RequestBatch.Problem]) -> JSONValue? {
        switch status {
        case .expired:
            ["code": "batch_expired", "message": "This request could not be answered before the batch expired."]
        case .cancelled:
            ["code": "batch_cancelled", "message": "The batch was cancelled before this request was answered."]
        case .failed:
            [
                "code": "batch_failed",
                "message": .string(problems.first?.message ?? "The batch failed before this request was answered."),
            ]
        case .validating, .inProgress, .finalizing, .completed, .cancelling: nil
        }
    }

    private func tellUndone(_ batch: RequestBatch, _ reason: JSONValue, in errors: inout BatchFile) async throws {
        let done = try await queue.finishedLines(of: batch.id)
        var input = BatchInput(batch, queue: queue)
        do {
            while let (number, bytes) = try await input.next() {
                if done.contains(number) { continue }
                let reply = try await workers.run(.background) {
                    try Self.reply(to: BatchLine(bytes, number: number, endpoint: batch.endpoint), error: reason)
                }
                try await errors.append(reply)
            }
        } catch RequestError.notFound("file", _, _) {
            // Without the input nobody knows what the other lines were.
        }
    }
}

/// A file of JSON lines that begins with its first line.
private struct BatchFile {
    let files: any FileStore
    private(set) var upload: (any FileUpload)?

    init(files: any FileStore) { self.files = files }

    mutating func append(_ line: Data) async throws {
        let upload: any FileUpload
        if let begun = self.upload {
            upload = begun
        } else {
            upload = try await files.beginUpload()
            self.upload = upload
        }
        try await upload.append(Array(line) + [UInt8(ascii: "\n")])
    }
}
