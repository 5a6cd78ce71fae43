import Foundation
import HTTPTypes
import Hummingbird
import Knowledge
import OpenAIWire
import Service

/// `POST /chat/completions`, streamed and whole.
struct ChatRoutes: Sendable {
    let answer: AnswerQuestion

    func add(to group: RouterGroup<AppContext>) {
        group.post("chat/completions", use: complete)
    }

    private func complete(_ request: Request, _ context: AppContext) async throws -> Response {
        let asked = try ChatRequest(await request.fields(limit: BodyLimit.chat))
        let scope = try context.caller()
        return asked.stream
            ? try await streamed(asked, scope, context) : try await whole(asked, scope, context)
    }

    private func whole(_ asked: ChatRequest, _ scope: Scope, _ context: AppContext) async throws -> Response {
        let completion: JSONValue = try await context.whileClientIsPresent {
            let answer = try await self.answer(asked.question, in: scope)
            var message = AssembledMessage()
            for try await event in answer.events { message.add(event) }
            if message.usage == nil { message.add(.usage(try await answer.usage(of: message.text))) }
            return ChatObjects(answer).completion(message)
        }
        return try Response.json(completion)
    }

    private func streamed(_ asked: ChatRequest, _ scope: Scope, _ context: AppContext) async throws -> Response {
        let answer = try await context.whileClientIsPresent { try await self.answer(asked.question, in: scope) }
        let stream = AnswerStream(answer: answer, includeUsage: asked.includeUsage, context: context)
        return .eventStream { writer in try await stream.write(to: &writer) }
    }
}
