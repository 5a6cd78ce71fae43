import Knowledge
import Service

/// All choices of an answer, put together from their pieces.
struct AssembledAnswer: Sendable {
    private let answer: Answer
    private(set) var choices: [AssembledMessage]

    init(_ answer: Answer) {
        self.answer = answer
        choices = Array(repeating: AssembledMessage(), count: answer.choices.count)
    }

    /// Reads a whole answer.
    init(reading answer: Answer) async throws {
        self.init(answer)
        for try await piece in answer.pieces { add(piece) }
    }

    mutating func add(_ piece: AnswerPieces.Element) { choices[piece.choice].add(piece.event) }

    /// What the model says that it used; where it says nothing, what we count.
    func usage() async throws -> TokenUsage {
        var usages: [TokenUsage] = []
        for choice in choices {
            if let usage = choice.usage {
                usages.append(usage)
            } else {
                usages.append(try await answer.usage(of: choice.text))
            }
        }
        return .ofChoices(usages)
    }
}

extension [AssembledAnswer] {
    /// What answers to several prompts used together.
    func usage() async throws -> TokenUsage {
        if count == 1 { return try await self[0].usage() }
        var total = TokenUsage(prompt: 0, completion: 0)
        for answer in self {
            let usage = try await answer.usage()
            total = TokenUsage(prompt: total.prompt + usage.prompt, completion: total.completion + usage.completion)
        }
        return total
    }
}

/// One choice, put together from its events.
struct AssembledMessage: Sendable {
    private(set) var text = ""
    private(set) var fields: [String: JSONValue] = [:]
    private(set) var logprobs: JSONValue = .null
    private(set) var finish = "stop"
    private(set) var citations: [Citation] = []
    private(set) var removedMarkers = 0
    private(set) var usage: TokenUsage?

    mutating func add(_ event: AnswerEvent) {
        switch event {
        case .text(let more): text += more
        case .fields(let more): fields.merge(more) { Self.joined($0, $1) }
        case .logprobs(let more): logprobs = Self.joinedLogprobs(logprobs, more)
        case .finish(let reason, let citations, let removed):
            finish = reason
            self.citations = citations
            removedMarkers = removed
        case .usage(let usage): self.usage = usage
        }
    }

    /// An OpenAI message. A whole message's tool calls have no `index`, which tells deltas apart.
    var message: [String: JSONValue] {
        var message = fields
        let calls = fields["tool_calls"]?.array?.map { call -> JSONValue in
            .object((call.object ?? [:]).filter { $0.key != "index" })
        }
        message["tool_calls"] = calls.map(JSONValue.array)
        message["role"] = "assistant"
        message["content"] = text.isEmpty && calls != nil ? .null : .string(text)
        message["refusal"] = fields["refusal"] ?? .null
        return message
    }

    /// Deltas of one field in sequence: strings are continued, objects field by field, list elements by their `index`.
    private static func joined(_ one: JSONValue, _ other: JSONValue) -> JSONValue {
        switch (one, other) {
        case (.string(let one), .string(let other)):
            return .string(one + other)
        case (.object(let one), .object(let other)):
            return .object(
                Dictionary(
                    Set(one.keys).union(other.keys).map { key in (key, joined(one[key], other[key], of: key)) },
                    uniquingKeysWith: { first, _ in first }))
        case (.array(var one), .array(let other)):
            for element in other {
                if let index = element["index"]?.integer, let place = one.firstIndex(where: { $0["index"]?.integer == index }) {
                    one[place] = joined(one[place], element)
                } else {
                    one.append(element)
                }
            }
            return .array(one)
        default: return other
        }
    }

    private static func joined(_ one: JSONValue?, _ other: JSONValue?, of key: String) -> JSONValue {
        guard let one, one != .null else { return other ?? .null }
        guard let other, other != .null else { return one }
        // Some servers repeat what a call is in each of its pieces.
        return one == other && ["id", "type", "name", "index"].contains(key) ? one : joined(one, other)
    }

    /// OpenAI's two shapes are objects of lists, each continued by the next piece's.
    private static func joinedLogprobs(_ one: JSONValue, _ other: JSONValue) -> JSONValue {
        guard case .object(let one) = one, case .object(let other) = other else { return other == .null ? one : other }
        return .object(
            one.merging(other) { one, other in
                guard case .array(let one) = one, case .array(let other) = other else {
                    return other == .null ? one : other
                }
                return .array(one + other)
            })
    }
}
