import Hummingbird
import Knowledge
import OpenAIWire
import Service

/// `POST /llm/generate_stream`: Alan's own chat, always streamed.
struct GenerateStreamRoutes: Sendable {
    let answer: AnswerQuestion
    let streams: StreamHabits

    func add(to group: RouterGroup<AppContext>) {
        group.post("llm/generate_stream") { request, context -> Response in
            let asked = try GenerateStreamRequest(await request.fields(limit: BodyLimit.chat))
            let scope = try context.caller()
            let answer: Answer
            do {
                answer = try await context.whileClientIsPresent { try await self.answer(asked.question, in: scope) }
            } catch let error as RequestError {
                throw error.namingFieldsBeside
            }
            let stream = AnswerStream(
                first: GenerateStreamEvents(answer), habits: streams.withoutDone, context: context)
            return .eventStream { writer in try await stream.write(to: &writer) }
        }
    }
}
