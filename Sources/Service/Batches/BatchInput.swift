import FoundationEssentials
import Knowledge

/// A line of a batch's input: one request.
struct BatchLine: Sendable {
    /// 1 for the first line of the file.
    var number: Int
    var customID: String
    var body: [String: JSONValue]

    /// Reads `{"custom_id", "method": "POST", "url", "body"}`.
    /// - Throws: `RequestBatch.Problem`.
    init(_ bytes: Data, number: Int, endpoint: RequestBatch.Endpoint) throws(RequestBatch.Problem) {
        let value: JSONValue
        do {
            value = try JSONValue(json: bytes)
        } catch {
            throw .init("invalid_json_line", "This line is not valid JSON: \(error.reason).", line: number)
        }
        guard let fields = value.object else {
            throw .init("invalid_json_line", "This line is not a JSON object.", line: number)
        }
        guard let customID = fields["custom_id"]?.string, (1...512).contains(customID.utf8.count) else {
            throw .init(
                "missing_required_parameter", "'custom_id' must be a string of 1 to 512 bytes.", parameter: "custom_id",
                line: number)
        }
        guard fields["method"]?.string == "POST" else {
            throw .init("invalid_method", "'method' must be 'POST'.", parameter: "method", line: number)
        }
        guard fields["url"]?.string == endpoint.rawValue else {
            throw .init(
                "mismatched_url", "'url' must be the batch's endpoint, '\(endpoint.rawValue)'.", parameter: "url",
                line: number)
        }
        guard let body = fields["body"]?.object else {
            throw .init(
                "missing_required_parameter", "'body' must be an object.", parameter: "body", line: number)
        }
        guard body["stream"] ?? .null == .null || body["stream"] == .bool(false) else {
            throw .init("invalid_request", "'stream' must be false in a batch.", parameter: "body.stream", line: number)
        }
        self.number = number
        self.customID = customID
        self.body = body
    }
}

extension RequestBatch.Problem: Error {}

/// Reads the lines of a batch's input piece by piece, so that a large file is never in memory as a whole.
struct BatchInput: Sendable {
    /// As many bytes as a request may have by itself.
    static let maxLineBytes = 8 << 20
    private static let pieceBytes = 1 << 20
    private static let lineFeed = UInt8(ascii: "\n")

    let batch: RequestBatch
    let queue: any RequestBatchQueue
    private var buffer: [UInt8] = []
    private var position = 0
    private var offset = 0
    private var number = 0
    private var isAtEnd = false

    init(_ batch: RequestBatch, queue: any RequestBatchQueue) {
        self.batch = batch
        self.queue = queue
    }

    /// The next line that is not blank, without its end; nil behind the last.
    /// - Throws: `RequestBatch.Problem` for a line that is too long.
    mutating func next() async throws -> (number: Int, bytes: Data)? {
        while true {
            if let end = buffer[position...].firstIndex(of: Self.lineFeed) {
                let line = try next(upTo: end)
                position = end + 1
                if !Self.isBlank(line) { return (number, Data(line)) }
            } else if isAtEnd {
                let line = try next(upTo: buffer.count)
                position = buffer.count
                return Self.isBlank(line) ? nil : (number, Data(line))
            } else {
                try await readOn()
            }
        }
    }

    private mutating func next(upTo end: Int) throws -> ArraySlice<UInt8> {
        number += 1
        guard end - position <= Self.maxLineBytes else {
            throw RequestBatch.Problem(
                "line_too_long", "A line must be at most \(Self.maxLineBytes) bytes long.", line: number)
        }
        return buffer[position..<end]
    }

    private mutating func readOn() async throws {
        buffer.removeFirst(position)
        position = 0
        if buffer.count > Self.maxLineBytes { _ = try next(upTo: buffer.count) }
        let piece = try await queue.input(of: batch, at: offset, count: Self.pieceBytes)
        isAtEnd = piece.count < Self.pieceBytes
        offset += piece.count
        buffer += piece
    }

    private static func isBlank(_ line: ArraySlice<UInt8>) -> Bool {
        line.allSatisfy { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\r") || $0 == UInt8(ascii: "\t") }
    }
}

/// Looks through a batch's whole input before any of it is answered.
struct CheckBatch: Sendable {
    /// OpenAI's limit.
    private static let maxLines = 50_000
    /// What is wrong beyond this many lines is not told.
    private static let maxProblems = 100

    let queue: any RequestBatchQueue
    let workers: Workers

    /// - Returns: How many requests there are, and what is wrong with them.
    func callAsFunction(_ batch: RequestBatch) async throws -> (lines: Int, problems: [RequestBatch.Problem]) {
        var input = BatchInput(batch, queue: queue)
        var seen: Set<String> = []
        var lines = 0
        var problems: [RequestBatch.Problem] = []
        do {
            while problems.count < Self.maxProblems, let (number, bytes) = try await input.next() {
                lines += 1
                guard lines <= Self.maxLines else {
                    problems.append(
                        .init("too_many_lines", "A batch has at most \(Self.maxLines) requests.", line: number))
                    break
                }
                do {
                    let line = try await line(bytes, number, batch.endpoint)
                    if !seen.insert(line.customID).inserted {
                        problems.append(
                            .init(
                                "duplicate_custom_id", "The 'custom_id' of this line stands in another one too.",
                                parameter: "custom_id", line: number))
                    }
                } catch let problem as RequestBatch.Problem {
                    problems.append(problem)
                }
            }
        } catch let problem as RequestBatch.Problem {
            problems.append(problem)
        }
        if lines == 0, problems.isEmpty { problems.append(.init("empty_file", "The file has no requests in it.")) }
        return (lines, problems)
    }

    private func line(_ bytes: Data, _ number: Int, _ endpoint: RequestBatch.Endpoint) async throws -> BatchLine {
        try await workers.run(.background) { try BatchLine(bytes, number: number, endpoint: endpoint) }
    }
}
