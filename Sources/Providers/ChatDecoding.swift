import FoundationEssentials
import Knowledge
import OpenAIWire

/// Turns the bytes of an answer into its events, as they come.
protocol ChatDecoder: Sendable {
    /// Takes the next bytes and appends the events that they complete, as far as they are sound.
    mutating func decode(_ bytes: [UInt8], into events: inout [ModelEvent]) throws(NoAnswer)
    /// Takes the end of the body.
    mutating func finish(into events: inout [ModelEvent]) throws(NoAnswer)
    /// Whether a piece of the answer has come.
    var isBegun: Bool { get }
    /// Whether the answer is complete although the body may go on.
    var isDone: Bool { get }
    /// Rises whenever the server showed that it is still at work.
    var lifeSigns: Int { get }
}

/// Why bytes are no answer.
struct NoAnswer: Error {
    var reason: String
}

/// A streamed answer: `chat.completion.chunk` objects as server-sent events, then `[DONE]`.
struct ChatStreamDecoder: ChatDecoder {
    private(set) var isBegun = false
    private(set) var isDone = false
    var lifeSigns: Int { parser.lineCount }

    private var parser: ServerSentEventParser
    private var isFinished = false
    private var usage: TokenUsage?

    init(maxLineBytes: Int) {
        parser = ServerSentEventParser(maxBytes: maxLineBytes)
    }

    mutating func decode(_ bytes: [UInt8], into events: inout [ModelEvent]) throws(NoAnswer) {
        var pieces: [ServerSentEvent] = []
        var overflow: ServerSentEventTooLong?
        do {
            try parser.parse(bytes, into: &pieces)
        } catch {
            overflow = error
        }
        try take(pieces, into: &events)
        if let overflow, !isDone { throw NoAnswer(overflow) }
    }

    mutating func finish(into events: inout [ModelEvent]) throws(NoAnswer) {
        var pieces: [ServerSentEvent] = []
        do {
            try parser.finish(into: &pieces)
        } catch {
            throw NoAnswer(error)
        }
        try take(pieces, into: &events)
        guard !isDone else { return }
        guard isFinished else { throw NoAnswer(reason: "the stream ended without a finish_reason and without [DONE]") }
        complete(into: &events)
    }

    private mutating func take(_ pieces: [ServerSentEvent], into events: inout [ModelEvent]) throws(NoAnswer) {
        for piece in pieces where !isDone {
            isBegun = true
            if piece.data.hasPrefix("[DONE]") {
                complete(into: &events)
            } else {
                try take(piece, into: &events)
            }
        }
    }

    private mutating func take(_ piece: ServerSentEvent, into events: inout [ModelEvent]) throws(NoAnswer) {
        let chunk: ChatPiece
        do {
            chunk = try ChatPiece(json: Data(piece.data.utf8))
        } catch {
            throw NoAnswer(reason: "an event of its stream is not the JSON of a chunk")
        }
        if let message = chunk.errorMessage { throw NoAnswer(reason: "it broke off with an error: \(message)") }
        guard piece.name != "error" else { throw NoAnswer(reason: "it broke off with an error") }
        if let choice = chunk.firstChoice {
            events += choice.events
            if let reason = choice.finish, !isFinished {
                isFinished = true
                events.append(.finish(reason))
            }
        }
        usage = chunk.usage?.tokens ?? usage
    }

    /// Usage comes once and last, for some servers report it with every chunk.
    private mutating func complete(into events: inout [ModelEvent]) {
        isDone = true
        if !isFinished { events.append(.finish("stop")) }
        if let usage { events.append(.usage(usage)) }
    }
}

/// An answer in one piece, a `chat.completion` object, from servers that do not stream.
struct ChatObjectDecoder: ChatDecoder {
    private var bytes: [UInt8] = []
    var isBegun: Bool { !bytes.isEmpty }
    private(set) var isDone = false
    var lifeSigns: Int { bytes.count }

    mutating func decode(_ bytes: [UInt8], into events: inout [ModelEvent]) throws(NoAnswer) {
        self.bytes += bytes
    }

    mutating func finish(into events: inout [ModelEvent]) throws(NoAnswer) {
        let object: ChatPiece
        do {
            object = try ChatPiece(json: Data(bytes))
        } catch {
            throw NoAnswer(reason: "it is not the JSON of a chat completion")
        }
        if let message = object.errorMessage { throw NoAnswer(reason: "it is an error: \(message)") }
        guard let choice = object.firstChoice, choice.isWhole else {
            throw NoAnswer(reason: "it has no choices")
        }
        isDone = true
        events += choice.events
        events.append(.finish(choice.finish ?? "stop"))
        if let usage = object.usage?.tokens { events.append(.usage(usage)) }
    }
}

extension NoAnswer {
    init(_ overflow: ServerSentEventTooLong) {
        self.init(reason: "a line or event of its stream is longer than \(overflow.limitBytes) bytes")
    }
}
