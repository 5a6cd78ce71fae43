import Foundation
import Hummingbird
import Knowledge
import NIOCore
import OpenAIWire

/// Writes what becomes of a job as server-sent events, each with the whole job as its data.
///
///     id: 1700000000123
///     event: progress            (or completed, failed, cancelled: the last one)
///     data: {"id": "job_…", …}
///
/// Ids rise from event to event: they are times in milliseconds. A reader that comes back with `Last-Event-ID` gets only
/// what is newer, and the last event in any case.
struct JobEventStream: Sendable {
    /// A comment after so many seconds without news keeps proxies from closing the connection.
    private static let quietSeconds = 15

    let states: AsyncThrowingStream<Job?, any Error>
    /// The last event that the reader has seen.
    let seen: Int
    let context: AppContext

    func write(to writer: inout any ResponseBodyWriter) async throws {
        try await context.whileClientIsPresent(writing: writer) { writer in
            var last = seen
            var quiet = ContinuousClock.now
            for try await state in states {
                if let job = state, job.status.isFinal || Self.id(of: job) > last {
                    last = max(Self.id(of: job), last + 1)
                    try await writer.write(Self.event(job, id: last))
                } else if ContinuousClock.now - quiet >= .seconds(Self.quietSeconds) {
                    try await writer.write(ByteBuffer(string: ": nothing new\n\n"))
                } else {
                    continue
                }
                quiet = .now
            }
        }
    }

    private static func id(of job: Job) -> Int { Int((job.updatedAt.timeIntervalSince1970 * 1_000).rounded()) }

    private static func event(_ job: Job, id: Int) throws -> ByteBuffer {
        var buffer = ByteBuffer(string: "id: \(id)\nevent: \(job.status.isFinal ? job.status.rawValue : "progress")\ndata: ")
        buffer.writeBytes(try wire(job).json())
        buffer.writeStaticString("\n\n")
        return buffer
    }
}
