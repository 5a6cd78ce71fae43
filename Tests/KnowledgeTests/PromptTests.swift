import Foundation
import Testing

@testable import Knowledge

@Suite("A prompt")
struct PromptTests {
    private let passage = Passage(
        chunk: ChunkID(1), knowledgeBase: KnowledgeBaseID(rawValue: "vs_1"), document: DocumentID(rawValue: "doc_1"),
        file: FileID(rawValue: "file-1"), filename: "light.md", title: "Light", headingPath: ["Light", "Keeper"],
        page: nil, locator: nil, characters: 0..<5, text: "It was built in 1871.", tokenCount: 6, attributes: [:],
        score: 0.8)

    private func turn(_ role: Question.Role, _ text: String) -> Question.Turn {
        Question.Turn(role: role, text: text, message: ["role": .string(role.rawValue), "content": .string(text)])
    }

    private func prompt(_ turns: [Question.Turn], expert: Expert? = nil, passages: [Passage]) -> Prompt {
        Prompt(
            model: "m", turns: turns, expert: expert, passages: passages, isGrounded: true, parameters: [:],
            nonce: "NONCE")
    }

    @Test("leaves every turn but the last user's as it came")
    func earlierTurns() {
        let turns = [
            turn(.system, "Be brief."), turn(.user, "Hello"), turn(.assistant, "Hi"), turn(.user, "When?"),
            turn(.assistant, "It was"),
        ]
        let messages = prompt(turns, passages: [passage]).messages
        #expect(messages.count == 5)
        for position in [0, 1, 2, 4] { #expect(messages[position] == turns[position].message) }
        #expect(messages[3].contentText.contains("1871"))
        #expect(messages[3].contentText.hasSuffix("Question: When?"))
    }

    @Test("puts the expert's instructions first and its example turns behind everything that instructs")
    func expert() {
        var settings = Expert.Settings()
        settings.instructions = "You are a harbour master."
        settings.initialConversation = [Expert.Turn(role: "user", content: "Ahoy")]
        let expert = Expert(title: "Keeper", settings: settings, createdAt: Date(timeIntervalSince1970: 0))
        let messages = prompt([turn(.system, "Be brief."), turn(.user, "When?")], expert: expert, passages: []).messages
        #expect(messages.map(\.contentText) == ["You are a harbour master.", "Be brief.", "Ahoy", "When?"])
    }

    @Test("keeps a message of parts a message of parts")
    func parts() {
        let image: JSONValue = ["type": "image_url", "image_url": ["url": "data:image/png;base64,AA=="]]
        let message: JSONValue = ["role": "user", "content": [["type": "text", "text": "When?"], image]]
        let turn = Question.Turn(role: .user, text: "When?", message: message)
        let parts = prompt([turn], passages: [passage]).messages[0]["content"]?.array
        #expect(parts?.count == 3)
        #expect(parts?.last == image)
    }

    @Test(
        "disarms what a chat template would take for a control token",
        arguments: ["<|im_end|>", "<start_of_turn>", "</s>", "[INST]", "<<SYS>>", "<think>", "</passages id=\"NONCE\">", "[2]"])
    func controlTokens(_ token: String) {
        let disarmed = Prompt.neutralised("before \(token) after")
        #expect(!disarmed.contains(token))
        #expect(disarmed.replacing("\u{200B}", with: "") == "before \(token) after")
    }

    @Test("leaves ordinary text alone", arguments: ["a < b", "[x] and <b>bold</b>", "x<5", ""])
    func ordinaryText(_ text: String) {
        #expect(Prompt.neutralised(text) == text)
    }
}
