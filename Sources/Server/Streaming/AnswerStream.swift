import AsyncAlgorithms
import Foundation
import Hummingbird
import Knowledge
import Logging
import NIOCore
import OpenAIWire
import Service

/// How an answer looks to one kind of client, piece by piece.
protocol AnswerShape: Sendable {
    var answer: Answer { get }
    /// What comes before any piece: what the answer rests on, so that clients can show markers as they come.
    func opening() -> [JSONValue]
    /// nil for what this client is told nothing of.
    func object(_ piece: AnswerPieces.Element) -> JSONValue?
    /// Whether there is an object at the end that says what was used.
    var hasClosing: Bool { get }
    func closing(_ usage: TokenUsage, of made: AssembledAnswer) -> JSONValue
    /// What is sent instead of an end where the model failed on the way.
    func failure(_ error: ErrorAnswer) -> JSONValue
}

extension AnswerShape {
    func failure(_ error: ErrorAnswer) -> JSONValue { error.body }
}

/// What all streams have in common.
package struct StreamHabits: Sendable {
    /// Where nothing was written for this long, and for at most twice as long, a comment is: proxies and clients wait on.
    package var keepAlive = Duration.seconds(7)
    /// How long an answer's beginning is waited for before the head of the stream is sent: until then what goes wrong still has
    /// a status of its own, and after it a model may read a long prompt for minutes while comments keep the connection open.
    package var patience = Duration.seconds(10)
    /// Whether the last event is `[DONE]`, which most clients wait for.
    package var endsWithDone = true

    package init() {}

    var withoutDone: StreamHabits {
        var habits = self
        habits.endsWithDone = false
        return habits
    }

    private enum Signal<Piece: Sendable>: Sendable {
        case piece(Piece)
        case tick, end
    }

    /// Hands over each piece as it comes, and writes comments while none do.
    ///
    /// - Parameter take: Returns whether it has written something.
    func follow<Pieces: AsyncSequence & Sendable>(
        _ pieces: Pieces, writingTo writer: inout any ResponseBodyWriter,
        _ take: (Pieces.Element, inout any ResponseBodyWriter) async throws -> Bool
    ) async throws where Pieces.Element: Sendable {
        var isQuiet = false
        let signals = chain(pieces.map { Signal.piece($0) }, [Signal.end].async)
        let ticks = AsyncTimerSequence(interval: keepAlive, clock: .continuous).map { _ in Signal<Pieces.Element>.tick }
        for try await signal in merge(signals, ticks) {
            switch signal {
            case .piece(let piece):
                if try await take(piece, &writer) { isQuiet = false }
            case .tick:
                if isQuiet { try await writer.write(ByteBuffer(string: ": keep-alive\n\n")) }
                isQuiet = true
            case .end:
                return
            }
        }
        throw CancellationError()
    }
}

extension AppContext {
    /// A stream of something whose making takes a while and may fail.
    ///
    /// - Parameters:
    ///   - failure: The event of an error that comes when the head has been sent.
    ///   - write: Writes the events once it is made.
    func stream<Value: Sendable>(
        _ habits: StreamHabits, make: @escaping @Sendable () async throws -> Value,
        failure: @escaping @Sendable (ErrorAnswer) -> JSONValue = { $0.body },
        write: @escaping @Sendable (Value, inout any ResponseBodyWriter) async throws -> Void
    ) async throws -> Response {
        let pending = Pending(make)
        _ = try await whileClientIsPresent { try await pending.value(within: habits.patience) }
        return .eventStream { writer in
            try await whileClientIsPresent(writing: writer) { writer in
                do {
                    var made: Value?
                    while made == nil {
                        made = try await pending.value(within: habits.keepAlive)
                        if made == nil { try await writer.write(ByteBuffer(string: ": keep-alive\n\n")) }
                    }
                    if let made { try await write(made, &writer) }
                } catch let error where !(error is CancellationError) && !(error is ChannelError) {
                    logger.warning("an answer did not come", metadata: ["error": "\(error)"])
                    try await writer.write(AnswerStream.event(failure(ErrorAnswer(error))))
                }
            }
        }
    }
}

/// Writes answers as server-sent events while they are made.
struct AnswerStream: Sendable {
    typealias Making = @Sendable () async throws -> any AnswerShape

    /// The first answer, whose making has begun.
    let first: any AnswerShape
    /// Makes those that follow, each when the one before is complete.
    var others: [Making] = []
    let habits: StreamHabits
    let context: AppContext

    /// Ends with `[DONE]`, or with an error event where the model failed on the way.
    func write(to writer: inout any ResponseBodyWriter) async throws {
        try await context.whileClientIsPresent(writing: writer) { writer in
            do {
                try await writeAnswers(to: &writer)
                if habits.endsWithDone { try await writer.write(ByteBuffer(string: "data: [DONE]\n\n")) }
            } catch let error where !(error is CancellationError) && !(error is ChannelError) {
                context.logger.warning("an answer broke off", metadata: ["error": "\(error)"])
                try await writer.write(Self.event(first.failure(ErrorAnswer(error))))
            }
        }
    }

    private func writeAnswers(to writer: inout any ResponseBodyWriter) async throws {
        var made = [try await write(first, to: &writer)]
        for other in others { made.append(try await write(try await other(), to: &writer)) }
        guard first.hasClosing else { return }
        let usage = try await made.usage()
        try await writer.write(Self.event(first.closing(usage, of: made[0])))
    }

    private func write(
        _ shape: any AnswerShape, to writer: inout any ResponseBodyWriter
    ) async throws -> AssembledAnswer {
        for object in shape.opening() { try await writer.write(Self.event(object)) }
        var made = AssembledAnswer(shape.answer)
        try await habits.follow(shape.answer.pieces, writingTo: &writer) { piece, writer in
            made.add(piece)
            guard let object = shape.object(piece) else { return false }
            try await writer.write(Self.event(object))
            return true
        }
        return made
    }

    static func event(_ value: JSONValue) throws -> ByteBuffer {
        var buffer = ByteBuffer(string: "data: ")
        buffer.writeBytes(try value.json())
        buffer.writeStaticString("\n\n")
        return buffer
    }
}
