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

    private let scope = Scope(tenant: TenantID(rawValue: "t"), role: .user, key: KeyID(rawValue: "key_one"))

    private func rewritten(_ answer: String?, patience: Duration = .seconds(3_600)) async throws -> String? {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        return try await RewriteQuestion(
            models: Catalog(answer: answer), model: "m", patience: patience, logger: logger)(Self.turns, in: scope)
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

    @Test("on the account of who asks")
    func account() async throws {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let used = Used()
        let ledger = UsageLedger(store: used, logger: logger)
        let catalog = Catalog(answer: "When was Ilse Brandt born?")
        _ = try await RewriteQuestion(models: catalog, model: "m", ledger: ledger, logger: logger)(Self.turns, in: scope)
        await ledger.writeDown()
        let noted = try #require(await used.noted.first)
        #expect(noted.key.key == scope.key && noted.key.model == "m")
        #expect(noted.value.requests == 1 && noted.value.promptTokens > 10 && noted.value.completionTokens > 0)
    }

    private actor Used: UsageStore {
        private(set) var noted: [UsageAccount: UsageSum] = [:]

        func add(_ usage: [UsageAccount: UsageSum]) async throws { noted.merge(usage) { $1 } }

        func usage(
            of tenant: TenantID?, key: KeyID?, days: ClosedRange<Int>, limit: Int
        ) async throws -> [(account: UsageAccount, sum: UsageSum)] { [] }
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
