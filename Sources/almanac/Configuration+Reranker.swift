import OpenAIWire

extension Configuration {
    /// Which model puts search results in order.
    struct RerankerChoice: Sendable {
        var model: String
        /// The provider whose `/rerank` is asked; nil for a folder among the models.
        var provider: String?

        init(_ fields: Fields) throws {
            try fields.allowOnly(["model", "provider"])
            model = try fields.requiredString("model", maxLength: 256)
            provider = try fields.string("provider", maxLength: 64)
        }
    }
}
