package import FoundationEssentials

/// An assistant profile: instructions, model, sampling defaults, knowledge bases, first messages.
package struct Expert: Hashable, Sendable {
    package var id: ExpertID
    package var title: String
    package var summary: String
    package var settings: Settings
    package var createdAt: Date

    package init(
        id: ExpertID = .random(), title: String, summary: String = "", settings: Settings = Settings(), createdAt: Date
    ) {
        self.id = id
        self.title = title
        self.summary = summary
        self.settings = settings
        self.createdAt = createdAt
    }

    package struct Settings: Hashable, Sendable, Codable {
        package var instructions = ""
        /// Empty means the server's default.
        package var model: String?
        package var temperature: Double?
        package var topP: Double?
        package var knowledgeBases: [KnowledgeBaseID] = []
        package var initialMessage: String?
        /// Turns put between the instructions and the conversation.
        package var initialConversation: [Turn] = []
        package var suggestions: [String] = []
        package var icon: String?
        package var onEmpty: OnEmpty = .answer
        /// Settings of other systems that Almanac keeps for the client and does not act on.
        package var other: [String: JSONValue] = [:]

        package init() {}
    }

    package struct Turn: Hashable, Sendable, Codable {
        package var role: String
        package var content: String

        package init(role: String, content: String) {
            self.role = role
            self.content = content
        }
    }
}

/// What happens when the knowledge bases hold nothing about the question.
package enum OnEmpty: String, Sendable, Codable, CaseIterable {
    /// A fixed sentence, without asking the model.
    case refuse
    /// The model answers without passages, and the reply says `grounded: false`.
    case answer
    /// An error.
    case error
}
