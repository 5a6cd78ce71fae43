/// What a language model is asked: the conversation as it goes out, and what it was made from.
package struct Prompt: Sendable {
    /// The model's name as its provider knows it.
    package var model: String
    /// OpenAI messages, in order, the passages already in the last user turn.
    package var messages: [JSONValue]
    /// OpenAI parameters other than `model`, `messages` and `stream`, as the client sent them or the expert set them.
    package var parameters: [String: JSONValue]
    /// The last user turn's own text, without passages.
    package var question: String
    /// The question with what it leans on, for models that read nothing else.
    package var standalone: String
    /// Best first; `[1]` is the first. Empty where nothing was searched or found.
    package var passages: [Passage]
    /// Whether knowledge bases were searched at all.
    package var isGrounded: Bool
    /// Where in the request the first message part is that is no text, as a JSON path.
    package var firstMedia: String?
    package var form = PromptForm.chat

    package init(
        model: String, messages: [JSONValue], parameters: [String: JSONValue], question: String, passages: [Passage],
        isGrounded: Bool, firstMedia: String? = nil
    ) {
        self.model = model
        self.messages = messages
        self.parameters = parameters
        self.question = question
        standalone = question
        self.passages = passages
        self.isGrounded = isGrounded
        self.firstMedia = firstMedia
    }

    /// All that is said, for a model that continues a text.
    package var continuous: String { messages.map(\.contentText).joined(separator: "\n\n") }
}

extension JSONValue {
    /// The text parts of an OpenAI message.
    package var contentText: String {
        switch self["content"] {
        case .string(let text)?: text
        case .array(let parts)?: parts.compactMap { $0["text"]?.string }.joined(separator: "\n")
        default: ""
        }
    }
}
