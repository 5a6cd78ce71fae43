import Foundation
import Hummingbird
import Knowledge
import Logging
import NIOCore
import OpenAIWire
import Service

/// Writes an answer as server-sent events while it is made.
struct AnswerStream: Sendable {

    let answer: Answer
    let includeUsage: Bool
    let context: AppContext

    /// Ends with `[DONE]`, or with an error event where the model failed on the way.
    func write(to writer: inout any ResponseBodyWriter) async throws {
        try await context.whileClientIsPresent(writing: writer) { writer in
            do {
                try await writeEvents(to: &writer)
                try await writer.write(Self.event("[DONE]"))
            } catch let error where !(error is CancellationError) && !(error is ChannelError) {
                context.logger.warning("an answer broke off", metadata: ["error": "\(error)"])
                try await writer.write(Self.event(ErrorAnswer(error).body))
            }
        }
    }

    private func writeEvents(to writer: inout any ResponseBodyWriter) async throws {
        let objects = ChatObjects(answer)
        try await writer.write(Self.event(objects.firstChunk(includeUsage)))
        var text = ""
        var hasUsage = false
        for try await event in answer.events {
            if case .text(let more) = event, includeUsage { text += more }
            if case .usage = event { hasUsage = true }
            guard let chunk = objects.chunk(event, includeUsage) else { continue }
            try await writer.write(Self.event(chunk))
        }
        guard includeUsage, !hasUsage else { return }
        let usage = try await answer.usage(of: text)
        if let chunk = objects.chunk(.usage(usage), includeUsage) { try await writer.write(Self.event(chunk)) }
    }

    private static func event(_ value: JSONValue) throws -> ByteBuffer {
        var buffer = ByteBuffer(string: "data: ")
        buffer.writeBytes(try encoded(value))
        buffer.writeStaticString("\n\n")
        return buffer
    }

    private static func event(_ text: String) -> ByteBuffer { ByteBuffer(string: "data: \(text)\n\n") }
}
