import Knowledge
import Logging
import Testing

@testable import Service

@Suite("A follow-up question is rewritten")
struct RewriteTests {
    private static func turn(_ role: Question.Role, _ text: String) -> Question.Turn {
        Question.Turn(role: role, text: text, message: ["role": .string(role.rawValue), "content": .string(text)])
    }

    private static let turns = [
        turn(.system, "secret orders"), turn(.user, "Who built the lighthouse?"), turn(.assistant, "Ilse Brandt."),
        turn(.user, "When was she born?"),
    ]

    /// A catalog of one model that says one thing.
    private struct Catalog: ModelCatalog, LanguageModel {
        var answer: String?

        func cards() async -> [ModelCard] { [] }

        func languageModel(named name: String) async throws -> any LanguageModel { self }

        func answer(_ prompt: Prompt) async throws -> AsyncThrowingStream<ModelEvent, any Error> {
            guard let answer else {
                // Says nothing until nobody waits any more.
                return AsyncThrowingStream {
                    try await Task.sleep(for: .seconds(3_600))
                    return nil
                }
            }
            return .fixed(answer)
        }
    }

    private func rewritten(_ answer: String?, patience: Duration = .seconds(3_600)) async throws -> String? {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        return try await RewriteQuestion(
            models: Catalog(answer: answer), model: "m", patience: patience, logger: logger)(Self.turns)
    }

    @Test("to the first line that the model says, without what surrounds it")
    func line() async throws {
        #expect(try await rewritten("\n “When was Ilse Brandt born?” \nThis asks for a date.") == "When was Ilse Brandt born?")
    }

    @Test("to nothing where the model says nothing, too much, or waits too long")
    func nothing() async throws {
        #expect(try await rewritten(" \n\"\"\n") == nil)
        #expect(try await rewritten(String(repeating: "word ", count: 200)) == nil)
        #expect(try await rewritten(nil, patience: .milliseconds(1)) == nil)
    }

    @Test("from what was said, as data, without what the system said")
    func prompt() throws {
        let prompt = try RewriteQuestion.prompt(Self.turns, model: "m")
        #expect(prompt.messages.count == 2)
        let data = prompt.messages[1].contentText
        #expect(data.contains("Ilse Brandt.") && data.contains("When was she born?"))
        #expect(!data.contains("secret orders"))
    }
}
