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
            let habits = streams.withoutDone
            return try await context.stream(habits) {
                do {
                    return try await answer(asked.question, in: scope)
                } catch let error as RequestError {
                    throw error.namingFieldsBeside
                }
            } failure: { error in
                GenerateStreamEvents.failure(error)
            } write: { answer, writer in
                try await AnswerStream(first: GenerateStreamEvents(answer), habits: habits, context: context)
                    .write(to: &writer)
            }
        }
    }
}
