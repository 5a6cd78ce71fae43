/// One turn of a conversation to answer: what the client sent, checked and sorted, nothing resolved yet.
package struct Question: Sendable {
    /// As the client named it; nil asks for the server's default. May be `expert/<id>` or `kb/<id>`.
    package var model: String?
    package var turns: [Turn]
    package var knowledge: KnowledgeChoice
    /// OpenAI parameters to pass on, without `model`, `messages`, `stream` and what Almanac acts on itself.
    package var parameters: [String: JSONValue]
    /// How many answers are wanted.
    package var choices = 1
    package var form = PromptForm.chat

    package init(
        model: String?, turns: [Turn], knowledge: KnowledgeChoice = KnowledgeChoice(),
        parameters: [String: JSONValue] = [:]
    ) {
        self.model = model
        self.turns = turns
        self.knowledge = knowledge
        self.parameters = parameters
    }

    /// A message as it came, with what Almanac looks at.
    package struct Turn: Hashable, Sendable {
        package var role: Role
        /// All text parts, joined by newlines.
        package var text: String
        /// The whole message, which is what a model gets.
        package var message: JSONValue
        /// Where the first part is that is no text, as a JSON path.
        package var firstMedia: String?

        package init(role: Role, text: String, message: JSONValue, firstMedia: String? = nil) {
            self.role = role
            self.text = text
            self.message = message
            self.firstMedia = firstMedia
        }
    }

    package enum Role: String, Sendable, CaseIterable {
        case developer, system, user, assistant, tool, function
    }
}

/// How a prompt reaches a model.
package enum PromptForm: Hashable, Sendable {
    /// As messages, for the model's chat template.
    case chat
    /// As one text that is to be continued, without a template.
    case text
    /// Like `text`, as token ids of the model's own vocabulary.
    case tokens([Int])
}

/// Which knowledge a request names: the `alan` object.
package struct KnowledgeChoice: Hashable, Sendable {
    package enum Mode: String, Sendable, CaseIterable {
        /// The request's knowledge bases in place of the expert's.
        case replace
        /// Both together, the request's first.
        case merge
        /// The expert's settings alone, whatever the request says.
        case expert
    }

    package var expert: ExpertID?
    /// nil where the request says nothing, `[]` where it wants no retrieval.
    package var knowledgeBases: [KnowledgeBaseID]?
    package var mode: Mode
    package var onEmpty: OnEmpty?
    /// Only documents whose attributes satisfy it, and only those of these files, where given.
    package var filter: AttributeFilter?
    package var files: [FileID]?
    /// How passages are ranked, and how many of them an answer gets at most; the server's own way where absent.
    package var ranking: Ranking?
    package var maxPassages: Int?

    package init(
        expert: ExpertID? = nil, knowledgeBases: [KnowledgeBaseID]? = nil, mode: Mode = .replace,
        onEmpty: OnEmpty? = nil, filter: AttributeFilter? = nil, files: [FileID]? = nil
    ) {
        self.filter = filter
        self.files = files
        self.expert = expert
        self.knowledgeBases = knowledgeBases
        self.mode = mode
        self.onEmpty = onEmpty
    }
}
