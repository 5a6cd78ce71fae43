import Foundation
import HTTPTypes
import Hummingbird
import Knowledge
import OpenAIWire
import Service

/// `POST /chat/completions`, streamed and whole.
struct ChatRoutes: Sendable {
    let answer: AnswerQuestion
    let streams: StreamHabits

    func add(to group: RouterGroup<AppContext>) {
        group.post("chat/completions", use: complete)
    }

    private func complete(_ request: Request, _ context: AppContext) async throws -> Response {
        let asked = try ChatRequest(await request.fields(limit: BodyLimit.chat))
        let scope = try context.caller()
        return asked.delivery.stream
            ? try await streamed(asked, scope, context) : try await whole(asked, scope, context)
    }

    private func whole(_ asked: ChatRequest, _ scope: Scope, _ context: AppContext) async throws -> Response {
        let completion: JSONValue = try await context.whileClientIsPresent {
            let answer = try await self.answer(asked.question, in: scope)
            return try await ChatObjects(answer, annotations: asked.annotations).completion(AssembledAnswer(reading: answer))
        }
        return try Response.json(completion)
    }

    private func streamed(_ asked: ChatRequest, _ scope: Scope, _ context: AppContext) async throws -> Response {
        try await context.stream(streams) {
            try await answer(asked.question, in: scope)
        } write: { answer, writer in
            let objects = ChatObjects(
                answer, annotations: asked.annotations, includesUsage: asked.delivery.includeUsage,
                mirrorsDeltas: asked.isWebUI)
            try await AnswerStream(first: objects, habits: streams, context: context).write(to: &writer)
        }
    }
}
