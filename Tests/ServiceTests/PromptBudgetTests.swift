import Foundation
import Testing

@testable import Knowledge
@testable import Service

@Suite("A prompt budget")
struct PromptBudgetTests {
    private static func turn(_ role: Question.Role, _ words: Int) -> Question.Turn {
        let text = Array(repeating: role.rawValue, count: words).joined(separator: " ")
        return Question.Turn(
            role: role, text: text, message: ["role": .string(role.rawValue), "content": .string(text)])
    }

    private static func passage(_ number: Int, words: Int) -> Passage {
        Passage(
            chunk: ChunkID(Int64(number)), knowledgeBase: .random(), document: .random(), file: .random(),
            filename: "a.md", title: nil, headingPath: [], page: nil, locator: nil, characters: 0..<1,
            text: Array(repeating: "word", count: words).joined(separator: " "), tokenCount: words, attributes: [:],
            score: 1 / Double(number))
    }

    private static func words(_ text: String) -> Int { text.split(whereSeparator: \.isWhitespace).count }

    @Test("never exceeds the window, keeps question, instructions and best passage, and drops the oldest first")
    func fits() throws {
        var generator = SystemRandomNumberGenerator()
        var refused = 0
        for _ in 0..<2_000 {
            let history = (0..<Int.random(in: 0...12, using: &generator)).map { number in
                Self.turn(number % 2 == 0 ? .user : .assistant, Int.random(in: 1...120, using: &generator))
            }
            let turns = [Self.turn(.system, 20)] + history + [Self.turn(.user, Int.random(in: 1...60))]
            let passages = (1...Int.random(in: 1...10)).map { Self.passage($0, words: Int.random(in: 5...250)) }
            let window = Int.random(in: 300...4_000)
            let budget = PromptBudget(
                window: window, answerTokens: Int.random(in: 1...2_000), passageTokens: 1_000, count: Self.words)
            let fit: PromptBudget.Fit
            do {
                fit = try budget.fit(turns, expert: nil, passages: passages)
            } catch RequestError.contextExceeded {
                refused += 1
                continue
            }
            let prompt = Prompt(
                model: "m", turns: fit.turns, expert: nil, passages: fit.passages, isGrounded: true, parameters: [:],
                nonce: "NONCE")
            let sent = prompt.messages.reduce(0) { $0 + Self.words($1.contentText) + 8 }
            #expect(sent + 256 <= window)
            #expect(fit.turns.first == turns.first && fit.turns.last == turns.last)
            #expect(fit.turns.count + fit.droppedTurns == turns.count)
            #expect(Array(fit.turns.dropFirst()) == Array(turns.dropFirst(1 + fit.droppedTurns)))
            #expect(!fit.passages.isEmpty && fit.passages == Array(passages.prefix(fit.passages.count)))
            #expect(fit.droppedTurns == 0 || fit.turns[1].role == .user)
        }
        #expect(refused < 1_000)
    }

    @Test("leaves everything as it is where the model's window is unknown")
    func unknownWindow() throws {
        let turns = [Self.turn(.user, 90_000), Self.turn(.assistant, 5), Self.turn(.user, 3)]
        let passages = (1...9).map { Self.passage($0, words: 200) }
        let budget = PromptBudget(window: nil, answerTokens: nil, passageTokens: 1_000, count: Self.words)
        let fit = try budget.fit(turns, expert: nil, passages: passages)
        #expect(fit.turns == turns)
        // Four of about 203 words each; a fifth would exceed the 1,000.
        #expect(fit.passages == Array(passages.prefix(4)))
    }
}
