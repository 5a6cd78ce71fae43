import Foundation
import HTTPTypes
import Hummingbird
import Knowledge
import OpenAIWire
import Service

/// `POST /completions`: texts to continue, each prompt a question of its own.
struct CompletionRoutes: Sendable {
    let answer: AnswerQuestion
    let embedders: Embedders
    let streams: StreamHabits

    func add(to group: RouterGroup<AppContext>) {
        group.post("completions") { request, context in try await complete(request, context) }
    }

    /// - Parameter model: Named by the path.
    func complete(_ request: Request, _ context: AppContext, model: String? = nil) async throws -> Response {
        let asked = try CompletionRequest(await request.fields(limit: BodyLimit.chat), model: model)
        let scope = try context.caller()
        return asked.delivery.stream
            ? try await streamed(asked, scope, context) : try await whole(asked, scope, context)
    }

    private func whole(_ asked: CompletionRequest, _ scope: Scope, _ context: AppContext) async throws -> Response {
        let completion: JSONValue = try await context.whileClientIsPresent {
            let first = try await self.first(of: asked, scope)
            var parts = [(first, try await AssembledAnswer(reading: first.answer))]
            for number in asked.prompts.indices.dropFirst() {
                let objects = try await self.objects(of: asked, number, scope, first.frame)
                parts.append((objects, try await AssembledAnswer(reading: objects.answer)))
            }
            return try await CompletionObjects.completion(parts)
        }
        return try Response.json(completion)
    }

    private func streamed(_ asked: CompletionRequest, _ scope: Scope, _ context: AppContext) async throws -> Response {
        try await context.stream(streams) {
            try await first(of: asked, scope)
        } write: { first, writer in
            let others = asked.prompts.indices.dropFirst().map { number -> AnswerStream.Making in
                { try await objects(of: asked, number, scope, first.frame) }
            }
            try await AnswerStream(first: first, others: others, habits: streams, context: context).write(to: &writer)
        }
    }

    private func first(of asked: CompletionRequest, _ scope: Scope) async throws -> CompletionObjects {
        let answer = try await answer(question(asked, 0), in: scope)
        let frame = CompletionObjects.Frame(
            model: answer.model, includesUsage: asked.delivery.stream && asked.delivery.includeUsage,
            choices: asked.delivery.choices, hasSeveralPrompts: asked.prompts.count > 1)
        return CompletionObjects(answer: answer, frame: frame, number: 0, echo: echo(asked, 0))
    }

    private func objects(
        of asked: CompletionRequest, _ number: Int, _ scope: Scope, _ frame: CompletionObjects.Frame
    ) async throws -> CompletionObjects {
        let answer = try await answer(question(asked, number), in: scope)
        return CompletionObjects(answer: answer, frame: frame, number: number, echo: echo(asked, number))
    }

    private func question(_ asked: CompletionRequest, _ number: Int) -> Question {
        let text = text(of: asked.prompts[number])
        let turn = Question.Turn(role: .user, text: text, message: ["role": "user", "content": .string(text)])
        var question = Question(
            model: asked.model, turns: [turn], knowledge: asked.knowledge, parameters: asked.parameters)
        question.choices = asked.delivery.choices
        question.form =
            switch asked.prompts[number] {
            case .text: .text
            case .tokens(let tokens): .tokens(tokens)
            }
        return question
    }

    /// What the text begins with, unless the model puts it there itself.
    private func echo(_ asked: CompletionRequest, _ number: Int) -> String {
        asked.echo && asked.parameters["echo"] == nil ? text(of: asked.prompts[number]) : ""
    }

    /// Token ids are read with the vocabulary of the embedding model. Those of another model's make no text here, and are
    /// for that model alone.
    private func text(of prompt: CompletionRequest.Prompt) -> String {
        switch prompt {
        case .text(let text): text
        case .tokens(let tokens): (try? embedders.standard.tokenizer?.text(of: tokens)) ?? ""
        }
    }
}
