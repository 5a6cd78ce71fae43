import AsyncHTTPClient
import Knowledge
import NIOCore

/// The body of an answer, taken piece by piece under deadlines and a limit.
///
/// Nothing is read ahead of the reader. When the last reference goes, or a read is cancelled, the connection closes
/// unless the body had come to its end.
actor ReplyBody {
    private let chunks: HTTPClientResponse.Body.AsyncIterator
    private let deadlines: Deadlines
    private let failures: Failures
    private var byteCount = 0
    private var isBegun = false

    init(_ body: HTTPClientResponse.Body, deadlines: Deadlines, failures: Failures) {
        chunks = body.makeAsyncIterator()
        self.deadlines = deadlines
        self.failures = failures
    }

    /// The next bytes, or `nil` at the end: the first by the first token's deadline, the rest without a longer gap.
    func next() async throws -> [UInt8]? {
        let chunk = try await next(by: isBegun ? deadlines.nextToken(since: .now) : deadlines.firstToken)
        isBegun = true
        return chunk
    }

    /// The next bytes by a deadline of the reader's own, or `nil` at the end.
    ///
    /// - Throws: `UpstreamError`, or `CancellationError`.
    func next(by deadline: Deadline) async throws -> [UInt8]? {
        let chunk: [UInt8]?
        do {
            chunk = try await withDeadline(deadline, provider: failures.provider) { try await self.take() }
        } catch {
            throw try failures.amidAnswer(error)
        }
        byteCount += chunk?.count ?? 0
        guard byteCount <= failures.limits.maxResponseBytes else {
            throw failures.garbage("it is longer than \(failures.limits.maxResponseBytes) bytes")
        }
        return chunk
    }

    /// As much of an error's body as is worth reading, and what came of it if it breaks off.
    func beginning() async throws -> [UInt8] {
        let deadline = deadlines.firstToken.or(deadlines.nextToken(since: .now))
        var bytes: [UInt8] = []
        while bytes.count < 64 << 10 {
            do {
                guard let chunk = try await next(by: deadline) else { break }
                bytes += chunk
            } catch is UpstreamError {
                break  // the status says enough
            }
        }
        return bytes
    }

    /// Takes the end of the body if it is at hand, for then the connection can serve again.
    func settle() async {
        let soon = Deadline(instant: .now + .milliseconds(100), waitingFor: "end")
        _ = try? await next(by: soon)  // whatever comes, the answer was complete without it
    }

    private func take() async throws -> [UInt8]? {
        var chunks = chunks  // the copies share their state
        guard let buffer = try await chunks.next(isolation: self) else { return nil }
        return Array(buffer.readableBytesView)
    }
}
