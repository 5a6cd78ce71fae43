import Foundation
import HTTPTypes
import Hummingbird
import Knowledge
import Logging
import NIOCore
import OpenAIWire
import Service

/// `/responses`: answers with the `file_search` tool, streamed and whole, kept so that conversations go on from them.
struct ResponseRoutes: Sendable {
    let answer: AnswerQuestion
    let responses: any ResponseStore
    let streams: StreamHabits

    func add(to group: RouterGroup<AppContext>) {
        group.post("responses", use: create)
            .post("responses/input_tokens", use: countTokens)
            .get("responses/:response", use: retrieve)
            .delete("responses/:response") { _, context in
                let id: ResponseID = try context.id("response")
                try await responses.remove(id, in: context.caller())
                return try Response.json(wireDeleted(id.rawValue, object: "response.deleted"))
            }
            .post("responses/:response/cancel") { _, context -> Response in
                let id: ResponseID = try context.id("response")
                _ = try await responses.response(id, in: context.caller())
                throw RequestError.conflict(
                    "Only a response in the background can be cancelled, and there are none here.")
            }
            .get("responses/:response/input_items", use: inputItems)
    }

    private func create(_ request: Request, _ context: AppContext) async throws -> Response {
        let asked = try ResponseRequest(await request.fields(limit: BodyLimit.chat))
        let scope = try context.caller()
        @Sendable func stream(_ answer: Answer) -> ResponseStream {
            ResponseStream(
                request: asked, answer: answer, responses: responses, scope: scope, habits: streams, context: context)
        }
        guard asked.stream else {
            return try await Response.json(
                context.whileClientIsPresent { try await stream(answer(asked, in: scope)).whole() })
        }
        return try await context.stream(streams) {
            try await answer(asked, in: scope)
        } failure: { error in
            .object((error.body.object ?? [:]).merging(error.body["error"]?.object ?? [:]) { $1 }
                .merging(["type": "error", "sequence_number": 0]) { $1 })
        } write: { answer, writer in
            try await stream(answer).write(to: &writer)
        }
    }

    private func countTokens(_ request: Request, _ context: AppContext) async throws -> Response {
        let asked = try ResponseRequest(await request.fields(limit: BodyLimit.chat))
        let scope = try context.caller()
        let count = try await context.whileClientIsPresent {
            try await questioning(asked, in: scope) { try await answer.promptTokens(for: $0, in: scope) }
        }
        return try Response.json(["object": "response.input_tokens", "input_tokens": .integer(count)])
    }

    private func answer(_ asked: ResponseRequest, in scope: Scope) async throws -> Answer {
        try await questioning(asked, in: scope) { question in
            let answer = try await answer(question, in: scope)
            guard !asked.refusesTruncation || answer.retrieval.droppedTurns == 0 else {
                throw RequestError.invalid(
                    parameter: "truncation",
                    message: "must be 'auto': the conversation does not fit into the model's window")
            }
            return answer
        }
    }

    /// Does something with a request's question; errors get the places that things have in this request.
    private func questioning<Value: Sendable>(
        _ asked: ResponseRequest, in scope: Scope, _ use: (Question) async throws -> Value
    ) async throws -> Value {
        let question = asked.question(after: try await earlier(asked.previous, in: scope))
        do {
            return try await use(question)
        } catch RequestError.notFound("knowledge base", let id, let parameter?) {
            throw RequestError.notFound("vector store", id: id, parameter: asked.place(of: parameter) ?? parameter)
        } catch {
            guard let parameter = ErrorAnswer(error).parameter, let place = asked.place(of: parameter) else {
                throw error
            }
            throw Misnamed(error: error, parameter: place)
        }
    }

    /// The items of the conversation that a request goes on from.
    private func earlier(_ id: ResponseID?, in scope: Scope) async throws -> [ResponseItem] {
        guard let id else { return [] }
        do {
            return try await responses.conversation(upTo: id, in: scope).flatMap { response in
                (response.input + (response.object["output"]?.array ?? [])).map(ResponseItem.init(stored:))
            }
        } catch RequestError.notFound(let kind, let id, nil) {
            throw RequestError.notFound(kind, id: id, parameter: "previous_response_id")
        }
    }

    private func retrieve(_ request: Request, _ context: AppContext) async throws -> Response {
        guard request.uri.queryParameters["stream"] != "true" else {
            throw RequestError.invalid(parameter: "stream", message: "must be false: only new responses are streamed")
        }
        return try await Response.json(responses.response(context.id("response"), in: context.caller()).object)
    }

    private func inputItems(_ request: Request, _ context: AppContext) async throws -> Response {
        let page = try request.page()
        let response = try await responses.response(context.id("response"), in: context.caller())
        return try Response.json(wire(try response.input.page(page) { $0["id"]?.string ?? "" }) { $0 })
    }
}

extension Array where Element: Sendable {
    /// A page of a list that is at hand as a whole, oldest first.
    fileprivate func page(_ page: Page, _ id: (Element) -> String) throws -> Listing<Element> {
        for (name, cursor) in [("after", page.after), ("before", page.before)] {
            guard let cursor, !contains(where: { id($0) == cursor }) else { continue }
            throw RequestError.invalid(parameter: name, message: "names nothing that is in this list")
        }
        var rest = page.order == .ascending ? self[...] : Array(reversed())[...]
        if let after = page.after { rest = rest.drop { id($0) != after }.dropFirst() }
        if let before = page.before { rest = rest.prefix { id($0) != before } }
        return Listing(elements: Array(rest.prefix(page.limit)), hasMore: rest.count > page.limit)
    }
}

/// Makes a response of an answer while it comes, and keeps it at its end.
struct ResponseStream: Sendable {
    let request: ResponseRequest
    let answer: Answer
    let responses: any ResponseStore
    let scope: Scope
    let habits: StreamHabits
    let context: AppContext

    func whole() async throws -> JSONValue {
        var response = ResponseEvents(request, answer)
        _ = response.begin()
        var usage: TokenUsage?
        for try await piece in answer.events {
            if case .usage(let known) = piece { usage = known }
            _ = response.take(piece)
        }
        _ = try await end(&response, usage)
        return response.response
    }

    /// Ends with `response.completed` or `response.incomplete`, or with `response.failed` where the model failed on the
    /// way.
    func write(to writer: inout any ResponseBodyWriter) async throws {
        try await context.whileClientIsPresent(writing: writer) { writer in
            var response = ResponseEvents(request, answer)
            try await Self.write(response.begin(), to: &writer)
            do {
                var usage: TokenUsage?
                try await habits.follow(answer.events, writingTo: &writer) { piece, writer in
                    if case .usage(let known) = piece { usage = known }
                    let events = response.take(piece)
                    try await Self.write(events, to: &writer)
                    return !events.isEmpty
                }
                try await Self.write(end(&response, usage), to: &writer)
            } catch let error where !(error is CancellationError) && !(error is ChannelError) {
                context.logger.warning("a response broke off", metadata: ["error": "\(error)"])
                try await Self.write(response.fail(ErrorAnswer(error)), to: &writer)
            }
        }
    }

    /// Keeps the response before its end is told: a client that has read the end can go on from it.
    private func end(_ response: inout ResponseEvents, _ known: TokenUsage?) async throws -> [JSONValue] {
        let usage: TokenUsage
        if let known { usage = known } else { usage = try await answer.usage(of: response.text) }
        let last = response.end(usage)
        if request.stores { try await responses.add(response.stored, in: scope) }
        return last
    }

    private static func write(_ events: [JSONValue], to writer: inout any ResponseBodyWriter) async throws {
        for event in events { try await writer.write(bytes(of: event)) }
    }

    private static func bytes(of event: JSONValue) throws -> ByteBuffer {
        var buffer = ByteBuffer(string: "event: \(event["type"]?.string ?? "")\ndata: ")
        buffer.writeBytes(try event.json())
        buffer.writeStaticString("\n\n")
        return buffer
    }
}
